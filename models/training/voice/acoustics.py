"""What a frame of speech is described by, and the tables that turn it into sound.

A frame is 5 ms long and has, in this order, 25 mel-cepstral coefficients (the filter that the mouth
is, its logarithmic gain first), five strengths of the voiced excitation in bands from 0 to 8 kHz,
the logarithm of the fundamental frequency in Hz, and whether there is one. These are the values
that flite's voice "slt" is made of, and hands out.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.float32]

RATE_HZ: Final = 16000
HOP: Final = 80
"""Samples in a frame."""
CEPSTRA: Final = 25
BANDS_HZ: Final = (500.0, 1500.0, 3000.0, 5000.0, 7000.0)
"""Middles of the bands in which voiced and noisy sound are mixed."""
PITCH: Final = CEPSTRA + len(BANDS_HZ)
VOICED: Final = PITCH + 1
FEATURES: Final = VOICED + 1
FFT: Final = 400
"""Of a frame's sound: 160 samples of excitation and 240 in which the filter dies away."""

_WARP: Final = 0.42  # of the cepstra's frequency axis, near mel at 16 kHz
_SHARPEN: Final = 0.4  # flite's own; formants that were averaged in training stand out again


def warped_angles(bins: int) -> npt.NDArray[np.float64]:
    """Where the cepstra's frequency axis has each of ``bins`` frequencies from 0 to 8 kHz."""
    angles = np.linspace(0.0, np.pi, bins)
    return np.asarray(angles + 2 * np.arctan2(_WARP * np.sin(angles), 1 - _WARP * np.cos(angles)))


def transfer_tables() -> tuple[Frames, Frames]:
    """Cepstra times these are the filter's logarithmic gain and its phase; shape (25, bins)."""
    turns = np.outer(np.arange(CEPSTRA), warped_angles(FFT // 2 + 1))
    return np.cos(turns).astype(np.float32), (-np.sin(turns)).astype(np.float32)


def band_table() -> Frames:
    """Strengths times this are the share of voiced excitation; shape (5, bins)."""
    hertz = np.linspace(0.0, RATE_HZ / 2, FFT // 2 + 1)
    return np.stack([np.interp(hertz, BANDS_HZ, one) for one in np.eye(len(BANDS_HZ))]).astype(
        np.float32
    )


def fourier_tables(samples: int) -> tuple[Frames, Frames]:
    """``samples`` times these are the real and imaginary spectrum; shape (samples, bins)."""
    spectrum = np.fft.rfft(np.eye(samples, FFT), axis=1)
    return spectrum.real.astype(np.float32), spectrum.imag.astype(np.float32)


def inverse_tables() -> tuple[Frames, Frames]:
    """Real and imaginary spectrum times these, added, are the sound; shape (bins, `FFT`)."""
    ones = np.eye(FFT // 2 + 1)
    real, imaginary = np.fft.irfft(ones, FFT, axis=1), np.fft.irfft(1j * ones, FFT, axis=1)
    return real.astype(np.float32), imaginary.astype(np.float32)


def sharpened(cepstra: npt.NDArray[np.floating]) -> Frames:
    """Cepstra, shape (n, 25), with peaks and valleys deeper by two fifths and the power kept."""
    deeper = cepstra.astype(np.float64).copy()
    deeper[:, 2:] *= 1 + _SHARPEN
    cosines = np.cos(np.outer(np.arange(CEPSTRA), warped_angles(FFT // 2 + 1)))
    before, after = (np.exp(2 * c @ cosines).mean(axis=1) for c in (cepstra, deeper))
    deeper[:, 0] += 0.5 * np.log(before / after)
    return deeper.astype(np.float32)
