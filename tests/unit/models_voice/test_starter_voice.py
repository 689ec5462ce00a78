"""The Piper voice that ships speaks through the engine that operators' voices are spoken by."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from appliance.inference.config import EngineOptions
from appliance.inference.engines.piper import PiperVoiceEngine
from appliance.inference.loudness import TARGET_DBOV, active_level_dbov
from appliance.inference.protocols import Cancellation, SpeechRequest
from models.training.voice import card
from models.training.voice.phonemes import IDS

MODELS = Path(__file__).parents[3] / "models"
VOICE = MODELS / "starter" / "voice" / "starter.onnx"
TEXT = "One moment please, I am connecting you to Sarah Johnson. Stay on the line."
pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def engine() -> PiperVoiceEngine:
    engine = PiperVoiceEngine(EngineOptions(model=str(VOICE)))
    engine.load()
    return engine


def said(engine: PiperVoiceEngine, text: str, speed: float = 1.0) -> tuple[np.ndarray, int]:
    pieces = list(
        engine.speak(SpeechRequest(text, speed=speed), Cancellation(time.monotonic() + 60))
    )
    samples = np.frombuffer(b"".join(piece.pcm for piece in pieces), dtype="<i2")
    return samples.astype(np.float32) / 32768, pieces[0].rate_hz


def test_it_speaks_as_long_and_as_loud_as_one_would(engine: PiperVoiceEngine) -> None:
    sound, rate_hz = said(engine, TEXT)
    assert 3.0 < len(sound) / rate_hz < 7.0
    assert abs(active_level_dbov(sound, rate_hz) - TARGET_DBOV) < 3
    assert np.abs(sound).max() < 0.98


def test_it_speaks_faster_when_asked(engine: PiperVoiceEngine) -> None:
    plain, fast = (len(said(engine, TEXT, speed)[0]) for speed in (1.0, 1.5))
    assert 0.55 < fast / plain < 0.8


def test_one_sound_is_speech_too(engine: PiperVoiceEngine) -> None:
    sound, rate_hz = said(engine, "Oh.")
    assert 0.1 < len(sound) / rate_hz < 1.0


def test_its_symbols_are_those_that_training_has() -> None:
    facts = json.loads(VOICE.with_name("starter.onnx.json").read_text(encoding="utf-8"))
    assert facts["phoneme_id_map"] == {symbol: [number] for symbol, number in IDS.items()}


def test_it_is_a_few_megabytes() -> None:
    assert VOICE.stat().st_size < 6e6


def test_the_card_has_the_figures_that_were_measured() -> None:
    figures = json.loads(VOICE.with_name(card.FIGURES).read_text(encoding="utf-8"))
    assert card.table(figures) in (MODELS / "README.md").read_text(encoding="utf-8")
