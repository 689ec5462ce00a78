"""Chunks of any size in, 20 ms frames out."""

from collections.abc import Iterator

from appliance.media.pcm import SAMPLE_BYTES, frame_bytes


class Framer:
    """Cuts a stream of PCM chunks into frames of 20 ms.

    FreeSWITCH sends one frame a datagram for 20 ms codecs, and 30 or 60 ms for phones that
    packetise so; a synthesizer's chunks have any size. Half a sample at the end of a chunk is
    thrown away: keeping it would swap the bytes of all that follows.
    """

    def __init__(self, rate_hz: int) -> None:
        self._frame_bytes = frame_bytes(rate_hz)
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the frames that are now complete, one at a time.

        The iterator must be used up before the next ``feed``. A large chunk is cut as it is
        consumed, so that it is not held in memory twice.
        """
        size = self._frame_bytes
        if len(chunk) == size and not self._rest:  # the common case, without a copy
            yield chunk
            return
        data = self._rest + chunk[: len(chunk) // SAMPLE_BYTES * SAMPLE_BYTES]
        whole = len(data) // size * size
        self._rest = data[whole:]
        for start in range(0, whole, size):
            yield data[start : start + size]

    def flush(self) -> bytes | None:
        """The incomplete last frame, filled up with silence; None when nothing is left."""
        rest, self._rest = self._rest, b""
        return rest.ljust(self._frame_bytes, b"\0") if rest else None
