"""Phonemes of one dictionary get the times of another's phones."""

# ruff: noqa: RUF001 -- phonemes look like letters

from itertools import accumulate

import pytest

from models.training.speech.speaking import Span
from models.training.voice.alignment import durations, unlikeness
from models.training.voice.phonemes import PHONEMES, Phonemizer, is_sound

FRAME_S = 0.005


def spans(*phones: tuple[str, int]) -> list[Span]:
    ends = list(accumulate(frames for _, frames in phones))
    return [
        Span((end - frames) * FRAME_S, end * FRAME_S, name)
        for (name, frames), end in zip(phones, ends, strict=True)
    ]


def test_the_same_sounds_last_as_long() -> None:
    symbols = ["^", "j", "ˈ", "ɛ", "s", ",", " ", "$"]
    frames, cost = durations(
        symbols, spans(("pau", 40), ("y", 10), ("eh", 20), ("s", 30), ("pau", 25))
    )
    assert frames == [40, 10, 0, 20, 30, 0, 0, 25]
    assert cost < 0.06


def test_a_pause_belongs_to_the_comma() -> None:
    symbols = ["^", "n", "oʊ", ",", " ", "n", "oʊ", "$"]
    frames, _ = durations(
        symbols,
        spans(
            ("pau", 4), ("n", 1), ("ow", 2), ("pau", 9), ("n", 3), ("ow", 5), ("pau", 6)
        ),
    )  # fmt: skip
    assert frames == [4, 1, 2, 9, 0, 3, 5, 6]


def test_what_only_one_has_goes_to_its_neighbour() -> None:
    # flite says a vowel before a syllabic "n", and no "t"; espeak-ng a tap and no vowel.
    symbols = ["^", "b", "ʌ", "ʔ", "n̩", "$"]
    phones = spans(("pau", 2), ("b", 3), ("ah", 4), ("t", 5), ("ax", 6), ("n", 7), ("pau", 8))
    frames, cost = durations(symbols, phones)
    assert sum(frames) == 35
    assert frames[:3] == [2, 3, 4]
    assert sum(frames[3:5]) == 18
    assert 0 < cost < 0.3


def test_other_words_are_unlike() -> None:
    symbols = ["^", "k", "æ", "t", "$"]
    frames, cost = durations(symbols, spans(("pau", 2), ("m", 3), ("ow", 4), ("z", 5), ("pau", 1)))
    assert sum(frames) == 15
    assert cost > 0.5


@pytest.mark.parametrize(
    ("symbol", "phone", "least", "most"),
    [("æ", "ae", 0, 0), ("ɪ", "iy", 0.1, 0.5), ("m", "t", 0.6, 1), ("æ", "t", 1, 2),
     (",", "pau", 0, 0), (",", "t", 50, 200), ("t", "pau", 50, 200)],
)  # fmt: skip
def test_likeness(symbol: str, phone: str, least: float, most: float) -> None:
    assert least <= unlikeness(symbol, phone) <= most


def test_every_phoneme_has_a_counterpart() -> None:
    assert all(unlikeness(symbol, "t") <= 1.2 for symbol in PHONEMES)


@pytest.mark.models
def test_a_sentence_becomes_symbols() -> None:
    phonemizer = Phonemizer()
    symbols = phonemizer.sentence("Join our choir, please.")
    assert (symbols[0], symbols[-1]) == ("^", "$")
    assert {"dʒ", "ɔɪ", "iː", ",", "."} < set(symbols)
    assert sum(is_sound(symbol) for symbol in symbols) >= 12
    with pytest.raises(ValueError, match="2 sentences"):
        phonemizer.sentence("One. Two.")
