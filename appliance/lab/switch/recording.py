"""Recording of one channel to a WAV file: what the phone sent and what it was sent."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from appliance.lab.sound import frame_bytes, write_wav


class Recording:
    """Collects both directions and writes the file when it ends.

    One clocked call per 20 ms keeps the two sides together. Stereo (the phone left, the switch
    right) when ``RECORD_STEREO`` was true as the recording began, otherwise mixed.
    """

    def __init__(self, path: Path, rate_hz: int, *, stereo: bool) -> None:
        """Begin a recording that :meth:`finish` writes to ``path``."""
        self.path = path
        self._rate_hz = rate_hz
        self._stereo = stereo
        self._silence = bytes(frame_bytes(rate_hz))
        self._read = bytearray()
        self._write = bytearray()
        self._written_this_frame = bytearray()

    def wrote(self, pcm: bytes) -> None:
        """The switch sent this towards the phone."""
        self._written_this_frame += pcm

    def frame(self, pcm: bytes | None) -> None:
        """20 ms have passed, in which the phone sent ``pcm``."""
        self._read += pcm or self._silence
        size = len(self._silence)
        self._write += bytes(self._written_this_frame[:size]).ljust(size, b"\0")
        del self._written_this_frame[:size]

    def finish(self, warn: Callable[[str], None]) -> None:
        """Write the file; a file that cannot be written is warned about."""
        left = np.frombuffer(bytes(self._read), "<i2")
        right = np.frombuffer(bytes(self._write), "<i2")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self._stereo:
                write_wav(self.path, np.stack([left, right], 1).tobytes(), self._rate_hz, 2)
            else:
                mixed = np.clip(left.astype(np.int32) + right, -32768, 32767).astype("<i2")
                write_wav(self.path, mixed.tobytes(), self._rate_hz)
        except OSError as error:
            warn(f"recording {self.path} could not be written: {error}")
