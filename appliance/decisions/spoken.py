"""Digits, times and lists as callers say them and as they are said to callers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
)
_DECADES = "zero ten twenty thirty forty fifty sixty seventy eighty ninety"
_ONES, _TENS = _UNITS.split(), _DECADES.split()

_DIGIT = {word: str(value) for value, word in enumerate(_ONES[:10])} | {"oh": "0", "o": "0"}
_TEEN = {word: str(value) for value, word in enumerate(_ONES) if value >= 10}
_TEN = {word: value for value, word in enumerate(_TENS) if value >= 2}
NUMBER_WORDS = (*_ONES, *_TENS[2:], "hundred")
"""Every word that `digit_runs` reads as a number, or as part of one."""

_TIMES = {"double": 2, "triple": 3, "treble": 3}


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits said in one go: words ``start`` up to ``end`` of the utterance mean ``digits``."""

    start: int
    end: int
    digits: str


def digit_runs(words: Sequence[str]) -> list[DigitRun]:
    """Every run of digits in an utterance: "two zero one", "double five", "two hundred and one".

    "oh" and "o" are zeros only inside a run, so that "oh hello" is not a number.
    """
    runs: list[DigitRun] = []
    at = 0
    while at < len(words):
        end, digits = at, ""
        while end < len(words):
            taken, piece = _piece(words, end)
            if not taken:
                break
            digits += piece
            end += taken
        if digits and not all(word in ("oh", "o") for word in words[at:end]):
            runs.append(DigitRun(at, end, digits))
        at = max(end, at + 1)
    return runs


def _piece(words: Sequence[str], at: int) -> tuple[int, str]:
    """How many words at ``at`` make a number, and its digits; ``(0, "")`` when none do."""
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else ""
    if word.isascii() and word.isdigit():
        return 1, word
    if word in _TIMES and following in _DIGIT:
        return 2, _DIGIT[following] * _TIMES[word]
    if word in _DIGIT and following == "hundred":
        return _hundreds(words, at)
    if word in _DIGIT:
        return 1, _DIGIT[word]
    if word in _TEEN:
        return 1, _TEEN[word]
    if word in _TEN:
        ones = _DIGIT.get(following, "") if following not in ("oh", "o", "zero") else ""
        return (2, str(_TEN[word] * 10 + int(ones))) if ones else (1, str(_TEN[word] * 10))
    return 0, ""


def _hundreds(words: Sequence[str], at: int) -> tuple[int, str]:
    """ "two hundred", "two hundred one", "two hundred and forty eight"."""
    value, taken = int(_DIGIT[words[at]]) * 100, 2
    rest = at + 2
    if rest < len(words) and words[rest] == "and":
        rest += 1
    if rest < len(words):
        used, piece = _piece(words, rest)
        if used and len(piece) <= 2 and words[rest] not in _TIMES:
            value, taken = value + int(piece), rest + used - at
    return taken, str(value)


def digits_in(words: Sequence[str]) -> str:
    """All digits of an utterance, joined: "my number is five five one two" gives ``5512``."""
    return "".join(run.digits for run in digit_runs(words))


def with_digits(words: Sequence[str]) -> list[str]:
    """An utterance with numbers of several digits as digits: "extension two eleven" has ``211``.

    A single digit stays a word, so that "one of them" and "one more time" stay as they are.
    """
    written = list(words)
    for run in reversed(digit_runs(words)):
        if len(run.digits) > 1:
            written[run.start : run.end] = [run.digits]
    return written


def say_digits(number: str) -> str:
    """A number digit by digit: ``201`` is "two zero one". Other characters are left out."""
    return " ".join(_ONES[int(char)] for char in number if char in "0123456789")


def say_number(value: int) -> str:
    """A whole number from 0 to 99 in words."""
    if value < 20:
        return _ONES[value]
    tens, ones = divmod(value, 10)
    return _TENS[tens] + (f" {_ONES[ones]}" if ones else "")


def say_time(moment: time) -> str:
    """A time of day in words: 17:00 is "five in the afternoon", 9:30 "nine thirty in the morning".

    Noon and midnight have their own words; the last minute of a day counts as midnight.
    """
    if (moment.hour, moment.minute) in ((0, 0), (23, 59)):
        return "midnight"
    if (moment.hour, moment.minute) == (12, 0):
        return "noon"
    hour = say_number(moment.hour % 12 or 12)
    minutes = ""
    if moment.minute:
        minutes = f" oh {say_number(moment.minute)}" if moment.minute < 10 else ""
        minutes = minutes or f" {say_number(moment.minute)}"
    part = "morning" if moment.hour < 12 else "afternoon" if moment.hour < 18 else "evening"
    return f"{hour}{minutes} in the {part}"


def say_list(items: Sequence[str], last: str = "or") -> str:
    """ "a", "a or b", "a, b or c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"
