"""Opening hours: when the organisation, or one department of it, takes calls."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Span:
    """Open from ``opens`` up to and not including ``closes``, on one local day."""

    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A week of spans, and days that differ from it.

    Attributes:
        timezone: IANA name; ``now`` arguments may be in any zone and are converted to it.
        week: spans by weekday, 0 is Monday. A missing day is closed.
        exceptions: spans for single dates (holidays are empty), in place of the week's.
    """

    timezone: str = "UTC"
    week: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    exceptions: Mapping[date, tuple[Span, ...]] = field(default_factory=dict)

    def spans_on(self, day: date) -> tuple[Span, ...]:
        """The spans of a local date, in order; empty when closed all day."""
        spans = self.exceptions.get(day)
        if spans is None:
            spans = self.week.get(day.weekday(), ())
        return tuple(sorted(spans, key=lambda span: span.opens))

    def is_open(self, now: datetime) -> bool:
        """Whether ``now`` (time-zone aware) falls in a span."""
        local = now.astimezone(ZoneInfo(self.timezone))
        return any(s.opens <= local.time() < s.closes for s in self.spans_on(local.date()))

    def next_opening(self, now: datetime) -> datetime | None:
        """The next moment a span begins after ``now``, within 14 days; None if there is none."""
        local = now.astimezone(ZoneInfo(self.timezone))
        for ahead in range(15):
            day = local.date() + timedelta(days=ahead)
            for span in self.spans_on(day):
                opens = datetime.combine(day, span.opens, tzinfo=ZoneInfo(self.timezone))
                if opens > local:
                    return opens
        return None


def always_open(timezone: str = "UTC") -> OpeningHours:
    """Hours of a place that never closes; what an organisation without hours gets."""
    whole_day = (Span(time(0, 0), time(23, 59, 59, 999999)),)
    return OpeningHours(timezone, dict.fromkeys(range(7), whole_day))
