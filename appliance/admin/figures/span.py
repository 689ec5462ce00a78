"""Spans of time, and the steps that they are shown in."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from appliance.admin.problems import wrong_value

_BY_HOUR = timedelta(days=3)
_BY_DAY = timedelta(days=62)
_LONGEST = timedelta(days=1100)


class SpanName(StrEnum):
    """Spans that are often wanted; all end now."""

    TODAY = "today"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"
    YEAR = "365d"


DAYS = {
    SpanName.TODAY: 1, SpanName.WEEK: 7, SpanName.MONTH: 30, SpanName.QUARTER: 90,
    SpanName.YEAR: 365,
}  # fmt: skip


class Grain(StrEnum):
    """What the counts are read by."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


@dataclass(frozen=True, slots=True)
class Span:
    """A span of whole hours, days or weeks of the organisation's own time; the last may go on.

    Attributes:
        after, before: ``before`` itself is left out.
        steps: when each column of a chart begins.
    """

    after: datetime
    before: datetime
    grain: Grain
    steps: tuple[datetime, ...]
    zone: ZoneInfo

    def labels(self) -> list[str]:
        """Short names of the steps."""
        local = [step.astimezone(self.zone) for step in self.steps]
        if self.grain is Grain.HOUR:
            one_day = len({step.date() for step in local}) == 1
            return [f"{step:%H:%M}" if one_day else f"{step:%a %H:%M}" for step in local]
        return [f"{step.day} {step:%b}" for step in local]


def span_of(
    name: SpanName | None, after: datetime | None, before: datetime | None, now: datetime,
    zone: ZoneInfo,
) -> Span:  # fmt: skip
    """The span that was asked for; a bound that is given counts more than a name.

    Raises:
        Problem: it ends before it begins, or is too long.
    """
    end = min(before, now) if before is not None else now
    if after is None:
        today = end.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        after = today - timedelta(days=DAYS[name or SpanName.WEEK] - 1)
    if after >= end:
        raise wrong_value("query.after", "Name a time before now, and before `before`.")
    if end - after > _LONGEST:
        raise wrong_value("query.after", "Ask for three years at most.")
    return _stepped(after, end, now, zone)


def _stepped(after: datetime, end: datetime, now: datetime, zone: ZoneInfo) -> Span:
    length = end - after
    grain = Grain.HOUR if length <= _BY_HOUR else Grain.DAY if length <= _BY_DAY else Grain.WEEK
    local = after.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    if grain is not Grain.HOUR:
        local = local.replace(hour=0)
    if grain is Grain.WEEK:
        local = _of_the_clock(local, -local.weekday(), zone)
    steps = []
    at = local.astimezone(UTC)
    while at < end:
        steps.append(at)
        if grain is Grain.HOUR:
            at += timedelta(hours=1)
        else:
            local = _of_the_clock(local, 7 if grain is Grain.WEEK else 1, zone)
            at = local.astimezone(UTC)
    return Span(steps[0], min(at, now), grain, tuple(steps), zone)


def _of_the_clock(local: datetime, days: int, zone: ZoneInfo) -> datetime:
    """The same time of day some days later, whatever the summer does to their hours."""
    return (local.replace(tzinfo=None) + timedelta(days=days)).replace(tzinfo=zone)
