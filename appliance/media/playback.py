"""Something being said to the caller: supplied by its own greenlet, sent by the media thread."""

from collections.abc import Iterable
from typing import Final

import gevent
from gevent.event import Event

from appliance.calls.errors import ApplianceError
from appliance.media.framing import Framer
from appliance.media.media_thread import Voice
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
        interrupted: it was stopped before its end.
        error: what the source failed with, if it did.
    """

    def __init__(self, chunks: Iterable[bytes], rate_hz: int, voice: Voice, *, name: str) -> None:
        self.done = Event()
        self.interrupted = False
        self.error: Exception | None = None
        self._voice = voice
        self._chunks = chunks
        self._framer = Framer(rate_hz)
        self._space = Event()
        self._supplied = False
        self._feeder = gevent.spawn(self._feed)
        self._feeder.name = name

    @property
    def played_ms(self) -> int:
        """How much has really left."""
        return self._voice.played * FRAME_MS

    @property
    def first_frame_at(self) -> float | None:
        """Monotonic seconds when the first frame left; None before."""
        return self._voice.first_at

    def wait(self, timeout_s: float) -> bool:
        """Wait until it is done. False when it is not by then."""
        return bool(self.done.wait(timeout_s))

    def stop(self) -> None:
        """Stop within one frame; the source is closed. Does nothing once it is done."""
        if self.done.is_set():
            return
        self.interrupted = not (self._supplied and self._voice.done)
        self._voice.hush()
        self._finish()

    def keep_up(self) -> None:
        """Notice what the media thread has said of it since."""
        if self._voice.done:
            self._finish()
        elif self._voice.waiting <= _REFILL_FRAMES:
            self._space.set()

    def _finish(self) -> None:
        self.done.set()
        if not self._supplied:
            self._feeder.kill(block=False)

    def _feed(self) -> None:
        try:
            for chunk in self._chunks:
                self._supply(b"".join(self._framer.feed(chunk)))
            self._supply(self._framer.flush() or b"")
        except (ApplianceError, OSError) as error:
            self.error = error
        finally:
            self._supplied = True
            close = getattr(self._chunks, "close", None)
            if close is not None:
                close()
            self._chunks = ()
            self._voice.supplied()

    def _supply(self, frames: bytes) -> None:
        while self._voice.waiting >= _BUFFER_FRAMES:
            self._space.clear()
            self._space.wait()
        if frames:
            self._voice.supply(frames)
