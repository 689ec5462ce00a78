"""Reading the counts of a span. Everything blocks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from appliance.admin.figures.percentiles import percentile
from appliance.admin.figures.span import Grain, Span
from appliance.calls.events import Outcome
from appliance.storage.call_models import Call
from appliance.storage.report_models import Figure

STAGES = ("endpoint", "transcribe", "decide", "first_audio", "reply")
_ANSWERED = {
    Outcome.CONNECTED.value: "person",
    Outcome.FELL_BACK.value: "person",
    Outcome.MESSAGE_TAKEN.value: "appliance",
    Outcome.INFORMED.value: "appliance",
}
_LONGEST_CALL = timedelta(hours=12)
_PEAKS = timedelta(days=31)
# Calls that began in a minute count from its start and those that ended in it until its end, so a
# peak is too high by those at most that did both to each other within a minute.
_OPEN = text(
    """
    SELECT at, :before_it + sum(n - total) OVER (ORDER BY at) + total AS at_once,
           :before_it + sum(n - total) OVER (ORDER BY at) AS left_over
    FROM figures
    WHERE organisation_id = :organisation AND grain = 'minute' AND measure = 'load'
      AND at >= :after AND at < :before
    ORDER BY at
    """
)


@dataclass(frozen=True, slots=True)
class Delay:
    """How long a stage took, in ms."""

    stage: str
    count: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class TransferCount:
    """How attempts of a kind ended; ``mean_ms`` is how long they rang."""

    mode: str
    result: str
    count: int
    mean_ms: float


@dataclass(slots=True)
class Figures:
    """What a span's counts say. Lists are as long as the span has steps.

    Attributes:
        began: calls by step; ``by_hour`` by the hour of the organisation's day.
        outcomes: by outcome, calls that ended in each step.
        answered: by ``person``, ``appliance`` and ``nobody``: who answered at last.
        talked_ms: of all calls that ended.
        confidence: turns of callers by twentieths.
        reply_p95: of each step; None where nothing was answered.
        load: calls at once, on average over each step; ``peaks`` the most, for spans of a month
            at most, else None.
    """

    span: Span
    began: list[int]
    outcomes: dict[str, list[int]]
    by_hour: list[int] = field(default_factory=lambda: [0] * 24)
    talked_ms: float = 0.0
    transfers: list[TransferCount] = field(default_factory=list)
    delays: list[Delay] = field(default_factory=list)
    reply_p95: list[float | None] = field(default_factory=list)
    confidence: list[int] = field(default_factory=lambda: [0] * 20)
    mean_confidence: float | None = None
    load: list[float] = field(default_factory=list)
    peaks: list[int] | None = None

    @property
    def calls(self) -> int:
        """That began."""
        return sum(self.began)

    @property
    def ended(self) -> int:
        """Calls that ended."""
        return sum(sum(counts) for counts in self.outcomes.values())

    @property
    def answered(self) -> dict[str, int]:
        """Who answered at last."""
        found = Counter({"person": 0, "appliance": 0, "nobody": 0})
        for outcome, counts in self.outcomes.items():
            found[_ANSWERED.get(outcome, "nobody")] += sum(counts)
        return dict(found)


def read_figures(db: Session, organisation_id: UUID, span: Span) -> Figures:
    """All figures of a span."""
    found = Figures(span, [0] * len(span.steps), {})
    _counts(db, organisation_id, found)
    _hours(db, organisation_id, found)
    _delays(db, organisation_id, found)
    found.peaks = _peaks(db, organisation_id, span)
    return found


def _rows(
    db: Session, organisation_id: UUID, span: Span, measures: Iterable[str], grain: Grain
) -> Iterable[tuple[str, datetime, str, int, float]]:
    query = select(Figure.measure, Figure.at, Figure.key, Figure.n, Figure.total).where(
        Figure.organisation_id == organisation_id, Figure.grain == grain.value,
        Figure.measure.in_(list(measures)), Figure.at >= span.after, Figure.at < span.before,
    )  # fmt: skip
    return db.execute(query).tuples()


def _counts(db: Session, organisation_id: UUID, found: Figures) -> None:
    span = found.span
    busy_ms = [0.0] * len(span.steps)
    transfers: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
    sure = 0.0
    wanted = ("began", "ended", "transfers", "confidence")
    for measure, at, key, n, total in _rows(db, organisation_id, span, wanted, span.grain):
        step = span.step_of(at)
        if measure == "began":
            found.began[step] += n
        elif measure == "ended":
            found.outcomes.setdefault(key, [0] * len(span.steps))[step] += n
            busy_ms[step] += total
        elif measure == "transfers":
            transfers[key][0] += n
            transfers[key][1] += total
        elif key.isdigit() and int(key) < len(found.confidence):
            found.confidence[int(key)] += n
            sure += total
    found.talked_ms = sum(busy_ms)
    found.load = [busy / _length_ms(span, step) for step, busy in enumerate(busy_ms)]
    heard = sum(found.confidence)
    found.mean_confidence = sure / heard if heard else None
    for key, (count, total) in sorted(transfers.items()):
        mode, _, result = key.partition(":")
        found.transfers.append(TransferCount(mode, result, int(count), total / count))


def _length_ms(span: Span, step: int) -> float:
    ends = span.steps[step + 1] if step + 1 < len(span.steps) else span.before
    return max((ends - span.steps[step]).total_seconds(), 1.0) * 1000


def _hours(db: Session, organisation_id: UUID, found: Figures) -> None:
    for _, at, _, n, _ in _rows(db, organisation_id, found.span, ("began",), Grain.HOUR):
        found.by_hour[at.astimezone(found.span.zone).hour] += n


def _delays(db: Session, organisation_id: UUID, found: Figures) -> None:
    span = found.span
    whole = (
        select(Figure.key, func.sum(Figure.n))
        .where(
            Figure.organisation_id == organisation_id, Figure.grain == span.grain.value,
            Figure.measure == "delay", Figure.at >= span.after, Figure.at < span.before,
        )
        .group_by(Figure.key)
    )  # fmt: skip
    stages: dict[str, dict[int, int]] = defaultdict(dict)
    for key, n in db.execute(whole):
        stage, bucket = _stage_of(key)
        stages[stage][bucket] = int(n)
    known = [stage for stage in STAGES if stage in stages]
    found.delays = [
        _delay(stage, stages[stage]) for stage in (*known, *sorted(set(stages) - set(STAGES)))
    ]
    replies = (
        select(Figure.at, Figure.key, Figure.n)
        .where(
            Figure.organisation_id == organisation_id, Figure.grain == span.grain.value,
            Figure.measure == "delay", Figure.at >= span.after, Figure.at < span.before,
            Figure.key.like("reply:%"),
        )
    )  # fmt: skip
    steps: list[Counter[int]] = [Counter() for _ in span.steps]
    for at, key, n in db.execute(replies):
        steps[span.step_of(at)][_stage_of(key)[1]] += n
    found.reply_p95 = [percentile(counts, 95) for counts in steps]


def _stage_of(key: str) -> tuple[str, int]:
    stage, _, bucket = key.rpartition(":")
    return stage, int(bucket)


def _delay(stage: str, counts: Mapping[int, int]) -> Delay:
    return Delay(
        stage, sum(counts.values()), percentile(counts, 50), percentile(counts, 95),
        percentile(counts, 99),
    )  # fmt: skip


def _peaks(db: Session, organisation_id: UUID, span: Span) -> list[int] | None:
    if span.before - span.after > _PEAKS:
        return None
    going_on = select(func.count()).where(
        Call.organisation_id == organisation_id, Call.first_event_at < span.after,
        Call.first_event_at >= span.after - _LONGEST_CALL,
        or_(Call.ended_at.is_(None), Call.ended_at >= span.after),
    )  # fmt: skip
    open_before = db.scalar(going_on) or 0
    asked = {
        "organisation": organisation_id, "after": span.after, "before": span.before,
        "before_it": open_before,
    }  # fmt: skip
    peaks = [0] * len(span.steps)
    reached, still = 0, open_before
    for at, at_once, left_over in db.execute(_OPEN, asked):
        step = span.step_of(at)
        # In steps that nothing was counted in, calls from before may go on.
        for between in range(reached, step + 1):
            peaks[between] = max(peaks[between], still)
        reached, still = step, int(left_over)
        peaks[step] = max(peaks[step], int(at_once))
    for between in range(reached, len(peaks)):
        peaks[between] = max(peaks[between], still)
    return peaks
