"""How loud a voice is, and what is done about it."""

import numpy as np
import pytest

from appliance.inference.loudness import (
    SAMPLE,
    TARGET_DBOV,
    VoiceGains,
    active_level_dbov,
    amplified,
    gain_of,
)
from appliance.inference.protocols import Samples, SpeechPiece

RATE_HZ = 8000


def sine(seconds: float, peak: float) -> Samples:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(peak * np.sin(2 * np.pi * 440 * time), dtype=np.float32)


def piece(samples: Samples) -> SpeechPiece:
    return SpeechPiece((samples * 32767).astype("<i2").tobytes(), RATE_HZ)


@pytest.mark.parametrize("peak", [0.9, 0.1, 0.01])
def test_a_tone_is_three_db_below_its_peak(peak: float) -> None:
    assert active_level_dbov(sine(2, peak), RATE_HZ) == pytest.approx(
        20 * np.log10(peak) - 3.01, abs=0.2
    )


def test_pauses_do_not_count() -> None:
    speech = sine(1, 0.2)
    silence = np.zeros(3 * RATE_HZ, np.float32)
    alone = active_level_dbov(np.concatenate((speech, speech)), RATE_HZ)
    apart = active_level_dbov(np.concatenate((speech, silence, speech, silence)), RATE_HZ)
    # P.56 counts 200 ms after each stretch as speech.
    assert apart == pytest.approx(alone - 10 * np.log10(1.2), abs=0.3)


def test_silence_has_no_level() -> None:
    assert active_level_dbov(np.zeros(RATE_HZ, np.float32), RATE_HZ) == -100
    assert active_level_dbov(np.zeros(0, np.float32), RATE_HZ) == -100
    assert gain_of([piece(np.zeros(RATE_HZ, np.float32))]) == 1.0
    assert gain_of([]) == 1.0


@pytest.mark.parametrize("peak", [0.9, 0.3, 0.03])
def test_every_voice_comes_to_one_level(peak: float) -> None:
    voice = sine(2, peak)
    level = active_level_dbov(amplified(voice, gain_of([piece(voice)])), RATE_HZ)
    assert level == pytest.approx(TARGET_DBOV, abs=0.3)


def test_a_voice_that_is_hardly_there_is_not_blown_up() -> None:
    assert gain_of([piece(sine(2, 0.001))]) == pytest.approx(10 ** (18 / 20))


def test_nothing_clips_and_what_is_soft_stays_as_it_is() -> None:
    soft, loud = sine(1, 0.3), sine(1, 0.9)
    np.testing.assert_array_equal(amplified(soft, 2.0), soft * 2.0)
    bent = amplified(loud, 4.0)
    assert np.abs(bent).max() <= 0.95
    assert np.all(np.diff(np.abs(bent)[np.argsort(np.abs(loud), kind="stable")]) >= -1e-6)


def test_a_voice_is_measured_once() -> None:
    said: list[str] = []

    def speak(text: str) -> list[SpeechPiece]:
        said.append(text)
        return [piece(sine(2, 0.1))]

    gains = VoiceGains()
    assert gains.gain("amy", speak) == gains.gain("amy", speak)
    assert said == [SAMPLE]
    for number in range(100):
        gains.gain(f"voice {number}", speak)
    gains.gain("amy", speak)
    assert len(said) == 102
