"""Voices as they sound: one level, no clicks, pauses where they belong."""

from pathlib import Path

import numpy as np
import pytest
import soxr

from appliance.inference.clauses import intoned, split_clauses
from appliance.inference.config import EngineOptions
from appliance.inference.engines import make_voice
from appliance.inference.engines.espeak import EspeakVoice
from appliance.inference.loudness import TARGET_DBOV, active_level_dbov
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    Samples,
    SpeechRequest,
    VoiceEngine,
)
from tests.fixtures_models import build_piper_voice

FOREVER = Cancellation(float("inf"))
SENTENCES = (
    "Thank you for calling, how can I help you? We are open from eight until five.",
    "One moment please, I am connecting you to billing.",
    "I am sorry, I did not understand. Please say a name or a department.",
    "Would you like to leave a message, try someone else, or speak to the operator?",
)
ESPEAK = ("en-us", "en-us+f2", "en-us+m3", "en-us+croak", "en-gb", "en-gb+f2", "de")


def spoken(voice: VoiceEngine, text: str, name: str = "") -> tuple[list[Samples], int]:
    """The pieces, and their rate."""
    pieces = list(voice.speak(SpeechRequest(text, name), FOREVER))
    waves = [np.frombuffer(p.pcm, "<i2").astype(np.float32) / np.float32(32768) for p in pieces]
    return waves, pieces[0].rate_hz


@pytest.fixture(scope="module")
def espeak() -> VoiceEngine:
    voice = make_voice("espeak-ng", EngineOptions())
    voice.load()
    return voice


@pytest.fixture(scope="module")
def piper(tmp_path_factory: pytest.TempPathFactory) -> VoiceEngine:
    """A tiny voice that sounds one tone for each phoneme."""
    file: Path = build_piper_voice(tmp_path_factory.mktemp("voice") / "tones.onnx")
    voice = make_voice("piper", EngineOptions(str(file)))
    voice.load()
    return voice


@pytest.mark.parametrize("name", ESPEAK)
def test_all_espeak_voices_are_equally_loud(espeak: VoiceEngine, name: str) -> None:
    levels = []
    for text in SENTENCES:
        waves, rate_hz = spoken(espeak, text, name)
        whole = np.concatenate(waves)
        assert np.abs(whole).max() <= 0.95
        levels.append(active_level_dbov(soxr.resample(whole, rate_hz, 8000), 8000))
    assert np.mean(levels) == pytest.approx(TARGET_DBOV, abs=1.5)
    assert np.ptp(levels) < 3


@pytest.mark.models
def test_piper_is_as_loud(piper: VoiceEngine) -> None:
    for text in SENTENCES:
        waves, rate_hz = spoken(piper, text)
        level = active_level_dbov(soxr.resample(np.concatenate(waves), rate_hz, 8000), 8000)
        assert level == pytest.approx(TARGET_DBOV, abs=1)


@pytest.mark.models
@pytest.mark.parametrize("engine", ["espeak", "piper"])
def test_no_click_at_any_join(engine: str, request: pytest.FixtureRequest) -> None:
    voice: VoiceEngine = request.getfixturevalue(engine)
    for text in SENTENCES:
        waves, rate_hz = spoken(voice, text)
        for wave in waves:
            assert abs(wave[0]) < 0.001
            assert abs(wave[-1]) < 0.001
            edge = wave[: rate_hz // 1000]
            assert np.abs(np.diff(edge)).max() < 0.05


def test_pauses_fit_the_punctuation(espeak: VoiceEngine) -> None:
    waves, rate_hz = spoken(espeak, SENTENCES[0])
    assert len(waves) == 3
    pauses_ms = [_silence_ms(wave[::-1], rate_hz) for wave in waves]
    assert pauses_ms[0] == pytest.approx(130, abs=15)  # a comma
    assert pauses_ms[1] == pytest.approx(320, abs=15)  # a question mark
    assert pauses_ms[2] == pytest.approx(60, abs=15)  # the end
    assert all(_silence_ms(wave, rate_hz) < 15 for wave in waves)


def _silence_ms(wave: Samples, rate_hz: int) -> float:
    return float(np.argmax(np.abs(wave) > 0.002) / rate_hz * 1000)


def test_phonemes_are_spoken_only_from_a_sites_list(espeak: VoiceEngine) -> None:
    assert EspeakVoice.takes_phonemes
    by_word, _ = spoken(espeak, "hello")
    by_phonemes, _ = spoken(espeak, "⟦h@l'oU⟧")
    assert len(by_phonemes[0]) == pytest.approx(len(by_word[0]), rel=0.02)
    # A caller's brackets are read as what stands in them.
    by_caller, _ = spoken(espeak, "[[h@l'oU]]")
    assert len(by_caller[0]) > 1.3 * len(by_word[0])


@pytest.mark.parametrize("name", ["zz", "en-us;x", "../en", "+f2", "en-us+f2+f3"])
def test_unknown_voices_are_refused(espeak: VoiceEngine, name: str) -> None:
    with pytest.raises(BadRequestError, match="espeak-ng"):
        spoken(espeak, "hello", name)


def test_a_text_without_words_is_no_speech(espeak: VoiceEngine) -> None:
    assert list(espeak.speak(SpeechRequest("  "), FOREVER)) == []
    assert list(espeak.speak(SpeechRequest("..."), FOREVER)) == []


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("Ask Dr. Smith. He knows.", ["Ask Dr. Smith.", "He knows."]),
        ("J. R. Smith is here. He waits.", ["J. R. Smith is here.", "He waits."]),
        ("We close at five P M. Please call.", ["We close at five P M.", "Please call."]),
        ("It costs 3.5 dollars, e.g. for you.", ["It costs 3.5 dollars,", "e.g. for you."]),
        ("Yes, of course.", ["Yes, of course."]),
        (
            "Your number is five five five, one two three four, thank you very much.",
            ["Your number is five five five, one two three four,", "thank you very much."],
        ),
        (
            "I have to tell you that the accounts department is closed today and opens at nine.",
            [
                "I have to tell you that the accounts department is closed today",
                "and opens at nine.",
            ],
        ),
    ],
)
def test_texts_are_cut_where_people_breathe(text: str, clauses: list[str]) -> None:
    assert split_clauses(text) == clauses


def test_a_clause_without_punctuation_keeps_its_tone_up() -> None:
    assert intoned("is closed today") == "is closed today,"
    assert intoned("is closed.") == "is closed."
    assert intoned("") == ""
