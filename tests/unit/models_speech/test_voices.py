"""espeak-ng and flite say words, and when."""

import ctypes
from itertools import pairwise

import pytest

from models.training.speech import lexicon
from models.training.speech.espeak import Espeak
from models.training.speech.flite import Flite
from models.training.speech.speaking import Speech


def has(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


needs_espeak = pytest.mark.skipif(not has("libespeak-ng.so.1"), reason="libespeak-ng1 is missing")
needs_flite = pytest.mark.skipif(not has("libflite_cmu_us_slt.so.1"), reason="libflite1 is missing")

WORDS = ["please", "spell", "double you", "ay", "at", "nine", "o'clock"]


def check(speech: Speech) -> None:
    length = len(speech.samples) / speech.rate_hz
    assert 1.0 < length < 5.0
    assert [index for index, _, _ in speech.words] == [0, 1, 2, 2, 3, 4, 5, 6]
    starts = [start for _, start, _ in speech.words]
    assert starts == sorted(starts)
    assert all(start <= end <= length + 0.05 for _, start, end in speech.words)
    assert all(one.end_s == other.start_s for one, other in pairwise(speech.phones))
    first, last = speech.voiced
    assert 0 <= first < last <= length + 0.05


@needs_espeak
def test_espeak_says_when_each_word_sounds() -> None:
    check(Espeak().speak(WORDS, "en-us+f2"))


@needs_espeak
def test_espeak_names_a_voice_it_lacks() -> None:
    with pytest.raises(ValueError, match="no voice 'en-zz'"):
        Espeak().speak(["hello"], "en-zz")


@needs_flite
@pytest.mark.parametrize("voice", ["slt", "rms", "awb", "kal16"])
def test_flite_says_when_each_word_sounds(voice: str) -> None:
    check(Flite().speak(WORDS, voice))


@needs_flite
def test_flite_names_a_voice_it_lacks() -> None:
    with pytest.raises(ValueError, match="no voice 'hal'"):
        Flite().speak(["hello"], "hal")


@needs_espeak
def test_espeak_says_every_letter_by_its_own_name() -> None:
    said = [
        "".join(phone.label for phone in Espeak().speak([sound], "en-us").phones)
        for sound in lexicon.spoken_words(list(lexicon.LETTERS))
    ]
    assert len(set(said)) == 26
