"""Which 20 ms of audio time a received frame fills. Pure. When ours leave: ``media_thread.c``."""

from typing import Final

from appliance.media.pcm import FRAME_MS

FRAME_S: Final = FRAME_MS / 1000
LEAD_LIMIT_MS: Final = 200
"""How far received audio may run ahead of the clock before frames are thrown away."""

STALL_S: Final = 0.05
"""Without a frame for so long the caller's stream has paused (the worst gap measured is 37 ms)."""


class IntakeClock:
    """Audio time of the caller's side: 20 ms for every frame, and for every frame that is missing.

    Frames come when the phone sends; audio time goes on regardless. While frames come it follows
    them; when they stop for ``STALL_S`` it follows the wall clock; when a burst makes up for a
    pause it may run ahead by ``LEAD_LIMIT_MS``, and frames beyond that are refused.

    ``audio_ms`` is the end of the last slot that was filled.
    """

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._last_arrival = started_at
        self._stall_s = STALL_S
        self.audio_ms = 0

    def _elapsed_ms(self, now: float) -> float:
        return (now - self._started_at) * 1000

    def datagram(self, now: float, length_ms: int) -> None:
        """Something came that lasts ``length_ms``; long packets make for long gaps."""
        self._last_arrival = now
        self._stall_s = STALL_S + max(length_ms - FRAME_MS, 0) * 1.5 / 1000

    def accept(self, now: float) -> bool:
        """Take one frame into account. False: it is too far ahead, throw it away."""
        if self.audio_ms + FRAME_MS - self._elapsed_ms(now) > LEAD_LIMIT_MS:
            return False
        self.audio_ms += FRAME_MS
        return True

    def stalled(self, now: float) -> bool:
        """Whether frames have stopped coming, or too many have been lost on the way."""
        if now - self._last_arrival >= self._stall_s:
            return True
        return self._elapsed_ms(now) - self.audio_ms >= LEAD_LIMIT_MS

    def due_in_s(self, frames: int, now: float) -> float:
        """When so many more slots should be filled, by then at the latest."""
        if self.stalled(now):
            return (frames - 0.5) * FRAME_S
        expected_s = max((frames + 0.5) * FRAME_S, self._stall_s)
        return expected_s - (now - self._last_arrival)

    def missing(self, now: float) -> bool:
        """Whether a slot has passed without a frame; if so it is taken as filled with nothing."""
        if not self.stalled(now) or self._elapsed_ms(now) - self.audio_ms < FRAME_MS:
            return False
        self.audio_ms += FRAME_MS
        return True

    def silent_ms(self, now: float) -> int:
        """How long nothing has come."""
        return int((now - self._last_arrival) * 1000)
