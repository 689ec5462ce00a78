"""Figures over the API: the numbers that the page draws."""

from dataclasses import asdict
from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from appliance.admin.fields import Model, Time
from appliance.admin.figures.reading import Figures, read_figures
from appliance.admin.figures.span import Grain, Span, SpanName, span_of
from appliance.admin.rendering import zone_named
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, api, may
from appliance.admin.visit import Visit


class FiguresQuery(Model):
    """A span of time; ``after`` and ``before`` count more than its name."""

    span: SpanName | None = Field(default=None, description="ends now; 7d when left out")
    after: Time | None = Field(default=None, description="begins with this hour, day or week")
    before: Time | None = Field(
        default=None, description="ends with this hour, day or week; now when left out"
    )


class StepOut(BaseModel):
    """An hour, a day or a week."""

    at: datetime
    began: int = Field(description="calls that began")
    outcomes: dict[str, int] = Field(description="calls that ended, by outcome")
    reply_p95_ms: float | None = Field(description="from the caller's last word to the answer")
    load: float = Field(description="calls at once, on average")
    peak: int | None = Field(description="the most calls at once; for spans of 31 days at most")


class DelayOut(BaseModel):
    """How long a stage took, in ms, to within nine per cent."""

    stage: str
    count: int
    p50: float | None
    p95: float | None
    p99: float | None


class TransferCountOut(BaseModel):
    """Attempts of a kind; ``mean_ms`` is how long they rang."""

    mode: str
    result: str
    count: int
    mean_ms: float


class FiguresOut(BaseModel):
    """What happened in a span of time."""

    after: datetime
    before: datetime
    grain: Grain = Field(description="what the counts were read by")
    timezone: str
    calls: int
    ended: int
    talked_ms: float
    answered: dict[str, int] = Field(description="by person, appliance and nobody")
    by_hour: list[int] = Field(description="calls by the hour of the organisation's day")
    transfers: list[TransferCountOut]
    delays: list[DelayOut]
    confidence: list[int] = Field(description="turns of callers by twentieths, from 0 to 1")
    mean_confidence: float | None
    steps: list[StepOut]

    @classmethod
    def of(cls, found: Figures) -> Self:
        """From what was read."""
        span = found.span
        return cls(
            after=span.after, before=span.before, grain=span.grain, timezone=span.zone.key,
            calls=found.calls, ended=found.ended, talked_ms=found.talked_ms,
            answered=found.answered, by_hour=found.by_hour,
            transfers=[TransferCountOut(**asdict(one)) for one in found.transfers],
            delays=[DelayOut(**asdict(one)) for one in found.delays],
            confidence=found.confidence, mean_confidence=found.mean_confidence,
            steps=[_step(found, place) for place in range(len(span.steps))],
        )  # fmt: skip


def _step(found: Figures, place: int) -> StepOut:
    outcomes = {name: counts[place] for name, counts in found.outcomes.items() if counts[place]}
    return StepOut(
        at=found.span.steps[place], began=found.began[place], outcomes=outcomes,
        reply_p95_ms=found.reply_p95[place], load=found.load[place],
        peak=found.peaks[place] if found.peaks is not None else None,
    )  # fmt: skip


def wanted_span(visit: Visit, query: FiguresQuery) -> Span:
    """The span that a request asks for.

    Raises:
        Problem: there is no such span.
    """
    zone = zone_named(visit.who.timezone)
    return span_of(query.span, query.after, query.before, visit.now, zone)


async def get(visit: Visit) -> Answer:
    """The figures of a span."""
    span = wanted_span(visit, visit.query)
    organisation = visit.who.organisation_id
    return FiguresOut.of(await visit.database(lambda db: read_figures(db, organisation, span)))


ROUTES = (
    api(
        "GET", "/figures", "api_figures", get, may(Permission.FIGURES_READ), query=FiguresQuery,
        response=FiguresOut, tag="Figures",
        summary="Calls, outcomes, transfers, delays, confidence and load of a span of time",
    ),
)  # fmt: skip
