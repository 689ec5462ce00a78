"""Figures, drawn."""

from collections.abc import Iterator

from markupsafe import Markup

from appliance.admin.api.figures import FiguresQuery, wanted_span
from appliance.admin.charts.bars import bars
from appliance.admin.charts.frame import Caption, Series
from appliance.admin.charts.over_time import columns, lines
from appliance.admin.figures.reading import Figures, read_figures
from appliance.admin.figures.span import SpanName
from appliance.admin.pages.calls import in_zone
from appliance.admin.rendering import duration, words, zone_named
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit

_SPANS = {
    SpanName.TODAY: "Today", SpanName.WEEK: "7 days", SpanName.MONTH: "30 days",
    SpanName.QUARTER: "90 days", SpanName.YEAR: "A year",
}  # fmt: skip
_COLOURS = {
    "connected": 1, "message_taken": 2, "informed": 7, "caller_hung_up": 6, "fell_back": 3,
    "no_media": 5, "lost": 4,
}  # fmt: skip


async def show(visit: Visit) -> Answer:
    """The page."""
    query: FiguresQuery = visit.query
    given, zone = visit.request.query, zone_named(visit.who.timezone)
    bounds = {
        name: in_zone(getattr(query, name), given.get(name, ""), zone)
        for name in ("after", "before")
    }
    span = wanted_span(visit, query.model_copy(update=bounds))
    organisation = visit.who.organisation_id
    found = await visit.database(lambda db: read_figures(db, organisation, span))
    own = query.after is not None
    shown = None if own else query.span or SpanName.WEEK
    return visit.page(
        "figures.html", found=found, charts=list(charts_of(found)), answered=_answered(found),
        spans=[
            (title, str(visit.url("figures", {"span": name.value})), name is shown)
            for name, title in _SPANS.items()
        ],
        filters={name: given.get(name, "") for name in ("after", "before")},
        api_query={"after": span.after.isoformat(), "before": span.before.isoformat()},
    )  # fmt: skip


def _answered(found: Figures) -> list[tuple[str, int, int]]:
    ended = max(found.ended, 1)
    return [(who, count, round(100 * count / ended)) for who, count in found.answered.items()]


def charts_of(found: Figures) -> Iterator[Markup]:
    """The charts, in their order."""
    labels, step = found.span.labels(), found.span.grain.value
    yield columns(
        Caption(
            key="calls", title=f"Calls by {step}", first=step.capitalize(),
            description=f"{found.calls} calls began in this span.",
        ),
        labels, [Series("Calls", found.began, 2)],
    )  # fmt: skip
    yield columns(
        Caption(
            key="outcomes", title=f"How calls ended, by {step}", first=step.capitalize(),
            description=f"{found.ended} calls ended in this span; each colour is an outcome.",
        ),
        labels, _outcomes(found),
    )  # fmt: skip
    yield _by_hour(found)
    yield _transfers(found)
    yield _delays(found)
    yield lines(
        Caption(
            key="reply", title=f"Answer within, 95 of 100, by {step}", first=step.capitalize(),
            description="From the caller's last word to the answer's first sound, in 95 of 100 "
            "answers.",
        ),
        labels, [Series("Answer", found.reply_p95, 1)], duration,
    )  # fmt: skip
    yield _confidence(found)
    yield _load(found, labels, step)


def _outcomes(found: Figures) -> list[Series]:
    order = [name for name in _COLOURS if name in found.outcomes]
    others = sorted(set(found.outcomes) - set(_COLOURS))
    return [
        Series(words(name), found.outcomes[name], _COLOURS.get(name, 8))
        for name in (*order, *others)
    ]


def _by_hour(found: Figures) -> Markup:
    caption = Caption(
        key="hours", title="Calls by the hour of the day", first="Hour",
        description="How many calls began in each hour of the organisation's day.",
    )  # fmt: skip
    hours = [f"{hour:02d}" for hour in range(24)]
    return columns(caption, hours, [Series("Calls", found.by_hour, 2)])


def _transfers(found: Figures) -> Markup:
    caption = Caption(
        key="transfers", title="Transfers by result", first="Result",
        description="Attempts to connect a caller, attended or blind, and how they ended.",
    )  # fmt: skip
    modes = sorted({one.mode for one in found.transfers})
    totals: dict[str, dict[str, int]] = {}
    for one in found.transfers:
        totals.setdefault(one.result, {})[one.mode] = one.count
    results = sorted(totals, key=lambda result: -sum(totals[result].values()))
    series = [
        Series(words(mode), [totals[result].get(mode, 0) for result in results], colour)
        for colour, mode in enumerate(modes, 1)
    ]
    return bars(caption, [words(result) for result in results], series)


def _delays(found: Figures) -> Markup:
    caption = Caption(
        key="delays", title="How long the stages take", first="Stage",
        description="Half, 95 of 100 and 99 of 100 were quicker than this.",
    )  # fmt: skip
    labels = [words(one.stage) for one in found.delays]
    series = [
        Series("Half within", [one.p50 for one in found.delays], 7),
        Series("95 of 100", [_more(one.p95, one.p50) for one in found.delays], 3),
        Series("99 of 100", [_more(one.p99, one.p95) for one in found.delays], 4),
    ]
    shown = [
        Series("Half within", [one.p50 for one in found.delays]),
        Series("95 of 100", [one.p95 for one in found.delays]),
        Series("99 of 100", [one.p99 for one in found.delays]),
    ]
    return bars(caption, labels, series, duration, numbers=shown)


def _more(value: float | None, than: float | None) -> float | None:
    return None if value is None or than is None else value - than


def _confidence(found: Figures) -> Markup:
    caption = Caption(
        key="confidence", title="How sure the recogniser was", first="Confidence",
        description="Turns of callers by the confidence of their transcript.",
    )  # fmt: skip
    labels = [f"{5 * place} %" for place in range(len(found.confidence))]
    return columns(caption, labels, [Series("Turns", found.confidence, 5)])


def _load(found: Figures, labels: list[str], step: str) -> Markup:
    caption = Caption(
        key="load", title=f"Calls at once, by {step}", first=step.capitalize(),
        description="The most calls at once, and how many there were on average."
        if found.peaks is not None
        else "How many calls there were at once on average.",
    )  # fmt: skip
    series = [Series("On average", [round(load, 2) for load in found.load], 2)]
    if found.peaks is not None:
        series.insert(0, Series("At most", found.peaks, 3))
    return lines(caption, labels, series)


ROUTES = (
    page("GET", "/figures", "figures", show, may(Permission.FIGURES_READ), query=FiguresQuery),
)
