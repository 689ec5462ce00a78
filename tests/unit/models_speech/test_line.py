"""The telephone line, and what is heard on it that is no speech."""

import numpy as np
import pytest

from models.training.speech import sounds, telephone

HZ = telephone.LINE_HZ


def sine(hertz: float, level: float = 0.5) -> telephone.Signal:
    return level * np.sin(2 * np.pi * hertz * np.arange(HZ) / HZ)


def power(signal: telephone.Signal) -> float:
    return float(np.mean(np.square(signal)))


def test_companding_errs_in_proportion_to_the_level() -> None:
    for level in (0.01, 0.1, 0.9):
        signal = sine(440, level)
        error = power(telephone.companded(signal) - signal)
        assert error < power(signal) * 10 ** (-30 / 10)


def test_companded_values_are_256_at_most() -> None:
    values = np.linspace(-1.2, 1.2, 100_000)
    assert len(np.unique(telephone.companded(values))) <= 256


def test_the_band_keeps_speech_and_drops_mains_hum() -> None:
    assert power(telephone.banded(sine(1000), 300, 3400)) == pytest.approx(
        power(sine(1000)), rel=0.02
    )
    assert power(telephone.banded(sine(50), 300, 3400)) < power(sine(50)) * 1e-4


def test_heard_is_twice_as_many_samples() -> None:
    heard = telephone.heard(sine(440))
    assert heard.dtype == np.float32
    assert len(heard) == 2 * HZ
    assert power(heard.astype(np.float64)) == pytest.approx(power(sine(440)), rel=0.02)


def test_speed_shortens_and_raises() -> None:
    line = telephone.to_line(sine(400).astype(np.float32), HZ, speed=1.25)
    assert len(line) == pytest.approx(HZ / 1.25, abs=2)
    loudest = np.abs(np.fft.rfft(line)).argmax() * HZ / len(line)
    assert loudest == pytest.approx(500, abs=3)


def test_a_room_adds_its_own_sound_to_the_direct_one() -> None:
    knock = np.zeros(HZ)
    knock[100] = 1.0
    line = telephone.reverberated(knock, 0.2, 4.0)
    assert len(line) == HZ
    assert np.abs(line[:100]).max() < 1e-9
    assert line[100] == pytest.approx(2.0)
    assert np.sum(np.square(line[101:])) == pytest.approx(1.0, abs=0.1)
    assert np.abs(line[100 + HZ // 5 :]).max() < 1e-9


def test_noise_is_of_unit_power() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        assert np.std(telephone.noise(random, HZ)) == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("kind", sounds.MAKERS)
def test_clips_fit_the_line(kind: str) -> None:
    random = np.random.default_rng(2)
    for seconds in (0.4, 2.0, 5.9):
        clip = sounds.clip(random, kind, seconds)
        assert len(clip) == int(seconds * HZ)
        assert np.isfinite(clip).all()
        assert np.abs(clip).max() <= 1.0
