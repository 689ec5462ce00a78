"""Opening hours in words to be spoken. Every fact comes from `OpeningHours`."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from appliance.calls.hours import WEEKDAYS, OpeningHours, Span
from appliance.decisions.spoken import say_list, say_time

_WHOLE_DAY_CLOSES = time(23, 59)


def answer(hours: OpeningHours, now: datetime, words: Sequence[str] = (), who: str = "") -> str:
    """Answer a question about hours.

    Args:
        now: time-zone aware; "today" and "open now" are judged by it.
        words: the question: "today", "tomorrow" or a weekday in it names the day.
        who: the department the hours belong to; empty for the organisation ("we").
    """
    today = now.astimezone(ZoneInfo(hours.timezone)).date()
    day = _day_meant(words, today)
    if _never_closes(hours):
        return f"{_subject(who)} open day and night."
    if day is not None and day != today:
        return _on_day(hours, day, "tomorrow" if day == today + timedelta(1) else "", who)
    if day is None and "hours" in words and today not in hours.exceptions:
        week = _week(hours)
        if week:
            return f"{_subject(who)} open {week}."
    if hours.is_open(now):
        closes = _closes_at(hours, now)
        return f"{_subject(who)} open today until {say_time(closes)}."
    return closed_now(hours, now, who)


def closed_now(hours: OpeningHours, now: datetime, who: str = "") -> str:
    """ "We are closed now and open again tomorrow at nine in the morning."."""
    opens = hours.next_opening(now)
    if opens is None:
        return f"{_subject(who)} closed at the moment."
    today = now.astimezone(ZoneInfo(hours.timezone)).date()
    ahead = (opens.date() - today).days
    day = "today" if ahead == 0 else "tomorrow" if ahead == 1 else _named(opens.date(), ahead)
    verb = "opens" if who else "open"
    return f"{_subject(who)} closed now and {verb} again {day} at {say_time(opens.time())}."


def short(hours: OpeningHours, now: datetime) -> str:
    """Today's hours as the language model reads them: "8 to 18"; "closed" when there are none."""
    today = now.astimezone(ZoneInfo(hours.timezone)).date()
    spans = hours.spans_on(today)
    if not spans:
        return "closed"
    closes = spans[-1].closes
    return f"{spans[0].opens.hour} to {24 if closes >= _WHOLE_DAY_CLOSES else closes.hour}"


def _subject(who: str) -> str:
    return f"{who} is" if who else "We are"


def _day_meant(words: Sequence[str], today: date) -> date | None:
    for word in words:
        if word in ("today", "tonight", "now"):
            return today
        if word == "tomorrow":
            return today + timedelta(1)
        stem = word.removesuffix("s")
        if stem in WEEKDAYS:
            return today + timedelta((WEEKDAYS.index(stem) - today.weekday()) % 7)
    return None


def _on_day(hours: OpeningHours, day: date, name: str, who: str) -> str:
    spoken = name or f"on {WEEKDAYS[day.weekday()].capitalize()}"
    spans = hours.spans_on(day)
    if not spans:
        return f"{_subject(who)} closed {spoken}."
    return f"{_subject(who)} open {spoken} {_spans(spans)}."


def _spans(spans: Sequence[Span]) -> str:
    return say_list(
        [f"from {say_time(span.opens)} until {say_time(span.closes)}" for span in spans], "and"
    )


def _closes_at(hours: OpeningHours, now: datetime) -> time:
    local = now.astimezone(ZoneInfo(hours.timezone))
    spans = hours.spans_on(local.date())
    return next(span.closes for span in spans if span.opens <= local.time() < span.closes)


def _never_closes(hours: OpeningHours) -> bool:
    whole = all(
        len(spans := hours.week.get(day, ())) == 1
        and spans[0].opens == time(0, 0)
        and spans[0].closes >= _WHOLE_DAY_CLOSES
        for day in range(7)
    )
    return whole and not hours.exceptions


def _named(day: date, ahead: int) -> str:
    name = WEEKDAYS[day.weekday()].capitalize()
    return f"on {name}" if ahead < 7 else f"on {name} next week"


def _week(hours: OpeningHours) -> str:
    """Like days together: "Monday to Friday from nine in the morning until five ..."."""
    groups: list[tuple[int, int, tuple[Span, ...]]] = []
    for day in range(7):
        spans = tuple(hours.week.get(day, ()))
        if not spans:
            continue
        if groups and groups[-1][1] == day - 1 and groups[-1][2] == spans:
            groups[-1] = (groups[-1][0], day, spans)
        else:
            groups.append((day, day, spans))
    parts = []
    for first, last, spans in groups:
        days = WEEKDAYS[first].capitalize()
        if last > first:
            days += f"{' and' if last == first + 1 else ' to'} {WEEKDAYS[last].capitalize()}"
        parts.append(f"{days} {_spans(spans)}")
    return say_list(parts, "and")
