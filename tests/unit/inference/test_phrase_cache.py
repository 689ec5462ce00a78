"""Phrases on disk: kept whole or not at all."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.errors import InferenceError
from appliance.speech.phrases import PhraseCache

RATE_HZ = 8000
GREETING = "Thank you for calling."


class CountingVoice:
    """Says the text's own bytes, many times over; breaks off when told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.broken = False

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        self.asked.append(text)
        yield text.encode() * 100
        if self.broken:
            raise InferenceError("the voice is gone")
        yield bytes(rate_hz // 10)


@pytest.fixture
def voice() -> CountingVoice:
    return CountingVoice()


def spoken(cache: PhraseCache, text: str = GREETING, rate_hz: int = RATE_HZ) -> bytes:
    return b"".join(cache.speak(text, rate_hz))


def files(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.exists() else []


def test_a_fixed_phrase_is_synthesised_once(tmp_path: Path, voice: CountingVoice) -> None:
    cache = PhraseCache(tmp_path / "phrases", voice)
    assert cache.warm([GREETING, GREETING], RATE_HZ) == 1
    assert spoken(cache) == spoken(cache) == GREETING.encode() * 100 + bytes(800)
    assert voice.asked == [GREETING]
    again = PhraseCache(tmp_path / "phrases", voice)
    assert again.warm([GREETING], RATE_HZ) == 1
    assert voice.asked == [GREETING]


def test_what_one_caller_is_told_is_not_kept(tmp_path: Path, voice: CountingVoice) -> None:
    cache = PhraseCache(tmp_path, voice)
    spoken(cache, "A message for John, from Mary.")
    assert files(tmp_path) == []


def test_another_voice_or_rate_is_another_phrase(tmp_path: Path, voice: CountingVoice) -> None:
    for identity, rate_hz in (("a", 8000), ("a", 16000), ("b", 8000)):
        cache = PhraseCache(tmp_path, voice, identity=identity)
        cache.warm([GREETING], rate_hz)
    assert len(voice.asked) == len(files(tmp_path)) == 3


def test_an_interrupted_phrase_is_not_kept(tmp_path: Path, voice: CountingVoice) -> None:
    cache = PhraseCache(tmp_path, voice)
    cache.declare([GREETING])
    chunks = cache.speak(GREETING, RATE_HZ)
    next(chunks)
    del chunks
    voice.broken = True
    with pytest.raises(InferenceError):
        spoken(cache)
    assert cache.warm([GREETING], RATE_HZ) == 0
    assert files(tmp_path) == []


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "longer"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, voice: CountingVoice, damage: str) -> None:
    cache = PhraseCache(tmp_path, voice)
    cache.warm([GREETING], RATE_HZ)
    whole = spoken(cache)
    (file,) = files(tmp_path)
    data = file.read_bytes()
    damaged = {
        "cut": data[:-7],
        "changed": data[:50] + b"X" + data[51:],
        "empty": b"",
        "longer": data + b"more",
    }
    file.write_bytes(damaged[damage])
    assert spoken(cache) == whole
    assert file.read_bytes() == data


def test_the_least_used_go_when_there_is_no_room(tmp_path: Path, voice: CountingVoice) -> None:
    cache = PhraseCache(tmp_path, voice, largest_bytes=8000)
    cache.warm([f"{GREETING} {number}" for number in range(6)], RATE_HZ)
    assert sum(file.stat().st_size for file in files(tmp_path)) <= 8000
    assert files(tmp_path)


def test_a_disk_that_cannot_be_written_does_not_silence_it(
    tmp_path: Path, voice: CountingVoice
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    cache = PhraseCache(blocked / "phrases", voice)
    cache.declare([GREETING])
    assert spoken(cache) == GREETING.encode() * 100 + bytes(800)


def test_a_full_disk_is_not_filled_with_halves(
    tmp_path: Path, voice: CountingVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    cache = PhraseCache(tmp_path, voice)
    cache.declare([GREETING])
    assert spoken(cache) == spoken(cache) != b""
    assert files(tmp_path) == []
