"""Digits, times, hours, introductions and transcripts."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls.hours import OpeningHours, Span, always_open
from appliance.decisions.hours_text import answer, closed_now, short
from appliance.decisions.introduction import introduction
from appliance.decisions.spoken import digits_in, say_digits, say_list, say_time
from appliance.decisions.text import words_of
from tests.unit.decisions.front_desk import EVENING, HOURS, LONG_HOURS, SUNDAY, WEDNESDAY

TOMORROW = "We are closed now and open again tomorrow at eight in the morning."


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("two zero one", "201"),
        ("two oh one", "201"),
        ("my number is five five one two", "5512"),
        ("double five one triple two", "551222"),
        ("two hundred and one", "201"),
        ("two hundred forty eight", "248"),
        ("twenty one", "21"),
        ("twenty oh one", "2001"),
        ("fifteen", "15"),
        ("201", "201"),
        ("2 0 1", "201"),
        ("oh hello", ""),
        ("hello", ""),
        ("double trouble", ""),
    ],
)
def test_spoken_digits(said: str, digits: str) -> None:
    assert digits_in(said.split()) == digits


@given(st.text("0123456789", min_size=1, max_size=15))
def test_digits_said_are_digits_heard(digits: str) -> None:
    heard = digits_in(say_digits(digits).split())
    assert heard == digits


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (time(17), "five in the afternoon"),
        (time(9), "nine in the morning"),
        (time(9, 30), "nine thirty in the morning"),
        (time(20, 5), "eight oh five in the evening"),
        (time(12), "noon"),
        (time(12, 45), "twelve forty five in the afternoon"),
        (time(0), "midnight"),
        (time(23, 59, 59), "midnight"),
        (time(0, 15), "twelve fifteen in the morning"),
    ],
)
def test_times(moment: time, words: str) -> None:
    assert say_time(moment) == words


def test_lists() -> None:
    assert say_list([]) == ""
    assert say_list(["a"]) == "a"
    assert say_list(["a", "b"]) == "a or b"
    assert say_list(["a", "b", "c"], "and") == "a, b and c"


@pytest.mark.parametrize(
    ("now", "asked", "words"),
    [
        (WEDNESDAY, "are you open", "We are open today until five in the afternoon."),
        (EVENING, "are you open", TOMORROW),
        (SUNDAY, "are you open", TOMORROW),
        (WEDNESDAY, "are you open on sunday", "We are closed on Sunday."),
        (WEDNESDAY, "and on saturday",
         "We are open on Saturday from nine in the morning until one in the afternoon."),
        (WEDNESDAY, "are you open tomorrow",
         "We are open tomorrow from eight in the morning until five in the afternoon."),
        (WEDNESDAY, "what are your opening hours",
         "We are open Monday to Friday from eight in the morning until five in the afternoon and "
         "Saturday from nine in the morning until one in the afternoon."),
    ],
)  # fmt: skip
def test_hours(now: datetime, asked: str, words: str) -> None:
    assert answer(HOURS, now, asked.split()) == words


def test_hours_on_a_holiday_and_of_a_department() -> None:
    holiday = datetime(2026, 12, 25, 10, 0, tzinfo=UTC)
    assert answer(HOURS, holiday, ("hours",)).startswith(
        "We are closed now and open again tomorrow"
    )
    assert (
        answer(LONG_HOURS, EVENING, (), "Support")
        == "Support is open today until ten in the evening."
    )


def test_hours_of_places_that_never_close_or_never_open() -> None:
    assert answer(always_open(), WEDNESDAY) == "We are open day and night."
    assert answer(OpeningHours(), WEDNESDAY) == "We are closed at the moment."
    assert short(always_open(), WEDNESDAY) == "0 to 24"
    assert short(OpeningHours(), WEDNESDAY) == "closed"
    assert short(HOURS, WEDNESDAY) == "8 to 17"


def test_hours_are_told_in_the_place_s_own_time() -> None:
    berlin = OpeningHours("Europe/Berlin", {2: (Span(time(8), time(17)),)})
    late = datetime(2026, 11, 18, 16, 30, tzinfo=UTC)  # 17:30 in Berlin
    assert closed_now(berlin, late).startswith(
        "We are closed now and open again on Wednesday next week"
    )


def test_a_lunch_break_is_told() -> None:
    split = OpeningHours("UTC", {}, {date(2026, 11, 19): (
        Span(time(8), time(12)), Span(time(13), time(17)))})  # fmt: skip
    assert answer(split, WEDNESDAY, ("tomorrow",)) == (
        "We are open tomorrow from eight in the morning until noon and "
        "from one in the afternoon until five in the afternoon."
    )


@pytest.mark.parametrize(
    ("said", "name", "rest"),
    [
        ("this is john smith calling about my invoice", "john smith", "about my invoice"),
        ("hello this is alice", "alice", "hello"),
        ("good morning this is doctor lee", "doctor lee", "good morning"),
        ("my name is peter and i want sales", "peter", "and i want sales"),
        ("this is susan calling from sales about my order", "susan", "about my order"),
        ("i am john smith from acme i need billing", "john smith", "i need billing"),
        ("john smith here can i talk to sales", "john smith", "can i talk to sales"),
        ("this is grace", "grace", ""),
        ("this is an emergency", "", "this is an emergency"),
        ("this is urgent", "", "this is urgent"),
        ("this is about my bill", "", "this is about my bill"),
        ("i am calling for alice", "", "i am calling for alice"),
        ("i am looking for bob", "", "i am looking for bob"),
        ("is this billing", "", "is this billing"),
        ("is alice here", "", "is alice here"),
    ],
)
def test_introductions(said: str, name: str, rest: str) -> None:
    found = introduction(said)
    assert (found.name, found.rest) == (name, rest)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I'd like Mr. Müller, please!", "i would like mr muller please"),
        ("can't log in", "cannot log in"),
        ("It\u2019s O'Brien's phone", "it is o brien phone"),
        ("  \n\t ", ""),
        ("um so uh billing", "so billing"),
        ("at four o'clock", "at four oclock"),
    ],
)
def test_transcripts_become_words(text: str, words: str) -> None:
    assert " ".join(words_of(text)) == words


@given(st.text())
def test_any_text_becomes_words_without_spaces_in_them(text: str) -> None:
    assert all(word and not word.isspace() for word in words_of(text))
