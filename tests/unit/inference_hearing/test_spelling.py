"""Spelled letters in what was heard."""

import pytest

from appliance.inference.hearing.spelling import LetterRun, letter_runs, with_letters_joined


@pytest.mark.parametrize(
    ("heard", "normalised"),
    [
        ("j o h n", "JOHN"),
        ("my name is john j o h n", "my name is john JOHN"),
        ("My name is John, J-O-H-N.", "My name is John, JOHN."),
        ("J. O. H. N. please", "JOHN. please"),
        ("i spell a b c", "i spell ABC"),
        ("i b m", "IBM"),
        ("that is a b", "that is a b"),
        ("a for alpha", "A"),
        ("b a k e r", "BAKER"),
        ("j for juliet", "J"),
        ("b as in bravo o as in oscar b for bravo", "BOB"),
        ("juliet oscar hotel november", "JOHN"),
        ("double l y", "LLY"),
        ("s m i double t h", "SMITTH"),
        ("jay oh", "jay oh"),
        ("bee ay dee", "bee ay dee"),
        ("em cee tee", "MCT"),
        ("hotel india", "hotel india"),
        ("i am mike", "i am mike"),
        ("is this the hotel", "is this the hotel"),
        ("i have a question", "i have a question"),
        ("a", "a"),
        ("plan b please", "plan b please"),
        ("ask for mike", "ask for mike"),
        ("two one one", "two one one"),
        ("", ""),
    ],
)
def test_spelled_letters_are_joined(heard: str, normalised: str) -> None:
    assert with_letters_joined(heard) == normalised


def test_runs_say_where_they_are() -> None:
    words = ("it", "is", "j", "o", "for", "oscar", "h", "n", "thanks")
    assert letter_runs(words) == [LetterRun(2, 8, "john")]
    assert letter_runs([]) == []
