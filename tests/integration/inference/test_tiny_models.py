"""The real engines on tiny models that are written here: what each library is asked to do works."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.inference.config import EngineOptions
from appliance.inference.engines import make_language_model, make_recognizer, make_voice
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    ChatEngine,
    ChatMessage,
    ChatRequest,
    SpeechRequest,
    TranscriptionRequest,
    WorkCancelledError,
)
from tests.fixtures_models import build_gguf, build_piper_voice, build_whisper

pytestmark = pytest.mark.models

FOREVER = Cancellation(float("inf"))
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "intent": {"type": "string", "enum": ["transfer", "message"]},
        "target": {"enum": ["billing", 'o"brien', "back\\slash", "zoë", None]},
        "say": {"type": "string", "pattern": "^[a-z ]{1,20}$"},
    },
    "required": ["intent", "target", "say"],
    "additionalProperties": False,
}


def speech(seconds: float) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    """espeak-ng at 16 kHz; the tiny Whisper only needs it to get past the speech gate."""
    import soxr

    voice = make_voice("espeak-ng", EngineOptions())
    voice.load()
    (piece,) = voice.speak(SpeechRequest("one two three four five six seven"), FOREVER)
    samples = np.frombuffer(piece.pcm, "<i2").astype(np.float32) / 32768
    samples = np.asarray(soxr.resample(samples, piece.rate_hz, 16000), dtype=np.float32)
    return np.resize(samples, int(seconds * 16000))


def test_whisper_hears_what_its_weights_say(tmp_path: Path) -> None:
    model = build_whisper(tmp_path / "whisper", "good morning to you")
    recognizer = make_recognizer("faster-whisper", EngineOptions(str(model)))
    recognizer.load()
    (heard,) = recognizer.transcribe(TranscriptionRequest(speech(2.0)), FOREVER)
    assert heard.text == "good morning to you"
    assert 0 < heard.confidence <= 1
    assert 0 <= heard.segments[0].start_s < heard.segments[0].end_s <= 2.5


def test_a_known_invention_is_dropped_and_noted(tmp_path: Path) -> None:
    model = build_whisper(tmp_path / "whisper", "thanks for watching")
    recognizer = make_recognizer("faster-whisper", EngineOptions(str(model)))
    recognizer.load()
    (heard,) = recognizer.transcribe(TranscriptionRequest(speech(2.0)), FOREVER)
    assert heard.text == ""
    assert "invention" in heard.dropped[0]


def test_a_cancelled_transcription_stops(tmp_path: Path) -> None:
    recognizer = make_recognizer(
        "faster-whisper", EngineOptions(str(build_whisper(tmp_path / "whisper", "hello")))
    )
    recognizer.load()
    cancelled = Cancellation(float("inf"))
    cancelled.cancel()
    with pytest.raises(WorkCancelledError):
        next(recognizer.transcribe(TranscriptionRequest(speech(2.0)), cancelled))


@pytest.fixture(scope="module")
def tiny_chat(tmp_path_factory: pytest.TempPathFactory) -> ChatEngine:
    file = build_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf")
    engine = make_language_model("llama-cpp", EngineOptions(str(file)))
    engine.load()
    return engine


def ask(text: str = "hello", **options: object) -> ChatRequest:
    return ChatRequest((ChatMessage("user", text),), **options)  # type: ignore[arg-type]


def test_random_weights_still_write_what_the_schema_wants(tiny_chat: ChatEngine) -> None:
    for seed in range(5):
        request = ask(schema=SCHEMA, temperature=1.0, seed=seed)
        pieces = list(tiny_chat.chat(request, FOREVER))
        answer = json.loads("".join(piece.text for piece in pieces))
        assert list(answer) == ["intent", "target", "say"]
        assert answer["intent"] in ("transfer", "message")
        assert answer["target"] in SCHEMA["properties"]["target"]["enum"]
        assert answer["say"].replace(" ", "a").isalpha()
        assert pieces[-1].finish_reason == "stop"
        assert pieces[-1].completion_tokens > 0


def test_a_long_answer_ends_at_its_limit(tiny_chat: ChatEngine) -> None:
    pieces = list(tiny_chat.chat(ask(max_tokens=5), FOREVER))
    assert pieces[-1].finish_reason in ("length", "stop")
    assert pieces[-1].completion_tokens <= 5


def test_a_prompt_beyond_the_context_is_refused(tiny_chat: ChatEngine) -> None:
    with pytest.raises(BadRequestError) as refused:
        list(tiny_chat.chat(ask("x" * 5000), FOREVER))
    assert refused.value.code == "context_length_exceeded"
    assert list(tiny_chat.chat(ask(max_tokens=2), FOREVER))


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({}, object),
        ({"type": "object"}, dict),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 3}, list),
        ({"type": "array", "items": {"const": "x"}, "minItems": 2, "maxItems": 2}, list),
        ({"type": "string", "maxLength": 8}, str),
        ({"type": "string"}, str),
        ({"type": "number"}, float | int),
        ({"anyOf": [{"type": "boolean"}, {"type": "null"}]}, bool | None),
    ],
)
def test_every_kind_of_schema_gives_json(
    tiny_chat: ChatEngine, schema: dict[str, object], kind: Any
) -> None:
    for seed in range(3):
        request = ask(schema=schema, temperature=1.0, seed=seed, max_tokens=60)
        *_, last = pieces = list(tiny_chat.chat(request, FOREVER))
        if last.finish_reason == "stop":
            answer = json.loads("".join(piece.text for piece in pieces))
            assert isinstance(answer, kind)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "https://example.com/schema.json"},
        {"type": "string", "pattern": "no anchors"},
        {"type": "object", "properties": {"a": {"enum": ["x" * 70000]}}},
    ],
)
def test_a_schema_that_cannot_be_held_is_refused(
    tiny_chat: ChatEngine, schema: dict[str, object]
) -> None:
    with pytest.raises(BadRequestError):
        list(tiny_chat.chat(ask(schema=schema), FOREVER))


def test_a_cancelled_chat_stops_and_the_next_one_works(tiny_chat: ChatEngine) -> None:
    cancelled = Cancellation(float("inf"))
    pieces = tiny_chat.chat(ask(temperature=1.0, seed=1, max_tokens=500, schema=SCHEMA), cancelled)
    next(pieces)
    cancelled.cancel()
    with pytest.raises(WorkCancelledError):
        list(pieces)
    before = Cancellation(float("inf"))
    before.cancel()
    with pytest.raises(WorkCancelledError):
        list(tiny_chat.chat(ask("a prompt of its own " * 20), before))
    assert list(tiny_chat.chat(ask(schema=SCHEMA), FOREVER))[-1].finish_reason == "stop"


def test_piper_speaks_clause_by_clause(tmp_path: Path) -> None:
    voice = make_voice("piper", EngineOptions(str(build_piper_voice(tmp_path / "tones.onnx"))))
    voice.load()
    text = "Good morning to everybody, how are you? Fine."
    pieces = list(voice.speak(SpeechRequest(text), FOREVER))
    assert len(pieces) == 3
    assert {piece.rate_hz for piece in pieces} == {16000}
    fast = list(voice.speak(SpeechRequest(text, speed=2.0), FOREVER))
    assert len(fast[0].pcm) == pytest.approx(len(pieces[0].pcm) / 2, rel=0.05)
    with pytest.raises(BadRequestError):
        list(voice.speak(SpeechRequest(text, voice="somebody"), FOREVER))


def test_espeak_and_piper_live_in_one_process(tmp_path: Path) -> None:
    # Both carry an espeak-ng with process-wide state of its own.
    piper = make_voice("piper", EngineOptions(str(build_piper_voice(tmp_path / "tones.onnx"))))
    espeak = make_voice("espeak-ng", EngineOptions("en-us+f2"))
    piper.load()
    espeak.load()
    for _ in range(2):
        for voice, rate_hz in ((piper, 16000), (espeak, 22050)):
            (piece,) = voice.speak(SpeechRequest("hello"), FOREVER)
            assert piece.rate_hz == rate_hz
            assert 0.2 < len(piece.pcm) / 2 / rate_hz < 2.0
