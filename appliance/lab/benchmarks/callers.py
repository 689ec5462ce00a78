"""Callers who talk and time what they hear."""

import time
from array import array
from bisect import bisect_right
from collections.abc import Callable

from gevent.event import Event

from appliance.lab.clock import FRAME_S
from appliance.lab.phones import VirtualPhone
from appliance.lab.sound import silence, speech

RATE_HZ = 8000
_QUIET_FRAMES = 5
_VOICES = ("en-us", "en-gb", "en-us+f3", "en-us+m3")
_QUESTIONS = ("what are your opening hours", "when are you open please", "are you open today")


def questions() -> list[bytes]:
    """The same few questions in several voices, as PCM at ``RATE_HZ``; sentences end differently.

    Raises:
        ConfigurationError: espeak-ng is missing.
    """
    return [speech(text, voice, 175, RATE_HZ) for text in _QUESTIONS for voice in _VOICES]


class TimedPhone(VirtualPhone):
    """A phone that keeps when each frame came, and whether it was more than silence.

    Attributes:
        arrivals, speech: of every frame, seconds of ``now`` and whether anything was in it.
    """

    def __init__(self, number: str, now: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(number, rate_hz=RATE_HZ, keep_audio=False, now=now)
        self.arrivals = array("d")
        self.speech = bytearray()
        self._digital_silence = silence(RATE_HZ)
        self._began = array("d")
        self._silent_frames = 0
        self._changed = Event()

    def hear(self, pcm: bytes, at: float) -> None:
        """What reached the phone, and when."""
        spoken = pcm != self._digital_silence
        self.arrivals.append(at)
        self.speech.append(spoken)
        if not spoken:
            self._silent_frames += 1
            if self._silent_frames == _QUIET_FRAMES:
                self._changed.set()
            return
        if self._silent_frames or not self._began:
            self._began.append(at)
            self._changed.set()
        self._silent_frames = 0

    @property
    def quiet(self) -> bool:
        """Whether nothing has been said to this phone for 100 ms, though something was before."""
        return bool(self._began) and self._silent_frames >= _QUIET_FRAMES

    def began_after(self, after: float, timeout_s: float) -> float | None:
        """Wait for something to begin later than ``after``; its first frame's arrival, or None."""

        def found() -> float | None:
            index = bisect_right(self._began, after)
            return self._began[index] if index < len(self._began) else None

        self._wait(lambda: found() is not None, timeout_s)
        return found()

    def wait_quiet(self, timeout_s: float) -> bool:
        """Wait until :attr:`quiet`; False when it is not by then."""
        return self._wait(lambda: self.quiet, timeout_s)

    def first_voice_ended_at(self) -> float | None:
        """Arrival of the last frame of the first thing that was said; None when nothing was."""
        begun = self.speech.find(1)
        ended = self.speech.find(0, begun) if begun >= 0 else -1
        return self.arrivals[ended - 1] if ended >= 0 else None

    def _wait(self, until: Callable[[], bool], timeout_s: float) -> bool:
        deadline = self._now() + timeout_s
        while not until():
            left_s = deadline - self._now()
            if left_s <= 0 or self.ended.is_set():
                return False
            self._changed.clear()
            self._changed.wait(left_s)
        return True


def asks(phone: TimedPhone, question: bytes, timeout_s: float = 3.0) -> float | None:
    """Ask, and time the reply.

    The caller's last audible frame is the last one that has a sample within 34 dB of the loudest
    sample of the whole question; time counts from the moment when the phone sent that frame.

    Returns:
        Seconds from there to the arrival of the first frame of the reply; None when none came.
    """
    spoken = phone.say(question)
    spoken.done.wait()
    if spoken.last_audible_at is None:
        return None
    sent_at = spoken.last_audible_at - FRAME_S
    began_at = phone.began_after(sent_at, timeout_s)
    return None if began_at is None else began_at - sent_at
