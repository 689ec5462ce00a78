"""Sample-rate conversion of what is spoken, with soxr."""

import numpy as np
import soxr

from appliance.media.pcm import SAMPLE_BYTES, samples


class StreamResampler:
    """Converts a stream of PCM chunks from one rate to another without clicks between chunks.

    The filter looks ahead, so the output lags some milliseconds behind until :meth:`finish`.
    Equal rates pass through untouched.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = (
            soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16") if from_hz != to_hz else None
        )
        self._odd = b""

    def feed(self, chunk: bytes) -> bytes:
        """Convert a chunk; what comes out may be shorter than expected, or empty."""
        if self._stream is None:
            return chunk
        data = self._odd + chunk
        whole = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
        self._odd = data[whole:]
        return bytes(self._stream.resample_chunk(samples(data[:whole])).tobytes())

    def finish(self) -> bytes:
        """What the filter still held. The resampler cannot be fed afterwards."""
        if self._stream is None:
            return b""
        empty = np.empty(0, dtype=np.int16)
        return bytes(self._stream.resample_chunk(empty, last=True).tobytes())
