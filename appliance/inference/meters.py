"""Counters of what is asked of the engines, for Prometheus. They begin anew with the process."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram

from appliance.inference.jobs import NotReadyError, OverloadedError, TooLateError
from appliance.inference.protocols import BadRequestError

# A decision of the starter model takes some 6 ms, an utterance 200 ms on two cores; a controller
# waits for 3 s at most, and whoever waits longer is counted with what is late.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_ANSWERED, _CANCELLED, _FAILED = "answered", "cancelled", "failed"
_RESULTS: dict[type[Exception], str] = {
    TooLateError: "late",
    OverloadedError: "refused",
    NotReadyError: "not_ready",
    BadRequestError: "wrong",
}


class Meters:
    """The counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "appliance_engine_requests_total", "Requests for an engine, by how they ended; "
            "cancelled: the client left, as when a caller goes on talking", ("kind", "result"),
            registry=self.registry,
        )  # fmt: skip
        self.waited = Histogram(
            "appliance_engine_wait_seconds", "Time in the queue of an engine", ("kind",),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.worked = Histogram(
            "appliance_engine_work_seconds", "Time that an engine worked on a request", ("kind",),
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.replaced = Counter(
            "appliance_engine_stalls_total", "Workers that hung, given up and replaced",
            ("kind",), registry=self.registry,
        )  # fmt: skip

    def of(self, kind: str) -> "Meter":
        """Those of a kind of engine, all of them there from now on."""
        return Meter(self, kind)


class Meter:
    """Counts for one kind of engine. May be used from any thread."""

    def __init__(self, meters: Meters, kind: str) -> None:
        results = (_ANSWERED, _CANCELLED, _FAILED, *_RESULTS.values())
        self._results = {result: meters.requests.labels(kind, result) for result in results}
        self._waited = meters.waited.labels(kind)
        self._worked = meters.worked.labels(kind)
        self._stalls = meters.replaced.labels(kind)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """While inside, somebody waits for an answer; how that ends is counted."""
        result = _CANCELLED
        try:
            yield
            result = _ANSWERED
        except Exception as error:
            result = _RESULTS.get(type(error), _FAILED)
            raise
        finally:
            self._results[result].inc()

    def worked(self, wait_s: float, took_s: float) -> None:
        """A request waited, and then was worked on."""
        self._waited.observe(wait_s)
        self._worked.observe(took_s)

    def stalled(self) -> None:
        """A worker was given up."""
        self._stalls.inc()
