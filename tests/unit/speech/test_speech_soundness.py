"""What passes for speech, and what is found out, and when."""

from collections.abc import Callable

import numpy as np
import pytest

from appliance.inference.config import EngineOptions
from appliance.inference.engines.espeak import EspeakVoice
from appliance.speech.fallback import EngineVoice
from appliance.speech.soundness import NoSpeechError, SpeechJudge

RATE_HZ = 8000
TEXT = "I am sorry, I did not understand. Please say a name or a department."


def pcm(wave: "np.ndarray") -> bytes:
    return bytes(np.clip(wave, -32768, 32767).astype("<i2").tobytes())


def heard_of(sound: bytes, text: str = TEXT, rate_hz: int = RATE_HZ) -> float:
    """Seconds that got through until the judge had enough; raises nothing at the end of it."""
    judge = SpeechJudge(text, rate_hz)
    size = rate_hz // 5
    passed = 0
    for start in range(0, len(sound), size):
        chunk = sound[start : start + size]
        try:
            judge.take(chunk)
        except NoSpeechError:
            return passed / 2 / rate_hz
        if judge.heard_anything:
            passed += len(chunk)
    with pytest.raises(NoSpeechError):
        judge.end()
    return passed / 2 / rate_hz


def noise(level: float, seconds: float) -> bytes:
    random = np.random.default_rng(7)
    return pcm(random.normal(0, level, int(RATE_HZ * seconds)))


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize(
    "text",
    [
        "One moment, please.", TEXT, "Yes.", "X Y Z W Q K J H G.", "1234567890",
        "Sales, support, shipping, staff.",
        "I will have you called back on 1 5 5 5 0 1 0 4. Is that right?",
    ],
)  # fmt: skip
def test_speech_passes(text: str, rate_hz: int) -> None:
    engine = EspeakVoice(EngineOptions())
    engine.load()
    judge = SpeechJudge(text, rate_hz)
    for chunk in EngineVoice(engine).speak(text, rate_hz):
        judge.take(chunk)
    judge.end()
    assert judge.heard_anything


@pytest.mark.parametrize(
    ("rubbish", "most_s"),
    [
        (lambda: bytes(2 * RATE_HZ * 60), 0.0),
        (lambda: bytes(3200), 0.0),
        (lambda: b"", 0.0),
        (lambda: pcm(np.sign(np.random.default_rng(7).normal(size=RATE_HZ * 600)) * 32767), 0.0),
        (lambda: noise(3000, 60), 0.6),
        (lambda: noise(600, 60), 0.6),
        (lambda: noise(20_000, 60), 0.6),
    ],
    ids=["silence", "a little silence", "nothing", "clipped", "noise", "soft noise", "loud noise"],
)
def test_rubbish_is_found_out_soon(rubbish: Callable[[], bytes], most_s: float) -> None:
    assert heard_of(rubbish()) <= most_s


def tone(seconds: float) -> "np.ndarray":
    return np.sin(np.arange(int(RATE_HZ * seconds)) / RATE_HZ * 2 * np.pi * 300) * 8000


def test_a_voice_that_falls_silent_in_a_sentence_is_found_out() -> None:
    assert heard_of(pcm(tone(0.5)) + bytes(2 * RATE_HZ * 10)) <= 2.1


def test_a_sound_that_never_ends_is_ended() -> None:
    assert heard_of(pcm(tone(600)), "One moment.") < 8


def test_speech_at_thrice_its_pace_is_no_speech() -> None:
    assert heard_of(pcm(tone(0.6))) == pytest.approx(0.6)


def test_a_pause_within_a_sentence_is_none_of_these() -> None:
    judge = SpeechJudge(TEXT, RATE_HZ)
    for part in (tone(1.0), np.zeros(RATE_HZ), tone(1.0)):
        judge.take(pcm(part))
    judge.end()


def test_a_text_without_words_needs_no_sound() -> None:
    SpeechJudge("...", RATE_HZ).end()
