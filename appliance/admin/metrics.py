"""Figures for Prometheus, about this application and about what it sees of the others."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from appliance.admin.health import HealthReport, State

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Metrics:
    """A registry of its own, so that tests and several servers do not share counters."""

    def __init__(self) -> None:
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
        self.database_busy = Gauge(
            "appliance_admin_database_busy", "Units of work that run or wait",
            registry=self.registry,
        )  # fmt: skip
        self.watchers = Gauge(
            "appliance_admin_watchers", "Pages and programs that follow calls as they go on",
            registry=self.registry,
        )  # fmt: skip
        self.up = Gauge(
            "appliance_part_up", "1 when a part is well, 0.5 degraded, 0 down",
            ("part",), registry=self.registry,
        )  # fmt: skip
        self.controllers = Gauge(
            "appliance_controllers", "Controllers that run on this machine", registry=self.registry
        )
        self.spool_bytes = Gauge(
            "appliance_spool_waiting_bytes", "Events on disk that the database lacks",
            registry=self.registry,
        )  # fmt: skip
        self.dead_letters = Gauge(
            "appliance_spool_dead_letters", "Events that the database refused for good",
            registry=self.registry,
        )  # fmt: skip

    def take(self, report: HealthReport) -> None:
        """Set the gauges from a health report."""
        worth = {State.OK: 1.0, State.DEGRADED: 0.5, State.DOWN: 0.0}
        for part in report.parts:
            self.up.labels(part.name).set(worth[part.state])
        if report.spool is not None:
            self.controllers.set(len(report.spool.living))
            self.spool_bytes.set(report.spool.waiting_bytes)
            self.dead_letters.set(report.spool.dead_letters)

    def page(self) -> bytes:
        """What Prometheus reads."""
        return generate_latest(self.registry)
