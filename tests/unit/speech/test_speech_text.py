"""What a recogniser can have heard, and what it is told to listen for."""

import pytest

from appliance.calls.directory import Department, Directory, Person
from appliance.speech.plausible_text import implausible
from appliance.speech.vocabulary import MOST_CHARACTERS, MOST_WORDS, hotwords_of


@pytest.mark.parametrize(
    ("text", "sound_s"),
    [
        ("", 0.2),
        ("billing please", 0.8),
        ("no no no no no", 2.0),
        ("five five five five five five five five", 4.0),
        ("zero zero zero one two three zero zero zero", 4.0),
        ("i said billing\nplease", 2.0),
        ("bill the bill for billing the bill", 3.0),
        ("Straße, 日本語", 2.0),
    ],
)
def test_what_people_say_is_believed(text: str, sound_s: float) -> None:
    assert implausible(text, sound_s) == ""


@pytest.mark.parametrize(
    ("text", "sound_s"),
    [
        ("word " * 200, 60.0),
        ("thank you " * 8, 5.0),
        ("thank you for watching and see you soon " * 7, 30.0),
        ("a b c d e f g h " * 1000, 60.0),
        (" ".join(str(number) for number in range(300)), 10.0),
        ("bell\a", 2.0),
        ("\ud800", 2.0),
        ("x" * 1_000_000, 60.0),
    ],
)
def test_inventions_are_not(text: str, sound_s: float) -> None:
    assert implausible(text, sound_s)


def test_the_vocabulary_is_names_first_each_once() -> None:
    directory = Directory(
        "o", "Office",
        people=(Person("a", "Anna  Jones", "212", aliases=("Annie", "anna jones")),),
        departments=(Department("b", "Billing", ("201",), topics=("invoice",)),),
    )  # fmt: skip
    assert hotwords_of(directory) == ("Billing", "Anna Jones", "Annie", "invoice")


def test_the_vocabulary_of_a_large_house_is_bounded() -> None:
    people = tuple(Person(str(n), f"Person Number{n} " + "x" * 30, "212") for n in range(5000))
    words = hotwords_of(Directory("o", "Office", people=people))
    assert 0 < len(words) <= MOST_WORDS
    assert sum(map(len, words)) <= MOST_CHARACTERS
