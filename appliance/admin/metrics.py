"""Figures for Prometheus, about this application and about what it sees of the others.

What is counted of calls is in :mod:`appliance.admin.call_metrics`; the model server has its own
page (:mod:`appliance.inference.metrics`). Labels have few values, all of them words of ours and
names of controllers: no numbers, names or words of callers.
"""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric

from appliance.admin.call_metrics import CallCounts
from appliance.admin.database import DatabaseThreads
from appliance.admin.health import HealthReport, State
from appliance.admin.spool_state import Living, SpoolState
from appliance.admin.switch_link import SwitchLink

CONTENT_TYPE = CONTENT_TYPE_LATEST
# Pages are to answer within 100 ms; what takes seconds waits for the database.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_OURS = "admin"
_WORTH = {State.OK: 1.0, State.DEGRADED: 0.5, State.DOWN: 0.0}


class Metrics:
    """A registry of its own, so that tests and several servers do not share counters.

    Args:
        time_s: of the time of day, since 1970.
    """

    def __init__(
        self, threads: DatabaseThreads, switch: SwitchLink,
        time_s: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._threads, self._switch, self._time_s = threads, switch, time_s
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "appliance_admin_requests_total", "Requests answered, by route and status",
            ("route", "method", "status"), registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "appliance_admin_request_seconds", "Time from request to answer, by route",
            ("route",), buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.sign_ins = Counter(
            "appliance_admin_sign_ins_total", "Attempts to sign in, by result",
            ("result",), registry=self.registry,
        )  # fmt: skip
        self.refused = Counter(
            "appliance_admin_refused_total", "Requests that were refused, by problem",
            ("problem",), registry=self.registry,
        )  # fmt: skip
        self.watchers = Gauge(
            "appliance_admin_watchers", "Pages and programs that follow calls as they go on",
            registry=self.registry,
        )  # fmt: skip

    def page(self, report: HealthReport, counts: CallCounts | None) -> bytes:
        """What Prometheus reads.

        Args:
            counts: of calls; None leaves them out, as while the database is away.
        """
        parts = [generate_latest(self.registry), _text(self._seen(report))]
        if counts is not None:
            parts.append(_text(list(counts.collect())))
        return b"".join(parts)

    def _seen(self, report: HealthReport) -> list[Metric]:
        """What is so at this moment."""
        threads = self._threads
        found = [
            _by(
                "part_up", "1 when a part is well, 0.5 degraded, 0 down", "part",
                {part.name: _WORTH[part.state] for part in report.parts},
            ),
            _by(
                "part_probe_seconds", "How long a part took to say how it is", "part",
                {part.name: part.took_s for part in report.parts if part.took_s},
            ),
            _one("admin_database_busy", "Units of work that run or wait", threads.busy),
            _one("admin_database_threads", "Units of work that can run at once", threads.threads),
            _by(
                "disk_free_bytes", "Room left where these are kept", "holds",
                {disk.holds: disk.free_bytes for disk in report.disks},
            ),
            _by(
                "disk_bytes", "Size of the disk where these are kept", "holds",
                {disk.holds: disk.total_bytes for disk in report.disks},
            ),
        ]  # fmt: skip
        if report.spool is None:  # it cannot be read, so nothing is known of who writes there
            return [*found, *self._links(())]
        living, now_s = report.spool.controllers, self._time_s()
        found += _spool(report.spool, now_s)
        return [*found, *self._links(living), *_controllers(living, now_s)]

    def _links(self, living: tuple[Living, ...]) -> list[Metric]:
        """The control links, ours and the controllers'."""
        up = {_OURS: float(self._switch.connected)}
        connects = {_OURS: self._switch.connects}
        failed = {_OURS: self._switch.failed}
        for name, signs in ((one.name, one.signs) for one in living):
            if signs is not None:
                up[name] = max(up.get(name, 0.0), float(signs.link_up))
                connects[name] = connects.get(name, 0) + signs.link_connects
                failed[name] = failed.get(name, 0) + signs.commands_failed
        links = CounterMetricFamily(
            "appliance_control_link_connects", "How often a control link was connected",
            labels=("process",),
        )  # fmt: skip
        commands = CounterMetricFamily(
            "appliance_control_link_commands_failed", "Commands that FreeSWITCH did not answer",
            labels=("process",),
        )  # fmt: skip
        for name in up:
            links.add_metric((name,), connects[name])
            commands.add_metric((name,), failed[name])
        return [
            _by("control_link_up", "Whether a control link to FreeSWITCH is up", "process", up),
            links, commands,
        ]  # fmt: skip


def _controllers(living: tuple[Living, ...], now_s: float) -> list[Metric]:
    # While one is restarted, the old and the new process may have the same name.
    calls: dict[str, float] = {}
    silent: dict[str, float] = {}
    for name, signs in ((one.name, one.signs) for one in living):
        if signs is not None:
            calls[name] = calls.get(name, 0) + signs.calls
            silent[name] = max(silent.get(name, 0.0), now_s - signs.at)
    return [
        _one("controllers", "Controllers that run on this machine", len(living)),
        _by("controller_calls", "Calls that a controller talks with", "controller", calls),
        _by(
            "controller_silent_seconds", "Since a controller last said how it does", "controller",
            silent,
        ),
    ]  # fmt: skip


def _spool(spool: SpoolState, now_s: float) -> list[Metric]:
    oldest = spool.oldest.timestamp() if spool.oldest is not None else now_s
    lost = sum(one.signs.events_lost for one in spool.controllers if one.signs is not None)
    return [
        _one(
            "spool_waiting_bytes", "Events on disk that the database lacks", spool.waiting_bytes
        ),
        _one("spool_files", "Files that these events are in", spool.files),
        _one(
            "spool_oldest_seconds", "Age of the oldest event that the database lacks",
            max(0.0, now_s - oldest),
        ),
        _one("spool_left", "Spools of processes that are gone, not brought in yet", spool.left),
        _one(
            "spool_dead_letters", "Events that the database refused for good", spool.dead_letters
        ),
        _one("spool_lost", "Events that neither disk nor memory had room for", lost),
    ]  # fmt: skip


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"appliance_{name}", words, value)


def _by(name: str, words: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(f"appliance_{name}", words, labels=(label,))
    for value, number in values.items():
        family.add_metric((value,), number)
    return family


class _Families:
    """What `generate_latest` asks."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _text(families: list[Metric]) -> bytes:
    return generate_latest(_Families(families))
