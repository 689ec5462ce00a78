"""Phrases on disk: kept whole or not at all."""

import errno
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import gevent
import pytest

from appliance.calls.errors import InferenceError
from appliance.inference.client import InferenceClient, InferenceRefusedError
from appliance.inference.work import Work, working_for
from appliance.speech.phrase_keeper import PhraseKeeper
from appliance.speech.phrases import PhraseCache
from appliance.speech.soundness import NoSpeechError
from appliance.speech.synthesizer import HttpSynthesizer

RATE_HZ = 8000
GREETING = "Thank you for calling."


class CountingVoice:
    """Says the text's own bytes, many times over; breaks off when told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.speaker = ""
        self.broken = False
        self.mute_at = ""

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        self.asked.append(text)
        if text == self.mute_at:
            raise NoSpeechError("nothing but silence")
        yield text.encode() * 100
        if self.broken:
            raise InferenceError("the voice is gone")
        yield bytes(rate_hz // 10)


@pytest.fixture
def voice() -> CountingVoice:
    return CountingVoice()


def kept(cache: PhraseCache, text: str = GREETING, rate_hz: int = RATE_HZ) -> bytes | None:
    chunks = cache.kept(text, rate_hz)
    return None if chunks is None else b"".join(chunks)


def files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.exists() else []


def test_a_fixed_phrase_is_synthesised_once(tmp_path: Path, voice: CountingVoice) -> None:
    cache = PhraseCache(tmp_path / "phrases", voice)
    assert cache.warm([GREETING, GREETING], RATE_HZ) == 0
    assert kept(cache) == kept(cache) == GREETING.encode() * 100 + bytes(800)
    assert voice.asked == [GREETING]
    again = PhraseCache(tmp_path / "phrases", voice)
    assert again.warm([GREETING], RATE_HZ) == 0
    assert voice.asked == [GREETING]


def test_what_one_caller_is_told_is_not_kept(tmp_path: Path, voice: CountingVoice) -> None:
    cache = PhraseCache(tmp_path, voice)
    cache.warm([GREETING], RATE_HZ)
    assert kept(cache, "A message for John, from Mary.") is None


def test_a_phrase_of_which_nobody_says_that_it_is_fixed_is_not_looked_for(
    tmp_path: Path, voice: CountingVoice
) -> None:
    PhraseCache(tmp_path, voice).warm([GREETING], RATE_HZ)
    cache = PhraseCache(tmp_path, voice)
    assert kept(cache) is None
    cache.declare([GREETING])
    assert kept(cache) is not None


def test_another_voice_or_rate_is_another_phrase(tmp_path: Path, voice: CountingVoice) -> None:
    for identity, rate_hz in (("a", 8000), ("a", 16000), ("b", 8000)):
        cache = PhraseCache(tmp_path, voice, identity=identity)
        cache.warm([GREETING], rate_hz)
    assert len(voice.asked) == len(files(tmp_path)) == 3


def test_a_new_speaker_is_heard_by_the_next_call_and_no_earlier_one(
    tmp_path: Path, voice: CountingVoice
) -> None:
    cache = PhraseCache(tmp_path, voice)
    cache.speaker = "old"
    cache.warm([GREETING], RATE_HZ)
    with working_for(Work("begun")):
        assert kept(cache) is not None
    cache.speaker = "new"
    with working_for(Work("next")):
        assert kept(cache) is None
    cache.warm([GREETING], RATE_HZ)
    with working_for(Work("next")):
        assert kept(cache) is not None
    assert voice.asked == [GREETING] * 2
    with working_for(Work("begun")):
        assert kept(cache) is not None


def test_who_spoke_last_is_remembered(tmp_path: Path, voice: CountingVoice) -> None:
    cache = PhraseCache(tmp_path, voice, identity="server")
    cache.speaker = "piper:a"
    cache.warm([GREETING], RATE_HZ)
    again = PhraseCache(tmp_path, voice, identity="server")
    again.declare([GREETING])
    assert again.speaker == "piper:a"
    assert kept(again) is not None
    assert PhraseCache(tmp_path, voice, identity="another").speaker == ""


def test_a_phrase_that_breaks_off_is_not_kept(tmp_path: Path, voice: CountingVoice) -> None:
    cache = PhraseCache(tmp_path, voice)
    voice.broken = True
    assert cache.warm([GREETING, "Goodbye."], RATE_HZ) == 2
    assert files(tmp_path) == []
    voice.broken = False
    assert cache.warm([GREETING, "Goodbye."], RATE_HZ) == 0


def test_a_phrase_that_the_voice_cannot_say_does_not_keep_the_others_from_it(
    tmp_path: Path, voice: CountingVoice
) -> None:
    cache = PhraseCache(tmp_path, voice)
    voice.mute_at = GREETING
    assert cache.warm([GREETING, "Goodbye.", "Hello."], RATE_HZ) == 1
    assert kept(cache, "Goodbye.") is not None


def test_a_voice_that_fails_is_not_asked_for_all_the_rest(
    tmp_path: Path, voice: CountingVoice
) -> None:
    voice.broken = True
    assert PhraseCache(tmp_path, voice).warm([GREETING, "Goodbye.", "Hello."], RATE_HZ) == 3
    assert voice.asked == [GREETING]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "longer"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, voice: CountingVoice, damage: str) -> None:
    cache = PhraseCache(tmp_path, voice)
    cache.warm([GREETING], RATE_HZ)
    whole = kept(cache)
    (file,) = files(tmp_path)
    data = file.read_bytes()
    damaged = {
        "cut": data[:-7],
        "changed": data[:50] + b"X" + data[51:],
        "empty": b"",
        "longer": data + b"more",
    }
    file.write_bytes(damaged[damage])
    assert kept(cache) is None
    cache.warm([GREETING], RATE_HZ)
    assert kept(cache) == whole
    assert file.read_bytes() == data


def test_the_least_used_go_when_there_is_no_room(tmp_path: Path, voice: CountingVoice) -> None:
    cache = PhraseCache(tmp_path, voice, largest_bytes=8000)
    cache.warm([f"{GREETING} {number}" for number in range(6)], RATE_HZ)
    assert sum(file.stat().st_size for file in files(tmp_path)) <= 8000
    assert files(tmp_path)


def test_a_disk_that_cannot_be_written_keeps_nothing(tmp_path: Path, voice: CountingVoice) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    cache = PhraseCache(blocked / "phrases", voice)
    assert cache.warm([GREETING], RATE_HZ) == 1
    assert kept(cache) is None


def test_a_full_disk_is_not_filled_with_halves(
    tmp_path: Path, voice: CountingVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    cache = PhraseCache(tmp_path, voice)
    assert cache.warm([GREETING], RATE_HZ) == 1
    assert files(tmp_path) == []


class Health:
    """A server whose word on its own health comes from a list, one for each time it is asked; at
    its end the test is over.
    """

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    def get_json(self, path: str, timeout_s: float) -> Any:
        assert path == "/health"
        if not self.answers:
            raise gevent.GreenletExit
        answer = self.answers.pop(0)
        if isinstance(answer, InferenceError):
            raise answer
        return answer


def kept_after(voice: CountingVoice, tmp_path: Path, health: Health) -> list[float]:
    """The pauses until everything was kept."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        voice.broken = False

    cache = PhraseCache(tmp_path, voice)
    keeper = PhraseKeeper(
        cache, cast("InferenceClient", health), cast("HttpSynthesizer", voice), sleep
    )
    with suppress(gevent.GreenletExit):
        keeper.keep({"": [GREETING]}, [RATE_HZ])
    assert voice.speaker == cache.speaker
    assert kept(cache) is not None
    return pauses


