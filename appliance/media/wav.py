"""WAV headers, and reading the WAV files we are given."""

import struct
import wave
from pathlib import Path
from typing import Final

from appliance.calls.errors import ConfigurationError
from appliance.media.pcm import SAMPLE_BYTES

HEADER_BYTES: Final = 44


def header(rate_hz: int, channels: int, data_bytes: int) -> bytes:
    """The 44 bytes before ``data_bytes`` of 16-bit PCM."""
    block = channels * SAMPLE_BYTES
    size = min(data_bytes, 0xFFFFFFFF - HEADER_BYTES)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", size + HEADER_BYTES - 8, b"WAVE",
        b"fmt ", 16, 1, channels, rate_hz, rate_hz * block, block, SAMPLE_BYTES * 8,
        b"data", size,
    )  # fmt: skip


def read_mono(path: Path) -> tuple[bytes, int]:
    """The PCM and the rate of a 16-bit mono WAV file.

    Raises:
        ConfigurationError: when the file is missing or is anything else.
    """
    try:
        with wave.open(str(path), "rb") as file:
            if file.getnchannels() != 1 or file.getsampwidth() != SAMPLE_BYTES:
                raise ConfigurationError(f"{path}: must be 16-bit mono PCM")
            return file.readframes(file.getnframes()), file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise ConfigurationError(f"{path}: cannot be read as WAV: {error}") from error


def stereo_rate(start: bytes) -> int | None:
    """The rate in Hz of a stereo recording that begins so; None when it is anything else."""
    if len(start) < HEADER_BYTES:
        return None
    riff, _, form, fmt, size, coding, channels, rate_hz, _, _, bits, data, _ = struct.unpack(
        "<4sI4s4sIHHIIHH4sI", start[:HEADER_BYTES]
    )
    ours = (riff, form, fmt, size, data) == (b"RIFF", b"WAVE", b"fmt ", 16, b"data")
    return rate_hz if ours and (coding, channels, bits) == (1, 2, 16) and rate_hz > 0 else None
