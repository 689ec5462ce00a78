"""The way of speech down a telephone line: band, companding, level, noise.

Everything here is mono float, -1 to 1, at 8 kHz unless it says otherwise.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import soxr

Signal = npt.NDArray[np.float64]
LINE_HZ: Final = 8000
HEARD_HZ: Final = 16000
_MU: Final = 255.0


def companded(signal: Signal) -> Signal:
    """What is left of a signal after G.711 mu-law (256 levels)."""
    level = np.log1p(_MU * np.abs(np.clip(signal, -1, 1))) / np.log1p(_MU)
    kept = np.round(level * 127) / 127
    return np.asarray(np.sign(signal) * (np.exp(kept * np.log1p(_MU)) - 1) / _MU)


def banded(signal: Signal, low_hz: float, high_hz: float) -> Signal:
    """Only the band between two frequencies, with slopes of fourth order."""
    spectrum = np.fft.rfft(signal)
    hertz = np.maximum(np.fft.rfftfreq(len(signal), 1 / LINE_HZ), 1.0)
    gain = 1 / np.sqrt((1 + (low_hz / hertz) ** 8) * (1 + (hertz / high_hz) ** 8))
    return np.asarray(np.fft.irfft(spectrum * gain, len(signal)))


def reverberated(signal: Signal, decay_s: float, direct: float) -> Signal:
    """In a room; ``decay_s`` to a thousandth, ``direct`` is the power of the direct sound.

    The room's sound has unit power and is the same noise each time for rooms of one decay.
    """
    count = int(decay_s * LINE_HZ)
    room = np.random.default_rng(count).standard_normal(count)
    room *= np.exp(-6.9 * np.arange(count) / count)
    room /= np.sqrt(np.sum(np.square(room)) + 1e-9)
    room[0] = np.sqrt(direct)
    size = len(signal) + count - 1
    mixed = np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(room, size), size)
    return np.asarray(mixed[: len(signal)])


def to_line(samples: npt.NDArray[np.floating], rate_hz: int, speed: float = 1.0) -> Signal:
    """Resample to the line; ``speed`` over 1 also shortens and raises pitch and formants."""
    return np.asarray(soxr.resample(samples.astype(np.float64), rate_hz * speed, LINE_HZ))


def heard(line: Signal) -> npt.NDArray[np.float32]:
    """What a recogniser is given, at 16 kHz: 16-bit samples resampled as the appliance does."""
    pcm = (np.clip(line, -1, 1) * 32767).astype(np.int16)
    resampled = np.asarray(soxr.resample(pcm, LINE_HZ, HEARD_HZ))
    return resampled.astype(np.float32) / np.float32(32768)


def noise(random: np.random.Generator, count: int) -> Signal:
    """Noise of unit power: white, pink, a room's rumble, or hiss over mains hum."""
    kind = random.integers(4)
    white = random.standard_normal(count)
    if kind in (1, 2):
        spectrum = np.fft.rfft(white)
        spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** (0.5 if kind == 1 else 1.0)
        white = np.fft.irfft(spectrum, count)
    elif kind == 3:
        hum = random.choice([50, 60, 100, 120, 150, 400])
        white = white * 0.3 + np.sin(2 * np.pi * hum * np.arange(count) / LINE_HZ)
    return np.asarray(white / (np.std(white) + 1e-9))
