"""Does it sound finished? And how long to wait then. The model's own tests are the models'."""

import pytest

from appliance.speech.completeness import (
    Completeness,
    digit_count,
    is_back_channel,
    is_short_answer,
    judge,
)
from appliance.speech.endpointing import Endpoint, PauseLengths, endpoint
from appliance.speech.events import EndReason, Expectation


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("", Completeness.UNKNOWN),
        ("  ?! ", Completeness.UNKNOWN),
        ("sales", Completeness.UNKNOWN),
        ("sales please", Completeness.FINISHED),
        ("I'd like to speak to Bob.", Completeness.FINISHED),
        ("When are you open?", Completeness.FINISHED),
        ("yes", Completeness.FINISHED),
        ("the sales department", Completeness.FINISHED),
        ("I'd like to speak to", Completeness.UNFINISHED),
        ("I'd like to speak to the", Completeness.UNFINISHED),
        ("I'd like", Completeness.UNFINISHED),
        ("My number is", Completeness.UNFINISHED),
        ("yes but", Completeness.UNFINISHED),
        ("I was wondering if", Completeness.UNFINISHED),
        ("um", Completeness.UNFINISHED),
        ("so the thing is...", Completeness.UNFINISHED),
        ("my number is five five five", Completeness.DIGITS),
        ("extension 201", Completeness.DIGITS),
        ("seven", Completeness.DIGITS),
        ("put me through to Bob Smith", Completeness.FINISHED),
    ],
)
def test_how_it_sounds_by_rule(text: str, sounds: Completeness) -> None:
    assert judge(text) is sounds


@pytest.mark.parametrize(
    ("text", "nod"),
    [
        ("mhm", True), ("Uh-huh.", True), ("ok", True), ("yeah yeah", True), ("I see", True),
        ("got it", True), ("right", True), ("", True),
        ("stop", False), ("no", False), ("operator", False), ("wait", False), ("it", False),
        ("yes but I want Bob", False), ("ok ok ok ok", False), ("help", False),
    ],
)  # fmt: skip
def test_back_channels(text: str, nod: bool) -> None:
    assert is_back_channel(text) is nod


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("yes", True), ("No, please.", True), ("seven", True), ("two oh one", True),
        ("", False), ("bob", False), ("yes I would like that", False),
    ],
)  # fmt: skip
def test_short_answers(text: str, short: bool) -> None:
    assert is_short_answer(text) is short


def test_digits_are_counted() -> None:
    assert digit_count("five five five twelve 34") == 7
    assert digit_count("my name is bob") == 0


@pytest.mark.parametrize(
    ("expectation", "speech_ms", "text", "wanted"),
    [
        (Expectation.OPEN, 1000, None, Endpoint(700, EndReason.DEFAULT)),
        (Expectation.CLOSED, 300, None, Endpoint(400, EndReason.SHORT_ANSWER)),
        (Expectation.CLOSED, 2000, None, Endpoint(700, EndReason.DEFAULT)),
        (Expectation.CLOSED, 300, "yes", Endpoint(300, EndReason.SHORT_ANSWER)),
        (Expectation.CLOSED, 300, "seven", Endpoint(300, EndReason.SHORT_ANSWER)),
        (Expectation.DIGITS, 300, None, Endpoint(1400, EndReason.DIGITS)),
        (Expectation.DIGITS, 300, "five five", Endpoint(1400, EndReason.DIGITS)),
        (Expectation.DIGITS, 300, "i don't know", Endpoint(300, EndReason.FINISHED)),
        (Expectation.DIGITS, 9, "555 123 4567 8", Endpoint(700, EndReason.DEFAULT)),
        (Expectation.OPEN, 1000, "i want to", Endpoint(1400, EndReason.UNFINISHED)),
    ],
)
def test_how_long_to_wait(
    expectation: Expectation, speech_ms: int, text: str | None, wanted: Endpoint
) -> None:
    assert endpoint(PauseLengths(), expectation, speech_ms, text) == wanted


def test_the_cap_holds_over_every_setting() -> None:
    pauses = PauseLengths(
        finished_ms=9000, short_answer_ms=9000, default_ms=9000, unfinished_ms=9000, digits_ms=9000
    )
    for expectation in Expectation:
        for text in (None, "", "yes", "i want to", "five", "sales please", "sales"):
            assert endpoint(pauses, expectation, 100, text).pause_ms == 2500
