"""The voice that cannot fail to speak."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.errors import InferenceError
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    SpeechPiece,
    SpeechRequest,
    WorkCancelledError,
)
from appliance.inference.work import Work, working_for
from appliance.speech.breaker import CircuitBreaker
from appliance.speech.chain import Rung
from appliance.speech.fallback import EngineVoice, JudgedVoice, Voice, VoiceChain, sentences
from appliance.speech.phrases import PhraseCache
from appliance.speech.soundness import NoSpeechError
from appliance.speech.synthesizer import CutSampleError

TEXT = "Good morning. How can I help you? One moment!"
PARTS = ["Good morning.", "How can I help you?", "One moment!"]


class Speaker:
    """Speaks each sentence as two chunks; fails in those it is told to, after some chunks."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.asked: list[tuple[str, float]] = []
        self.fails_after: dict[str, int] = {}
        self.error = InferenceError("the connection broke")

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        self.asked.append((text, timeout_s))
        for number in range(3):
            if self.fails_after.get(text) == number:
                raise self.error
            if number < 2:
                yield self.name + text.encode() + str(number).encode()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Account:
    """What a call was told of its engines."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, str, str]] = []
        self.uses: list[str] = []

    def failed(self, stage: str, engine: str, error: str, instead: str) -> None:
        assert stage == "synthesizer"
        self.failures.append((engine, error, instead))

    def used(self, stage: str, rank: int, engine: str, reason: str) -> None:
        self.uses.append(engine)


def spoken(voice: VoiceChain, text: str = TEXT) -> list[bytes]:
    return list(voice.speak(text, 8000))


def chain(
    *voices: Speaker, clock: Clock | None = None, timeout_s: float = 3.0,
    phrases: PhraseCache | None = None,
) -> VoiceChain:  # fmt: skip
    """All but the last are behind servers; each rests 5 s after a failure."""
    clock = clock or Clock()
    rungs = [
        Rung(
            f"http://{number}", Voice(voice, phrases if number == 1 else None),
            CircuitBreaker(1, 5.0), clock,
        )
        for number, voice in enumerate(voices[:-1], 1)
    ]  # fmt: skip
    return VoiceChain(rungs, voices[-1], timeout_s=timeout_s)


def test_sentence_by_sentence_from_the_first_voice() -> None:
    first, second = Speaker(b"1:"), Speaker(b"2:")
    spoken(chain(first, second))
    assert [text for text, _ in first.asked] == PARTS
    assert second.asked == []


def test_a_sentence_that_breaks_off_is_said_again_by_the_next() -> None:
    first, second, last = Speaker(b"1:"), Speaker(b"2:"), Speaker(b"3:")
    first.fails_after = {PARTS[1]: 1}
    second.fails_after = {PARTS[2]: 0}
    account = Account()
    with working_for(Work("a call", account=account)):
        said = spoken(chain(first, second, last))
    assert said == [
        b"1:Good morning.0", b"1:Good morning.1", b"1:How can I help you?0",
        b"2:How can I help you?0", b"2:How can I help you?1",
        b"3:One moment!0", b"3:One moment!1",
    ]  # fmt: skip
    assert account.uses == ["http://1", "http://2", "espeak-ng"]
    # The third sentence was not even tried by the first.
    assert account.failures == [
        ("http://1", "the connection broke", "http://2"),
        ("http://2", "the connection broke", "espeak-ng"),
    ]


def test_the_first_voice_is_tried_again_after_a_rest(clock: Clock) -> None:
    first, second = Speaker(b"1:"), Speaker(b"2:")
    first.fails_after = {PARTS[0]: 0}
    voice = chain(first, second, clock=clock)
    spoken(voice)
    assert [text for text, _ in first.asked] == PARTS[:1]
    clock.now += 4.9
    spoken(voice, "Hello.")
    assert len(first.asked) == 1
    clock.now += 0.2
    assert spoken(voice, "Hello.")[0] == b"1:Hello.0"


def test_a_voice_gets_no_more_time_than_it_is_given() -> None:
    first, second = Speaker(b"1:"), Speaker(b"2:")
    voice = chain(first, second, timeout_s=1.5)
    list(voice.speak("Hello.", 8000, timeout_s=5.0))
    list(voice.speak("Hello.", 8000, timeout_s=0.5))
    assert [timeout_s for _, timeout_s in first.asked] == [1.5, 0.5]


def test_when_all_fail_it_is_raised() -> None:
    first, second = Speaker(b"1:"), Speaker(b"2:")
    first.fails_after = second.fails_after = {"Hello.": 0}
    with pytest.raises(InferenceError):
        spoken(chain(first, second), "Hello.")


def test_whoever_stops_listening_stops_the_voice_and_blames_it_for_nothing() -> None:
    first = Speaker(b"1:")
    voice = chain(first, Speaker(b"2:"))
    stream = voice.speak(TEXT, 8000)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert len(first.asked) == 1
    assert spoken(voice, "Hello.")[0] == b"1:Hello.0"


def test_a_fixed_phrase_needs_no_server(tmp_path: Path, clock: Clock) -> None:
    first, last = Speaker(b"1:"), Speaker(b"2:")
    phrases = PhraseCache(tmp_path, first)
    phrases.warm(["Good morning."], 8000)
    first.fails_after = {"Hello.": 0, "Good morning.": 0}
    voice = chain(first, last, clock=clock, phrases=phrases)
    account = Account()
    with working_for(Work("a call", account=account)):
        assert spoken(voice, "Hello. Good morning. Hello.") == [
            b"2:Hello.0", b"2:Hello.1",
            b"1:Good morning.01:Good morning.1",
            b"2:Hello.0", b"2:Hello.1",
        ]  # fmt: skip
    assert account.uses == ["espeak-ng", "espeak-ng"]  # a recording says nothing of its server


def test_half_a_sample_too_much_is_a_failure_but_not_said_again(clock: Clock) -> None:
    first, last = Speaker(b"1:"), Speaker(b"2:")
    first.fails_after = {"Hello.": 2}
    first.error = CutSampleError("half a sample")
    voice = chain(first, last, clock=clock)
    assert spoken(voice, "Hello. Good day.") == [
        b"1:Hello.0", b"1:Hello.1", b"2:Good day.0", b"2:Good day.1",
    ]  # fmt: skip


class Pcm:
    """A voice that makes this sound, in chunks of 100 ms."""

    def __init__(self, pcm: bytes, error: InferenceError | None = None) -> None:
        self.pcm = pcm
        self.error = error

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        size = rate_hz // 5
        for start in range(0, len(self.pcm), size):
            yield self.pcm[start : start + size]
        if self.error is not None:
            raise self.error


def test_of_a_judged_voice_silence_is_not_heard() -> None:
    tone = b"\0\x20\0\xe0" * 800
    assert b"".join(JudgedVoice(Pcm(bytes(1600) + tone)).speak("hello", 8000)) == tone
    for silence in (b"", bytes(3200), bytes(160_000)):
        with pytest.raises(NoSpeechError):
            list(JudgedVoice(Pcm(silence)).speak("hello", 8000))


def test_a_cut_sample_excuses_no_silence() -> None:
    with pytest.raises(NoSpeechError):
        list(JudgedVoice(Pcm(bytes(3200), CutSampleError("half"))).speak("hello", 8000))


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


def test_a_local_engine_speaks_as_itself_for_a_voice_of_another_engine() -> None:
    class Picky(Engine):
        def speak(
            self, request: SpeechRequest, cancellation: Cancellation
        ) -> Iterator[SpeechPiece]:
            if request.voice not in ("", "en-gb"):
                raise BadRequestError("no such voice", param="voice")
            yield from super().speak(request, cancellation)

    for voice in ("en-gb", "en_US-piper-amy"):
        with working_for(Work(voice=voice)):
            assert list(EngineVoice(Picky()).speak("hello", 8000))


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
