"""The two stages by themselves."""

import shutil
import subprocess
import wave

import numpy as np
import pytest

from appliance.lab.sound import resampled
from appliance.media.pcm import level_db
from appliance.speech.events import TurnEnded
from appliance.speech.turn_taker import TurnTaker
from appliance.speech.voice_activity import NoiseFloor, VoiceActivity, VoicedGate
from tests.unit.speech.synthetic_voice import (
    noise,
    of_kind,
    quiet,
    seconds,
    speech,
    syllable,
    take_turns,
    to_pcm,
)

WORDS = ("yes", "no", "stop", "operator", "zero", "one", "two", "three", "four", "five", "six",
         "seven", "eight", "nine")  # fmt: skip
RATES = pytest.mark.parametrize("rate_hz", [8000, 16000])


@RATES
def test_levels_are_those_of_the_decoded_samples(rate_hz: int) -> None:
    t = seconds(rate_hz, 0.02)
    sine = to_pcm(0.5 * np.sin(2 * np.pi * 1000 * t))
    assert level_db(sine) == pytest.approx(-9.03, abs=0.05)
    assert level_db(to_pcm(np.ones(len(t)))) == pytest.approx(0, abs=0.01)


def test_the_floor_follows_steady_noise_but_not_speech() -> None:
    floor = NoiseFloor()
    for _ in range(30):
        level = floor.update(-40.0)
    assert level == -40.0
    for index in range(100):
        level = floor.update(-15.0 if index % 10 else -40.0)
    assert level == -40.0
    for _ in range(120):
        level = floor.update(-25.0)
    assert level == -25.0


def test_a_missing_frame_says_nothing_of_the_noise() -> None:
    activity = VoiceActivity(8000)
    heard = activity.frame(None)
    assert not heard.speech
    assert not heard.audible


@RATES
def test_the_second_stage(rate_hz: int) -> None:
    gate = VoicedGate()
    t = seconds(rate_hz, 1.0)
    assert gate.is_speech(to_pcm(speech(rate_hz, 1.0)), rate_hz)
    assert gate.is_speech(to_pcm(syllable(rate_hz, 0.2, 1)), rate_hz)
    assert not gate.is_speech(to_pcm(noise(rate_hz, 1.0, 0.1)), rate_hz)
    assert not gate.is_speech(to_pcm(0.3 * np.sin(2 * np.pi * 150 * t)), rate_hz)
    assert not gate.is_speech(b"", rate_hz)
    assert not gate.is_speech(bytes(7), rate_hz)
    assert not gate.is_speech(to_pcm(quiet(rate_hz, 1)), rate_hz)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, int]]:
    """Words by espeak-ng, with their rate."""
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("espeak-ng is not installed")
    folder = tmp_path_factory.mktemp("spoken")
    said = {}
    for word in WORDS:
        path = folder / f"{word}.wav"
        subprocess.run([program, "-w", str(path), word], check=True, timeout=20)
        with wave.open(str(path)) as file:
            said[word] = file.readframes(file.getnframes()), file.getframerate()
    return said


@RATES
def test_single_words_are_heard(spoken: dict[str, tuple[bytes, int]], rate_hz: int) -> None:
    for word, (pcm, from_hz) in spoken.items():
        silence = bytes(rate_hz * 2)
        heard = silence + resampled(pcm, from_hz, rate_hz) + silence
        frames = [heard[i : i + rate_hz // 25] for i in range(0, len(heard), rate_hz // 25)]
        turns = of_kind(take_turns(TurnTaker(rate_hz), rate_hz, frames), TurnEnded)
        assert len(turns) == 1, word
