"""The tables that make frames into sound do what their names say."""

import numpy as np

from models.training.voice.acoustics import (
    CEPSTRA,
    FFT,
    HOP,
    band_table,
    fourier_tables,
    inverse_tables,
    sharpened,
    transfer_tables,
    warped_angles,
)


def test_the_spectrum_and_back_is_the_same_sound() -> None:
    sound = np.random.default_rng(1).standard_normal((3, 2 * HOP))
    real, imaginary = (sound @ table for table in fourier_tables(2 * HOP))
    back = real @ inverse_tables()[0] + imaginary @ inverse_tables()[1]
    assert np.allclose(back[:, : 2 * HOP], sound, atol=1e-4)
    assert np.allclose(back[:, 2 * HOP :], 0, atol=1e-4)


def test_the_scale_of_frequencies_is_bent_and_ends_where_it_did() -> None:
    angles = warped_angles(201)
    assert np.isclose(angles[0], 0)
    assert np.isclose(angles[-1], np.pi)
    assert np.all(np.diff(angles) > 0)
    assert angles[50] > 0.35 * np.pi  # 2 kHz is past a third of the scale


def test_the_first_cepstrum_is_the_gain() -> None:
    gains, phases = transfer_tables()
    assert gains.shape == phases.shape == (CEPSTRA, FFT // 2 + 1)
    assert np.allclose(gains[0], 1)
    assert np.allclose(phases[0], 0)


def test_every_frequency_has_its_share_of_the_bands() -> None:
    assert np.allclose(band_table().sum(axis=0), 1)


def test_sharpening_keeps_the_power() -> None:
    cepstra = np.random.default_rng(2).normal(0, 0.2, (5, CEPSTRA)).astype(np.float32)
    sharp = sharpened(cepstra)
    gains = transfer_tables()[0]
    before, after = (np.exp(2 * c @ gains).mean(axis=1) for c in (cepstra, sharp))
    assert np.allclose(before, after, rtol=1e-3)
    assert np.allclose(sharp[:, 2:], 1.4 * cepstra[:, 2:], rtol=1e-4)
