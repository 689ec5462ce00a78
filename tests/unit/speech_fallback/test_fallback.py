"""The voice that cannot fail to speak."""

from collections.abc import Iterator

import pytest

from appliance.calls.errors import InferenceError
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    SpeechPiece,
    SpeechRequest,
    WorkCancelledError,
)
from appliance.speech.fallback import EngineVoice, FallbackVoice, sentences

TEXT = "Good morning. How can I help you? One moment!"
PARTS = ["Good morning.", "How can I help you?", "One moment!"]


class Voice:
    """Speaks each sentence as two chunks; fails in those it is told to, after some chunks."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.asked: list[tuple[str, float]] = []
        self.fails_after: dict[str, int] = {}

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        self.asked.append((text, timeout_s))
        for number in range(2):
            if self.fails_after.get(text) == number:
                raise InferenceError("the connection broke")
            yield self.name + text.encode() + str(number).encode()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def spoken(voice: FallbackVoice, text: str = TEXT) -> list[bytes]:
    return list(voice.speak(text, 8000))


def test_sentence_by_sentence_from_the_first_voice() -> None:
    first, second = Voice(b"1:"), Voice(b"2:")
    spoken(FallbackVoice(first, second))
    assert [text for text, _ in first.asked] == PARTS
    assert second.asked == []


def test_a_sentence_that_breaks_off_is_said_again_by_the_second(clock: Clock) -> None:
    first, second = Voice(b"1:"), Voice(b"2:")
    first.fails_after = {PARTS[1]: 1}
    failures: list[str] = []
    said = spoken(FallbackVoice(first, second, failures.append, monotonic=clock))
    assert said == [
        b"1:Good morning.0", b"1:Good morning.1", b"1:How can I help you?0",
        b"2:How can I help you?0", b"2:How can I help you?1",
        b"2:One moment!0", b"2:One moment!1",
    ]  # fmt: skip
    assert failures == ["the connection broke"]  # the third was not even tried


def test_the_first_voice_is_tried_again_after_a_rest(clock: Clock) -> None:
    first, second = Voice(b"1:"), Voice(b"2:")
    first.fails_after = {PARTS[0]: 0}
    voice = FallbackVoice(first, second, monotonic=clock)
    spoken(voice)
    assert [text for text, _ in first.asked] == PARTS[:1]
    clock.now += 4.9
    spoken(voice, "Hello.")
    assert len(first.asked) == 1
    clock.now += 0.2
    assert spoken(voice, "Hello.")[0] == b"1:Hello.0"


def test_the_first_voice_gets_no_more_time_than_it_is_given() -> None:
    first, second = Voice(b"1:"), Voice(b"2:")
    voice = FallbackVoice(first, second, first_timeout_s=1.5)
    list(voice.speak("Hello.", 8000, timeout_s=5.0))
    list(voice.speak("Hello.", 8000, timeout_s=0.5))
    assert [timeout_s for _, timeout_s in first.asked] == [1.5, 0.5]


def test_when_both_fail_it_is_raised() -> None:
    first, second = Voice(b"1:"), Voice(b"2:")
    first.fails_after = second.fails_after = {"Hello.": 0}
    with pytest.raises(InferenceError):
        spoken(FallbackVoice(first, second), "Hello.")


def test_whoever_stops_listening_stops_both() -> None:
    first = Voice(b"1:")
    stream = FallbackVoice(first, Voice(b"2:")).speak(TEXT, 8000)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(first.asked) == 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (TEXT, PARTS),
        ("no stop at all", ["no stop at all"]),
        ("", []),
        ("   ", []),
        ("Really?! Yes.", ["Really?!", "Yes."]),
        ("It costs 3.50 today.", ["It costs 3.50 today."]),
        ("... and so on.", ["...", "and so on."]),
        ("One.Two.", ["One.Two."]),
    ],
)
def test_where_sentences_end(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts
    assert "".join(parts).replace(" ", "") == text.replace(" ", "")


class Engine:
    def __init__(self, error: Exception | None = None) -> None:
        self.name = "engine"
        self.error = error

    def load(self) -> None:
        """Nothing to load."""

    def speak(self, request: SpeechRequest, cancellation: Cancellation) -> Iterator[SpeechPiece]:
        if self.error is not None:
            raise self.error
        yield SpeechPiece(b"\1\0" * 160, 16000)


def test_a_local_engine_speaks_at_the_line_s_rate() -> None:
    pcm = b"".join(EngineVoice(Engine()).speak("hello", 8000))
    assert len(pcm) == pytest.approx(160, abs=8)


@pytest.mark.parametrize(
    "error",
    [
        BadRequestError("no such voice"), WorkCancelledError("late"), OSError("no library"),
        RuntimeError("it broke"),
    ],
)  # fmt: skip
def test_a_local_engine_fails_as_voices_do(error: Exception) -> None:
    with pytest.raises(InferenceError):
        list(EngineVoice(Engine(error)).speak("hello", 8000))
