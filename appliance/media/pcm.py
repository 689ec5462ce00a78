"""16-bit signed little-endian mono PCM: sizes, levels, silence."""

import math
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

FRAME_MS: Final = 20
SAMPLE_BYTES: Final = 2
RATES_HZ: Final = (8000, 16000, 32000, 48000)
SILENCE_DB: Final = -100.0
"""Level that stands for digital silence and for a frame that did not come."""

QUIET_DB: Final = -55.0
"""Nothing below is speech, however quiet the line; ordinary telephone speech peaks at -20 dB."""

_FULL_SCALE_DB: Final = 20 * math.log10(32768)


def checked_rate(rate_hz: int) -> int:
    """Return ``rate_hz`` when telephony audio comes at it.

    Raises:
        ValueError: for any other rate.
    """
    if rate_hz not in RATES_HZ:
        raise ValueError(f"sample rate {rate_hz!r} Hz: must be one of {RATES_HZ}")
    return rate_hz


def frame_bytes(rate_hz: int) -> int:
    """Bytes of one 20 ms frame: 320 at 8 kHz, 640 at 16 kHz."""
    return rate_hz * FRAME_MS // 1000 * SAMPLE_BYTES


@lru_cache(maxsize=len(RATES_HZ))
def silent_frame(rate_hz: int) -> bytes:
    """One 20 ms frame of digital silence."""
    return bytes(frame_bytes(rate_hz))


def duration_ms(pcm: bytes, rate_hz: int) -> int:
    """How long ``pcm`` lasts, rounded down."""
    return len(pcm) // SAMPLE_BYTES * 1000 // rate_hz


def samples(pcm: bytes) -> npt.NDArray[np.int16]:
    """``pcm`` as an array; an odd last byte is left out."""
    return np.frombuffer(pcm, dtype="<i2", count=len(pcm) // SAMPLE_BYTES)


def level_db(pcm: bytes) -> float:
    """Root-mean-square level in dB of full scale: 0 is a full-scale square wave.

    Silence, and no samples at all, are ``SILENCE_DB``. Without numpy on purpose: for 160 samples
    a process that has just woken, with cold caches, needs longer with it.
    """
    wave = memoryview(pcm)[: len(pcm) // SAMPLE_BYTES * SAMPLE_BYTES].cast("h")
    norm = math.hypot(*wave)
    if norm == 0.0:
        return SILENCE_DB
    return max(20 * math.log10(norm) - 10 * math.log10(len(wave)) - _FULL_SCALE_DB, SILENCE_DB)


def stereo(left: bytes, right: bytes) -> bytes:
    """Interleave two mono frames of equal length."""
    both = np.empty((len(left) // SAMPLE_BYTES, 2), dtype="<i2")
    both[:, 0] = samples(left)
    both[:, 1] = samples(right)
    return both.tobytes()
