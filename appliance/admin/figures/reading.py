"""Reading the counts of a span. Everything blocks."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text
from sqlalchemy.orm import Session

from appliance.admin.figures.percentiles import percentile
from appliance.admin.figures.span import Span
from appliance.calls.events import Outcome
from appliance.storage.call_models import Call

STAGES = ("endpoint", "transcribe", "decide", "first_audio", "reply")
_ANSWERED = {
    Outcome.CONNECTED.value: "person",
    Outcome.FELL_BACK.value: "person",
    Outcome.MESSAGE_TAKEN.value: "appliance",
    Outcome.INFORMED.value: "appliance",
}
_LONGEST_CALL = timedelta(hours=12)
_PEAKS = timedelta(days=31)
Asked = Mapping[str, Any]
# The database adds up; only what is shown comes over. width_bucket() numbers the steps from 1.
_COUNTS = text(
    """
    SELECT measure,
           CASE WHEN measure IN ('began', 'ended') OR key LIKE 'reply:%'
                THEN width_bucket(at, CAST(:steps AS timestamptz[])) - 1 ELSE -1 END AS step,
           key, sum(n), sum(total)
    FROM figures
    WHERE organisation_id = :organisation AND grain = :grain AND at >= :after AND at < :before
      AND measure IN ('began', 'ended', 'transfers', 'confidence', 'delay')
    GROUP BY measure, step, key ORDER BY measure, key, step
    """
)
# Of each step, beside the calls that were open when it began: the most at once, and how many more
# are open when it ends. Calls that began in a minute count from its start and those that ended in
# it until its end, so a peak is too high by those at most that did both to each other within it.
_OPEN = text(
    """
    SELECT coalesce(most, 0), coalesce(more, 0)
    FROM unnest(CAST(:steps AS timestamptz[]), CAST(:ends AS timestamptz[]))
        WITH ORDINALITY AS s (begins, ends, step),
    LATERAL (
        SELECT max(left_over + total) AS most, sum(n - total) AS more
        FROM (
            SELECT n, total, sum(n - total) OVER (ORDER BY at) AS left_over
            FROM figures
            WHERE organisation_id = :organisation AND grain = 'minute' AND measure = 'load'
              AND at >= s.begins AND at < s.ends
        ) AS minutes
    ) AS counted
    ORDER BY step
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
    asked = {
        "organisation": organisation_id, "after": span.after, "before": span.before,
        "grain": span.grain.value, "steps": list(span.steps),
    }  # fmt: skip
    counts = _Counts(found)
    take = {
        "began": counts.began, "ended": counts.ended, "transfers": counts.transfers,
        "confidence": counts.confidence, "delay": counts.delay,
    }  # fmt: skip
    for measure, step, key, n, total in db.execute(_COUNTS, asked):
        take[measure](step, key, int(n), total)
    counts.finish()
    found.peaks = _peaks(db, asked, span)
    return found


class _Counts:
    """Takes rows of counts; each method is for the measure that it is named after."""

    def __init__(self, found: Figures) -> None:
        self._found = found
        steps = len(found.span.steps)
        self._busy_ms = [0.0] * steps
        self._replies: list[dict[int, int]] = [{} for _ in range(steps)]
        self._stages: dict[str, Counter[int]] = defaultdict(Counter)
        self._sure = 0.0

    def began(self, step: int, key: str, n: int, _: float) -> None:
        self._found.began[step] += n
        self._found.by_hour[int(key)] += n

    def ended(self, step: int, key: str, n: int, total: float) -> None:
        counts = self._found.outcomes.setdefault(key, [0] * len(self._busy_ms))
        counts[step] += n
        self._busy_ms[step] += total

    def transfers(self, _: int, key: str, n: int, total: float) -> None:
        mode, _colon, result = key.partition(":")
        self._found.transfers.append(TransferCount(mode, result, n, total / n))

    def confidence(self, _: int, key: str, n: int, total: float) -> None:
        self._found.confidence[int(key)] += n
        self._sure += total

    def delay(self, step: int, key: str, n: int, _: float) -> None:
        stage, bucket = _stage_of(key)
        self._stages[stage][bucket] += n
        if step >= 0:
            self._replies[step][bucket] = n

    def finish(self) -> None:
        """What is known once all have come."""
        found, stages = self._found, self._stages
        found.talked_ms = sum(self._busy_ms)
        found.load = [
            busy / _length_ms(found.span, step) for step, busy in enumerate(self._busy_ms)
        ]
        heard = sum(found.confidence)
        found.mean_confidence = self._sure / heard if heard else None
        known = [stage for stage in STAGES if stage in stages]
        others = sorted(set(stages) - set(STAGES))
        found.delays = [_delay(stage, stages[stage]) for stage in (*known, *others)]
        found.reply_p95 = [percentile(counts, 95) for counts in self._replies]


def _length_ms(span: Span, step: int) -> float:
    ends = span.steps[step + 1] if step + 1 < len(span.steps) else span.before
    return max((ends - span.steps[step]).total_seconds(), 1.0) * 1000


def _stage_of(key: str) -> tuple[str, int]:
    stage, _, bucket = key.rpartition(":")
    return stage, int(bucket)


def _delay(stage: str, counts: Mapping[int, int]) -> Delay:
    return Delay(
        stage, sum(counts.values()), percentile(counts, 50), percentile(counts, 95),
        percentile(counts, 99),
    )  # fmt: skip


def _peaks(db: Session, asked: Asked, span: Span) -> list[int] | None:
    if span.before - span.after > _PEAKS:
        return None
    going_on = select(func.count()).where(
        Call.organisation_id == asked["organisation"], Call.first_event_at < span.after,
        Call.first_event_at >= span.after - _LONGEST_CALL,
        or_(Call.ended_at.is_(None), Call.ended_at >= span.after),
    )  # fmt: skip
    still = db.scalar(going_on) or 0
    peaks = []
    for most, more in db.execute(_OPEN, {**asked, "ends": [*span.steps[1:], span.before]}):
        peaks.append(still + max(0, int(most)))
        still += int(more)
    return peaks
