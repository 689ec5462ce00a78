"""Something being said to the caller: supplied by its own greenlet, taken frame by frame."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

import gevent
from gevent.event import Event

from appliance.calls.errors import ApplianceError
from appliance.media.framing import Framer
from appliance.media.pcm import FRAME_MS

# A synthesizer is quicker than speech and serves one caller at a time: what it makes is taken off
# its hands at once, up to half a minute (480 kB at 16 kHz) of it.
_BUFFER_FRAMES: Final = 1500
_REFILL_FRAMES: Final = 1400


class Playback:
    """One ``say``: from the first chunk of its source until its last frame was heard, or a stop.

    The source may block (a synthesizer over HTTP), so a greenlet of its own reads it into a buffer
    of half a minute. When the source is slower than speech the caller hears silence and the rest
    follows.

    Attributes:
        done: set when everything was played out, the source failed, or it was stopped.
        played_ms: how much has really left.
        first_frame_at: monotonic seconds when the first frame left; None before.
        interrupted: it was stopped before its end.
        error: what the source failed with, if it did.
    """

    def __init__(
        self, chunks: Iterable[bytes], rate_hz: int, *, on_supply: Callable[[], None], name: str
    ) -> None:
        self.done = Event()
        self.played_ms = 0
        self.first_frame_at: float | None = None
        self.interrupted = False
        self.error: Exception | None = None
        self._chunks = chunks
        self._framer = Framer(rate_hz)
        self._on_supply = on_supply
        self._frames: deque[bytes] = deque()
        self._space = Event()
        self._supplied = False
        self._feeder = gevent.spawn(self._feed)
        self._feeder.name = name

    @property
    def ready(self) -> bool:
        """Whether a frame can be taken now."""
        return bool(self._frames)

    @property
    def exhausted(self) -> bool:
        """Whether all frames were taken and no more will come."""
        return self._supplied and not self._frames

    def take(self, now: float) -> bytes:
        """The next frame, which leaves at ``now``. Only when ``ready``."""
        frame = self._frames.popleft()
        if len(self._frames) <= _REFILL_FRAMES:
            self._space.set()
        if self.first_frame_at is None:
            self.first_frame_at = now
        self.played_ms += FRAME_MS
        return frame

    def wait(self, timeout_s: float) -> bool:
        """Wait until it is done. False when it is not by then."""
        return bool(self.done.wait(timeout_s))

    def stop(self) -> None:
        """Stop within one frame; the source is closed. Does nothing once it is done."""
        if self.done.is_set():
            return
        self.interrupted = True
        self._frames.clear()
        self.finish()

    def finish(self) -> None:
        """Mark it as done and let go of the source."""
        self.done.set()
        if not self._supplied:
            self._feeder.kill(block=False)

    def _feed(self) -> None:
        try:
            for chunk in self._chunks:
                for frame in self._framer.feed(chunk):
                    self._put(frame)
            rest = self._framer.flush()
            if rest is not None:
                self._put(rest)
        except (ApplianceError, OSError) as error:
            self.error = error
        finally:
            self._supplied = True
            close = getattr(self._chunks, "close", None)
            if close is not None:
                close()
            self._chunks = ()
        if not self._frames:  # nothing came at all: nobody else would notice
            self._on_supply()

    def _put(self, frame: bytes) -> None:
        if len(self._frames) >= _BUFFER_FRAMES:
            self._space.clear()
            self._space.wait()
        self._frames.append(frame)
        if len(self._frames) == 1:
            self._on_supply()
