"""Times of day and dates, in English words."""

import re

from appliance.inference.reading.numbers import cardinal, ordinal, year
from appliance.inference.reading.rules import Rule, any_of, ends_sentence, listed

_MONTHS = listed(
    "January February March April May June July August September October November December"
)
_DAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_MONTH_OF = {m: n for n, m in enumerate(_MONTHS, 1)} | {m[:3]: n for n, m in enumerate(_MONTHS, 1)}
_MONTH_OF["Sept"] = 9
_DAY_OF = {day[:size]: day for day in _DAYS for size in (3, len(day))}
_DAY_OF |= {"Tues": "Tuesday", "Thur": "Thursday", "Thurs": "Thursday"}

_MONTH = rf"({any_of(_MONTH_OF)})\b\.?"
_DAY = any_of(_DAY_OF)
_YEAR = r"(?:,? ((?:1[1-9]|20)\d\d)\b)?"
_NTH = r"(?:st|nd|rd|th)"
# Hour, minutes, half of the day.
_HALF = r"(?:\s?([ap]\.\s?m\.|[ap]m\b|[AP]\.\s?M\.|[AP]M\b))"
_CLOCK = rf"(\d{{1,2}}):([0-5]\d)(?::[0-5]\d)?(?![\d:]){_HALF}?"
_HOUR = rf"(\d{{1,2}})(){_HALF}"
_EITHER = rf"(\d{{1,2}})(?::([0-5]\d))?(?![\d:]){_HALF}?"
_TO = r"\s?(?:[-\u2013\u2014]|to|until|till)\s?"


def clock(hour: int, minute: int, half: str = "", *, bare: bool = False) -> str | None:
    """A time in words: "eight thirty", "five P M"; None for an hour that does not exist.

    Args:
        half: ``a`` or ``p`` where it is written, else empty; hours past 12 speak for themselves.
        bare: leave out "o'clock", as in "from nine to five".
    """
    if hour > 24 or (hour == 24 and minute):
        return None
    if not half and hour in (0, 24) and not minute:
        return "midnight"
    half = half or ("p" if 12 < hour < 24 else "a" if hour == 0 else "")
    words = cardinal(str(hour % 12 or 12))
    if minute:
        words += f" {'oh ' if minute < 10 else ''}{cardinal(str(minute))}"
    elif not half and not bare:
        words += " o'clock"
    return words + {"a": " eigh M", "p": " P M", "": ""}[half]


def _one(match: re.Match[str]) -> str | None:
    hour, minute, half = match.groups()
    words = clock(int(hour), int(minute or 0), (half or "").lower()[:1])
    return _closed(match, words)


def _range(match: re.Match[str]) -> str | None:
    start, start_min, start_half, end, end_min, end_half = match.groups()
    if not (start_min or start_half or end_min or end_half):
        return None
    first_half, last_half = (start_half or "").lower()[:1], (end_half or "").lower()[:1]
    if not first_half and not last_half and int(end) > 12 > int(start) > 0:
        first_half = "a"
    first = clock(int(start), int(start_min or 0), first_half, bare=True)
    last = clock(int(end), int(end_min or 0), last_half, bare=True)
    return None if first is None or last is None else _closed(match, f"{first} to {last}")


def _closed(match: re.Match[str], words: str | None) -> str | None:
    if words is not None and match.group().endswith(".") and ends_sentence(match):
        return words + "."
    return words


def day_of_month(day: int, month: int, in_year: str | None, *, month_first: bool) -> str | None:
    """A date in words; None for one that does not exist in any year."""
    if not (1 <= month <= 12 and 1 <= day <= (29 if month == 2 else 30 + (month + month // 8) % 2)):
        return None
    name, nth = _MONTHS[month - 1], ordinal(day)
    words = f"{name} {nth}" if month_first else f"the {nth} of {name}"
    return f"{words}, {year(int(in_year))}" if in_year else words


def _iso(match: re.Match[str]) -> str | None:
    y, month, day = match.groups()
    return day_of_month(int(day), int(month), y, month_first=True)


def _day_month(match: re.Match[str]) -> str | None:
    day, month, y = match.groups()
    return day_of_month(int(day), _MONTH_OF[month], y, month_first=False)


def _month_day(match: re.Match[str]) -> str | None:
    month, day, y = match.groups()
    return day_of_month(int(day), _MONTH_OF[month], y, month_first=True)


def _numeric(day_first: bool) -> Rule:
    def say(match: re.Match[str]) -> str | None:
        first, mark, second, y = match.groups()
        days_lead = day_first or mark == "." or int(first) > 12
        day, month = (first, second) if days_lead else (second, first)
        return day_of_month(int(day), int(month), y, month_first=not days_lead)

    return Rule(
        re.compile(r"(?<![\d./])(\d{1,2})([./])(\d{1,2})\2((?:1[1-9]|20)\d\d)(?![\d/])"), say
    )


def _month_year(match: re.Match[str]) -> str:
    return f"{_MONTHS[_MONTH_OF[match.group(1)] - 1]} {year(int(match.group(2)))}"


def _days(match: re.Match[str]) -> str:
    return f"{_DAY_OF[match.group(1)]} to {_DAY_OF[match.group(2)]}"


def _day(match: re.Match[str]) -> str:
    return _DAY_OF[match.group(1)]


def _decade(match: re.Match[str]) -> str:
    words = year(int(match.group(1)))
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def rules(*, day_first: bool) -> list[Rule]:
    """Rules for dates, then for times.

    Args:
        day_first: read 3/4 as the third of April, not as March fourth.
    """
    return [
        Rule(re.compile(r"(?<![\w-])((?:1[1-9]|20)\d\d)-(\d\d)-(\d\d)(?![\w-])"), _iso),
        _numeric(day_first),
        Rule(
            re.compile(rf"(?:\bthe )?\b(\d{{1,2}}){_NTH}?(?: of)? {_MONTH}{_YEAR}(?!\w)"),
            _day_month,
        ),
        Rule(re.compile(rf"\b{_MONTH} (\d{{1,2}}){_NTH}?(?![\w:]|[.,]\d){_YEAR}"), _month_day),
        Rule(re.compile(rf"\b{_MONTH} ((?:1[1-9]|20)\d\d)\b"), _month_year),
        Rule(
            re.compile(rf"\b({_DAY})\.?\s?[-\u2013\u2014]\s?({_DAY})\b(?:\.(?=\s[a-z\d]))?"), _days
        ),
        # "Sat" and "Sun" alone are words; a full stop or a time after them says what they are.
        Rule(re.compile(r"\b(Mon|Tues?|Wed|Thu(?:rs?)?|Fri)\b(?:\.(?=,| [a-z\d]))?"), _day),
        Rule(re.compile(r"\b(Sat|Sun)\b(?:\.(?=,| [a-z\d])|(?=:? \d))"), _day),
        Rule(re.compile(rf"(?<![\w:.]){_EITHER}{_TO}{_EITHER}(?![\w:]|[.,]\d)"), _range),
        Rule(re.compile(rf"(?<![\w:.]){_CLOCK}"), _one),
        Rule(re.compile(rf"(?<![\w:.,]){_HOUR}"), _one),
        Rule(re.compile(r"\b((?:1[1-9]|20)\d0)'?s\b"), _decade),
    ]
