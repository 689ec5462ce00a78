"""Counts of calls for Prometheus, from the figures that are kept as events arrive.

They are sums over everything that was ever counted, so they are right after a restart of whatever
process, however many controllers there are, and whichever operators' page is asked; an outage of
the database delays them and loses nothing. Weeks are what is added up: some thousand rows a year,
however many calls. Labels are words of ours; what a figure has beside them counts as ``other``.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from uuid import UUID

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from appliance.admin.database import DatabaseThreads
from appliance.admin.live.calls import FORGOTTEN_AFTER
from appliance.admin.problems import Problem
from appliance.calls.errors import StorageError
from appliance.calls.events import Outcome
from appliance.calls.transfer import TransferMode, TransferResult
from appliance.storage.database import Database, set_organisation

log = structlog.get_logger(__name__)

_FRESH_S = 5.0
STAGES = ("endpoint", "transcribe", "decide", "first_audio", "reply", "transfer")
_OTHER = "other"
_MODES = (*(mode.value for mode in TransferMode), _OTHER)
_RESULTS = (*(result.value for result in TransferResult), _OTHER)
_OUTCOMES = (*(outcome.value for outcome in Outcome), _OTHER)

# The database counts delays in buckets whose upper edges are 2^(n/8) ms. Every fourth of them is
# an edge here too, so nothing is counted into a wrong one: from 8 ms, a quick decision, to 65 s, a
# phone that rings for long. Half an octave apart, they put a percentile off by two fifths at most.
_TO_A_DOUBLING = 8
_EDGES = range(3 * _TO_A_DOUBLING, 16 * _TO_A_DOUBLING + 1, _TO_A_DOUBLING // 2)

_COUNTS = """
    SELECT measure, key, sum(n)::bigint, sum(total)
    FROM figures
    WHERE organisation_id = %s AND grain = 'week'
      AND measure IN ('began', 'ended', 'transfers', 'delay', 'ring')
    GROUP BY measure, key
"""
_ACTIVE = """
    SELECT count(*) FROM calls
    WHERE organisation_id = %s AND ended_at IS NULL AND first_event_at > now() - %s
"""


@dataclass(slots=True)
class StageDelays:
    """How long a stage took: ``counts`` by the database's buckets, ``total_ms`` altogether."""

    counts: Counter[int] = field(default_factory=Counter)
    total_ms: float = 0.0

    def add(self, bucket: int, n: int, total_ms: float) -> None:
        """Count some more."""
        self.counts[bucket] += n
        self.total_ms += total_ms

    def buckets(self) -> list[tuple[str, float]]:
        """Upper edges in seconds, and how many delays were not longer; as Prometheus has them."""
        below: Counter[int] = Counter()
        for bucket, n in self.counts.items():
            below[min(max(bucket // 4 * 4 + 4, _EDGES[0]), _EDGES[-1] + 1)] += n
        edges = (*_EDGES, _EDGES[-1] + 1)
        names = (*(f"{2 ** (edge / _TO_A_DOUBLING) / 1000:.6g}" for edge in _EDGES), "+Inf")
        return list(zip(names, accumulate(float(below[edge]) for edge in edges), strict=True))


@dataclass(slots=True)
class CallCounts:
    """What was counted of calls so far; ``active`` are those that go on."""

    active: int = 0
    started: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    transfers: Counter[tuple[str, str]] = field(default_factory=Counter)
    delays: defaultdict[str, StageDelays] = field(default_factory=lambda: defaultdict(StageDelays))

    def add(self, measure: str, key: str, n: int, total: float) -> None:
        """Take in a row of figures."""
        if measure == "began":
            self.started += n
        elif measure == "ended":
            self.ended[_known(key, _OUTCOMES)] += n
        elif measure == "transfers":
            mode, _, result = key.partition(":")
            self.transfers[_known(mode, _MODES), _known(result, _RESULTS)] += n
        else:
            stage, _, bucket = (key if measure == "delay" else f"transfer:{key}").rpartition(":")
            if stage in STAGES:
                self.delays[stage].add(int(bucket), n, total)

    def collect(self) -> Iterator[Metric]:
        """As Prometheus wants them. What has not happened yet is there with 0, so that the first
        time is seen as an increase.
        """
        yield GaugeMetricFamily("appliance_calls_active", "Calls that go on", self.active)
        yield CounterMetricFamily("appliance_calls_started", "Calls that began", self.started)
        ended = CounterMetricFamily(
            "appliance_calls_ended", "Calls that ended, by outcome", labels=("outcome",)
        )
        for outcome in _OUTCOMES:
            ended.add_metric((outcome,), self.ended[outcome])
        yield ended
        transfers = CounterMetricFamily(
            "appliance_transfers", "Attempts to connect a caller, by how they ended",
            labels=("mode", "result"),
        )  # fmt: skip
        for mode in _MODES:
            for result in _RESULTS:
                transfers.add_metric((mode, result), self.transfers[mode, result])
        yield transfers
        stages = HistogramMetricFamily(
            "appliance_stage_seconds", "How long callers waited for a stage; for a transfer, until "
            "a person took the call", labels=("stage",),
        )  # fmt: skip
        for stage in STAGES:
            of = self.delays[stage]
            stages.add_metric((stage,), of.buckets(), of.total_ms / 1000)
        yield stages


def read_counts(database: Database, organisation_id: UUID | None) -> CallCounts:
    """What was counted for one organisation, or for all of them when none is named. Blocks.

    Raises:
        StorageError: the database is out of reach.
    """
    named = [str(organisation_id)] if organisation_id else list(database.directory_index())
    found = CallCounts()
    with database.transaction() as connection:
        for organisation in named:
            set_organisation(connection, organisation)
            for measure, key, n, total in connection.execute(_COUNTS, [organisation]):
                found.add(measure, key, n, total)
            row = connection.execute(_ACTIVE, [organisation, FORGOTTEN_AFTER]).fetchone()
            found.active += row[0] if row else 0
    return found


class KeptCounts:
    """Reads the counts at most every five seconds, however many want to know.

    Args:
        clock_s: of a clock that never goes back.
    """

    def __init__(
        self, threads: DatabaseThreads, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._threads, self._clock_s = threads, clock_s
        self._kept: dict[UUID | None, tuple[float, CallCounts]] = {}
        self._reading = asyncio.Lock()

    async def of(self, organisation_id: UUID | None) -> CallCounts | None:
        """Counts as `read_counts` has them; while the database is away the last that were read,
        or None.
        """
        async with self._reading:
            kept = self._kept.get(organisation_id)
            if kept is not None and self._clock_s() - kept[0] < _FRESH_S:
                return kept[1]
            database = self._threads.database
            try:
                counts = await self._threads.run(lambda: read_counts(database, organisation_id))
            except (StorageError, Problem) as error:
                log.info("calls_not_counted", error=str(error))
                return kept[1] if kept is not None else None
            self._kept[organisation_id] = (self._clock_s(), counts)
            return counts


def _known(word: str, words: tuple[str, ...]) -> str:
    return word if word in words else _OTHER
