"""How long a pause must be before a turn is over."""

from dataclasses import dataclass

from appliance.speech.completeness import (
    Completeness,
    CompletenessModel,
    digit_count,
    is_short_answer,
    judge,
)
from appliance.speech.events import EndReason, Expectation


@dataclass(frozen=True, slots=True)
class PauseLengths:
    """Pauses that end a turn, in milliseconds from the last audible frame.

    Attributes:
        finished_ms: the sentence sounds finished.
        short_answer_ms: a short answer to a closed question, not transcribed yet.
        default_ms: nothing is known.
        unfinished_ms: the sentence sounds unfinished.
        digits_ms: digits are being read out. People group a number and breathe between.
        cap_ms: no pause is ever waited out longer.
        short_answer_speech_ms: speech up to this long can be a short answer.
        whole_number_digits: from so many digits on a telephone number may be complete.
    """

    finished_ms: int = 300
    short_answer_ms: int = 400
    default_ms: int = 700
    unfinished_ms: int = 1400
    digits_ms: int = 1400
    cap_ms: int = 2500
    short_answer_speech_ms: int = 700
    whole_number_digits: int = 10


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pause of ``pause_ms`` ends the turn, for this reason."""

    pause_ms: int
    reason: EndReason


def endpoint(
    pauses: PauseLengths, expectation: Expectation, speech_ms: int, text: str | None,
    model: CompletenessModel | None = None,
) -> Endpoint:  # fmt: skip
    """How long to wait, given what is known.

    Args:
        pauses: the configured lengths.
        expectation: what the last prompt asked for.
        speech_ms: how much speech the turn has so far.
        text: the speculative transcript; None while there is none.
        model: tells whether the text sounds finished; None leaves that to a rule.
    """
    if text is None:
        found = _without_text(pauses, expectation, speech_ms)
    else:
        found = _with_text(pauses, expectation, text, model)
    return found if found.pause_ms <= pauses.cap_ms else Endpoint(pauses.cap_ms, found.reason)


def _without_text(pauses: PauseLengths, expectation: Expectation, speech_ms: int) -> Endpoint:
    if expectation is Expectation.DIGITS:
        return Endpoint(pauses.digits_ms, EndReason.DIGITS)
    if expectation is Expectation.CLOSED and speech_ms <= pauses.short_answer_speech_ms:
        return Endpoint(pauses.short_answer_ms, EndReason.SHORT_ANSWER)
    return Endpoint(pauses.default_ms, EndReason.DEFAULT)


def _with_text(
    pauses: PauseLengths, expectation: Expectation, text: str, model: CompletenessModel | None
) -> Endpoint:
    if expectation is Expectation.CLOSED and is_short_answer(text):
        return Endpoint(pauses.finished_ms, EndReason.SHORT_ANSWER)
    sounds = judge(text, model)
    if sounds is Completeness.DIGITS:
        if digit_count(text) >= pauses.whole_number_digits:
            return Endpoint(pauses.default_ms, EndReason.DEFAULT)
        return Endpoint(pauses.digits_ms, EndReason.DIGITS)
    if sounds is Completeness.FINISHED:
        return Endpoint(pauses.finished_ms, EndReason.FINISHED)
    if sounds is Completeness.UNFINISHED:
        return Endpoint(pauses.unfinished_ms, EndReason.UNFINISHED)
    return Endpoint(pauses.default_ms, EndReason.DEFAULT)
