"""The closed vocabulary holds what the lab's callers say."""

import random

import pytest

from models.training.speech import lexicon, testsets, utterances


@pytest.mark.parametrize("sentence", utterances.scenario_sentences())
def test_what_a_scenario_says_is_in_the_lexicon(sentence: str) -> None:
    assert lexicon.is_known(sentence)


def test_scenarios_were_found() -> None:
    assert "billing please" in utterances.scenario_sentences()
    assert len(utterances.scenario_sentences()) > 10


def test_size() -> None:
    assert 400 <= len(lexicon.WORDS) <= 840
    assert len(set(lexicon.WORDS)) == len(lexicon.WORDS)


@pytest.mark.parametrize(
    ("words", "spoken"),
    [
        ("a b", ["eigh", "bee"]),
        ("i need a doctor", ["i", "need", "a", "doctor"]),
        ("it is l i", ["it", "is", "ell", "eye"]),
        ("x", ["ex"]),
        ("w o", ["double you", "oh"]),
    ],
)
def test_letters_are_spelled_where_they_are_no_words(words: str, spoken: list[str]) -> None:
    assert lexicon.spoken_words(words.split()) == spoken


def test_every_letter_has_a_sound() -> None:
    spoken = lexicon.spoken_words(list(lexicon.LETTERS))
    assert len(set(spoken)) == 26
    assert all(len(sound) > 1 for sound in spoken)


def test_training_utterances_are_known_and_never_held_out() -> None:
    random_ = random.Random(3)
    for _ in range(2000):
        text = utterances.training_utterance(random_)
        assert lexicon.is_known(text), text
        assert not utterances.is_held_out(text), text


def test_the_same_seed_says_the_same() -> None:
    first, second = random.Random(9), random.Random(9)
    assert [utterances.training_utterance(first) for _ in range(50)] == [
        utterances.training_utterance(second) for _ in range(50)
    ]


def test_crossed_sentences_are_of_known_words() -> None:
    random_ = random.Random(5)
    for _ in range(200):
        text = utterances.crossed(random_)
        assert lexicon.is_known(text)
        assert 2 <= len(text.split()) <= 13


def test_rows_of_digits_are_three_to_ten_long() -> None:
    random_ = random.Random(1)
    for _ in range(500):
        row = [word for word in utterances.digits(random_).split() if word in lexicon.DIGITS]
        assert 3 <= len(row) <= 10


@pytest.mark.parametrize("test", testsets.SETS, ids=lambda test: test.name)
def test_sets_are_of_known_words(test: testsets.TestSet) -> None:
    texts = test.texts(random.Random(4711), 20)
    assert texts
    assert all(lexicon.is_known(text) for text in texts)


def test_sets_of_sentences_were_not_trained_on() -> None:
    for test in testsets.SETS:
        if test.name.startswith(("sentences", "10 dB", "digits", "seven")):
            assert all(utterances.is_held_out(t) for t in test.texts(random.Random(4711), 20))
