"""What a phone heard, and when."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from gevent.event import Event

from appliance.lab.clock import FRAME_S
from appliance.lab.sound import frame_bytes, is_audible

JITTER_BUFFER_S = 0.5
"""What a phone holds of frames that come faster than they can be played; the rest is lost."""

_SAME_PIECE_S = 0.35


@dataclass(frozen=True, slots=True)
class Heard:
    """A stretch of sound between two silences. Times are the clock's seconds; ``pcm`` is mono."""

    started_at: float
    ended_at: float
    pcm: bytes


class Ear:
    """Keeps what came in, frame by frame, with the time at which it would have been heard.

    A frame that arrives while earlier ones still play waits for them; one that would have to wait
    more than :data:`JITTER_BUFFER_S` is dropped and counted, so that a sender who does not pace its
    frames is found out.

    Attributes:
        frames: frames received. dropped: of these, lost in the jitter buffer.
        last_audible_at: arrival of the last frame that could be heard; None before any.
    """

    def __init__(
        self, rate_hz: int, *, keep: bool = True, now: Callable[[], float] = time.perf_counter
    ) -> None:
        """Hear at ``rate_hz``; without ``keep`` the times of sounds are kept and not the sounds."""
        self.rate_hz = rate_hz
        self.frames = 0
        self.dropped = 0
        self.last_audible_at: float | None = None
        self.first_audible_at: float | None = None
        self._keep = keep
        self._now = now
        self._audible: list[tuple[float, float, bytes]] = []
        self._plays_until = 0.0
        self._heard_something = Event()

    def feed(self, pcm: bytes, at: float) -> None:
        """Take what arrived at ``at``; one frame or several at once."""
        size = frame_bytes(self.rate_hz)
        for start in range(0, len(pcm), size):
            self._frame(pcm[start : start + size], at)

    def _frame(self, pcm: bytes, at: float) -> None:
        self.frames += 1
        plays_at = max(at, self._plays_until)
        if plays_at - at > JITTER_BUFFER_S:
            self.dropped += 1
            return
        self._plays_until = plays_at + FRAME_S
        if not is_audible(pcm):
            return
        self.last_audible_at = at
        if self.first_audible_at is None:
            self.first_audible_at = at
        self._audible.append((plays_at, at, pcm if self._keep else b""))
        self._heard_something.set()

    def first_audible_after(self, after: float) -> float | None:
        """Arrival of the first audible frame later than ``after``; None when there was none."""
        found = None
        for _, at, _ in reversed(self._audible):
            if at <= after:
                break
            found = at
        return found

    def wait_audible(self, after: float, timeout_s: float) -> float | None:
        """Wait for an audible frame later than ``after``; its arrival, or None in vain."""
        deadline = self._now() + timeout_s
        while (found := self.first_audible_after(after)) is None:
            self._heard_something.clear()
            if not self._heard_something.wait(max(deadline - self._now(), 0.0)):
                return self.first_audible_after(after)
        return found

    def wait_quiet(self, quiet_s: float, timeout_s: float) -> bool:
        """Wait until nothing audible came for ``quiet_s``; False when the time is up first."""
        begun = self._now()
        deadline = begun + timeout_s
        while True:
            self._heard_something.clear()
            now = self._now()
            missing_s = (self.last_audible_at or begun) + quiet_s - now
            if missing_s <= 0:
                return True
            if now >= deadline:
                return False
            # Nothing heard within the time that is missing means it was quiet long enough.
            self._heard_something.wait(min(missing_s, deadline - now))

    def pieces(self, after: float = 0.0, before: float = float("inf")) -> list[Heard]:
        """What was heard between two times, cut where it was quiet for 350 ms."""
        found: list[Heard] = []
        pcm = bytearray()
        open_piece = False
        started = ended = 0.0
        silent_frame = bytes(frame_bytes(self.rate_hz))
        for plays_at, _, frame in self._audible:
            if not after <= plays_at < before:
                continue
            gap_s = plays_at - ended
            if open_piece and gap_s > _SAME_PIECE_S:
                found.append(Heard(started, ended, bytes(pcm)))
                pcm.clear()
                open_piece = False
            if not open_piece:
                started, open_piece = plays_at, True
            elif self._keep:
                pcm += silent_frame * round(gap_s / FRAME_S)
            pcm += frame
            ended = plays_at + FRAME_S
        if open_piece:
            found.append(Heard(started, ended, bytes(pcm)))
        return found
