"""``GET /metrics``: the engines, their queues and the calls they serve, for Prometheus.

It tells what ``/health`` and ``/v1/capacity`` tell, and is open to whoever reaches the server, as
they are: labels are kinds of engines and words of ours, nothing of calls.
"""

from collections.abc import Iterator

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric

from appliance.inference.engine_set import EngineSet


class _Now:
    """How the engines are at this moment; `generate_latest` asks it."""

    def __init__(self, engines: EngineSet) -> None:
        self._engines = engines

    def collect(self) -> Iterator[Metric]:
        engines, health = self._engines, self._engines.health()[1]
        facts = engines.call_facts()
        yield _one("calls", "Calls that the engines serve", facts["active"])
        yield _one("call_capacity", "Calls that they sustain", facts["capacity"])
        yield CounterMetricFamily(
            "appliance_inference_calls_refused", "Requests of calls past the capacity, turned away",
            facts["refused"],
        )  # fmt: skip
        up = {
            kind: 1.0 if of["state"] == "ready" else 0.5 if of["serving"] else 0.0
            for kind, of in health.items()
        }
        yield _by("up", "1 when an engine serves, 0.5 when another stands in, 0 when none does", up)
        waiting = {kind: float(of["waiting"]) for kind, of in health.items()}
        yield _by("waiting", "Requests in the queue", waiting)
        limits = dict.fromkeys(health, float(engines.queue_limit))
        yield _by("queue_limit", "Requests that may be in the queue", limits)
        workers = {kind: float(of["workers"]) for kind, of in health.items()}
        yield _by("workers", "Requests that are worked on at once", workers)
        busy = {kind: engines.capacity.utilisation(kind) for kind in engines.capacity.kinds}
        yield _by("utilisation", "How busy the workers are, 0 to 1, over some minutes", busy)


def page(engines: EngineSet) -> web.Response:
    """What Prometheus reads."""
    body = generate_latest(engines.meters.registry) + generate_latest(_Now(engines))
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _one(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"appliance_inference_{name}", words, value)


def _by(name: str, words: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(f"appliance_engine_{name}", words, labels=("kind",))
    for kind, value in values.items():
        family.add_metric((kind,), value)
    return family