def spoken_by(engine: str, state: str = "ready") -> object:
    return {"status": "degraded", "engines": {"voice": {"engine": engine, "state": state}}}


READY = spoken_by("piper:a")


def test_nothing_that_a_stand_in_says_is_kept(tmp_path: Path, voice: CountingVoice) -> None:
    stands_in = spoken_by("piper:a", "loading")
    health = Health(InferenceError("starting"), stands_in, stands_in, READY)
    assert kept_after(voice, tmp_path, health) == [1.0, 2.0, 4.0, 1.0]
    assert voice.asked == [GREETING]


def test_a_voice_that_fails_is_asked_again(tmp_path: Path, voice: CountingVoice) -> None:
    voice.broken = True
    assert kept_after(voice, tmp_path, Health(READY, READY)) == [1.0, 1.0]


def test_when_another_engine_speaks_the_phrases_are_spoken_anew(
    tmp_path: Path, voice: CountingVoice
) -> None:
    health = Health(READY, READY, InferenceError("down"), spoken_by("piper:b"), READY)
    assert kept_after(voice, tmp_path, health) == [1.0] * 5
    assert voice.asked == [GREETING] * 2  # and not again for the one that comes back


@pytest.mark.parametrize("answer", [InferenceRefusedError("404"), "ok", {}, {"engines": []}])
def test_a_server_that_says_nothing_of_its_voice_is_believed(
    tmp_path: Path, voice: CountingVoice, answer: object
) -> None:
    assert kept_after(voice, tmp_path, Health(answer)) == []
