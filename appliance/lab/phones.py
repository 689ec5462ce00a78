"""Virtual phones: a mouth, an ear and a hand, without a network."""

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from gevent.event import Event

from appliance.lab.clock import FRAME_S
from appliance.lab.hearing import Ear
from appliance.lab.sound import frames_of, is_audible, last_audible_frame, noise, silence


class Leg(Protocol):
    """What a phone can do to its call, whatever switch carries it."""

    uuid: str

    def answer_from_phone(self) -> None:
        """Pick up."""

    def digit_from_phone(self, digit: str) -> None:
        """One key was pressed."""

    def hang_up_from_phone(self, cause: str) -> None:
        """Hang up, or refuse while ringing."""


class Utterance:
    """Something a phone says.

    Attributes:
        started_at: when its first audible frame left; None before, or when none ever did.
        last_audible_at: when its last audible frame had left in full (its start plus 20 ms).
        done: set when the last frame has left or the call ended.
    """

    def __init__(self, pcm: bytes, rate_hz: int) -> None:
        """Cut 16-bit mono PCM into the frames to send."""
        self.frames = deque(frames_of(pcm, rate_hz))
        self.duration_s = len(self.frames) * FRAME_S
        self._frames_after_last_audible = len(self.frames) - 1 - last_audible_frame(self.frames)
        self.started_at: float | None = None
        self.last_audible_at: float | None = None
        self.done = Event()

    def next_frame(self, now: float) -> bytes:
        """The next frame, noting the time. There must be one."""
        if self.started_at is None and is_audible(self.frames[0]):
            self.started_at = now
        if len(self.frames) - 1 == self._frames_after_last_audible:
            self.last_audible_at = now + FRAME_S
        frame = self.frames.popleft()
        if not self.frames:
            self.done.set()
        return frame


class VirtualPhone:
    """One phone, idle or in one call.

    The switch asks it for a frame every 20 ms (:meth:`next_frame`) and gives it what it should
    hear (:meth:`hear`). Between utterances it sends silence, as a phone without silence
    suppression does.

    Attributes:
        sends_audio: False for a phone whose microphone path is dead: no frame comes at all.
        leg: the call; None when idle. rings, answered, ended: events of the present call.
        hangup_cause: why the last call ended.
    """

    def __init__(
        self,
        number: str,
        name: str = "",
        *,
        rate_hz: int = 8000,
        keep_audio: bool = True,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """A phone with this number; ``keep_audio`` False forgets what it heard."""
        self.number = number
        self.name = name
        self.rate_hz = rate_hz
        self.sends_audio = True
        self.ear = Ear(rate_hz, keep=keep_audio, now=now)
        self.leg: Leg | None = None
        self.rings = Event()
        self.answered = Event()
        self.ended = Event()
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.hangup_cause = ""
        self._now = now
        self._speaking: deque[Utterance] = deque()
        self._background: deque[bytes] = deque()
        self._silence = silence(rate_hz)

    # The phone's user

    def say(self, pcm: bytes) -> Utterance:
        """Speak after what is being said already; wait on ``done`` of what comes back."""
        utterance = Utterance(pcm, self.rate_hz)
        if not utterance.frames or self.ended.is_set():
            utterance.done.set()
        else:
            self._speaking.append(utterance)
        return utterance

    def stop_talking(self) -> None:
        """Fall silent at once."""
        while self._speaking:
            self._speaking.popleft().done.set()

    def make_noise(self, level: float) -> None:
        """Send white noise whenever nothing is said; ``level`` is a share of full scale."""
        self._background = deque(frames_of(noise(self.rate_hz, 4.0, level), self.rate_hz))

    def press(self, digits: str) -> None:
        """Press keys, one after the other."""
        for digit in digits:
            if self.leg is not None:
                self.leg.digit_from_phone(digit)

    def answer(self) -> None:
        """Pick up a ringing call."""
        if self.leg is not None:
            self.leg.answer_from_phone()

    def hang_up(self, cause: str = "NORMAL_CLEARING") -> None:
        """Hang up, or refuse a ringing call with ``cause`` (``USER_BUSY``, ``CALL_REJECTED``)."""
        if self.leg is not None:
            self.leg.hang_up_from_phone(cause)

    # The switch

    def attach(self, leg: Leg) -> None:
        """The switch gives the phone a call: dialled by it, or ringing at it."""
        self.leg = leg
        self.ended.clear()
        self.answered.clear()
        self.answered_at = self.ended_at = None
        self.rings.set()

    def call_answered(self) -> None:
        """The call is up; audio flows from here."""
        self.answered_at = self._now()
        self.answered.set()

    def call_ended(self, cause: str) -> None:
        """The switch ended the call."""
        self.leg = None
        self.hangup_cause = cause
        self.ended_at = self._now()
        self.rings.clear()
        self.stop_talking()
        self.ended.set()

    def next_frame(self, now: float) -> bytes | None:
        """What the phone sends in this 20 ms; None when it sends nothing."""
        if not self.sends_audio:
            return None
        while self._speaking and not self._speaking[0].frames:
            self._speaking.popleft()
        if self._speaking:
            return self._speaking[0].next_frame(now)
        if self._background:
            self._background.rotate(-1)
            return self._background[0]
        return self._silence

    def hear(self, pcm: bytes, at: float) -> None:
        """What reached the phone at ``at``."""
        self.ear.feed(pcm, at)
