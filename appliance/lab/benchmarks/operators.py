"""How long operators wait: the list of calls, the search and the figures, over many calls.

The admin application runs as a process of its own over a database that ``seeding`` has filled. One
request is made at a time, as one operator makes them; every kind of request is made often, each
time for something else, so that no answer is only remembered.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

from appliance.calls.errors import ConfigurationError
from appliance.lab.benchmarks.admin_site import HOST, admin_site
from appliance.lab.benchmarks.measurement import Measurement, at_most, percentile
from appliance.lab.benchmarks.rig import Store
from appliance.lab.benchmarks.seeding import TARGETS, TURNS_PER_CALL, seed

GOAL_MS = 100
_COMMON = ("the", "please", "order number", "invoice", "hello")
_RARE = ("aquarium", "saxophone", "telescope broken", '"arrived broken" piano', "zimmermann -yes")
_DAYS = 365
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Waited:
    """How long requests of one kind took, in ms, until the last byte was there."""

    kind: str
    took_ms: list[float]

    @property
    def p95(self) -> float:
        """Of them."""
        return percentile(self.took_ms, 95)


def measure(
    store: Store, work: Path, calls: int, rounds: int = 20, tell: Tell = lambda _: None
) -> Iterator[Measurement]:
    """Fill the database, then the figures of the suite.

    Args:
        calls: how many, with ten turns each.
        rounds: requests of each kind.

    Raises:
        ConfigurationError, StorageError: the admin application or the database does not start, or
            something is answered wrongly.
    """
    began_s = time.monotonic()
    seed(store.url, store.organisation_id, calls, until=datetime.now(UTC), days=_DAYS, tell=tell)
    yield Measurement(f"seeding {calls} calls", time.monotonic() - began_s, "s")
    with admin_site(store, work, "operators") as up:
        yield from measure_site(Site(HOST, up.port, up.cookie), calls, rounds)


def measure_site(site: "Site", calls: int, rounds: int) -> Iterator[Measurement]:
    """The figures over a site that is up and full."""
    of = f"{calls} calls, {calls * TURNS_PER_CALL} turns"
    for topic, kinds in (("list", _LISTS), ("search", _SEARCHES), ("figures", _FIGURES)):
        found = [site.waited(kind, paths, rounds) for kind, paths in kinds.items()]
        everything = [took for one in found for took in one.took_ms]
        yield Measurement(f"{topic}, p50, {of}", percentile(everything, 50), "ms")
        goal = at_most(GOAL_MS)
        yield Measurement(f"{topic}, p95, {of}", percentile(everything, 95), "ms", goal)
        for one in found:
            yield Measurement(f"{topic}: {one.kind}, p95, {of}", one.p95, "ms")


@dataclass
class Site:
    """The application, and somebody who is signed in."""

    host: str
    port: int
    cookie: str

    def waited(self, kind: str, paths: Callable[[random.Random], str], rounds: int) -> Waited:
        """Ask for ``rounds`` things of a kind, after one that is not counted."""
        draw = random.Random(kind)
        took = [self.ask(paths(draw))[0] for _ in range(rounds + 1)]
        return Waited(kind, took[1:])

    def ask(self, path: str) -> tuple[float, str]:
        """One request: how long it took in ms, and what it gave.

        Raises:
            ConfigurationError: it was not answered with 200.
        """
        connection = HTTPConnection(self.host, self.port, timeout=60)
        try:
            began_s = time.perf_counter()
            connection.request("GET", path, headers={"Cookie": self.cookie})
            answer = connection.getresponse()
            body = answer.read().decode()
            took_ms = (time.perf_counter() - began_s) * 1000
        except (OSError, HTTPException) as error:
            raise ConfigurationError(f"the admin application, {path}: {error}") from error
        finally:
            connection.close()
        if answer.status != 200:
            raise ConfigurationError(f"the admin application, {path}: {answer.status} {body[:300]}")
        return took_ms, body


def _calls(**query: str) -> str:
    return f"/api/v1/calls?{urlencode(query)}"


def _a_day(draw: random.Random) -> datetime:
    return datetime.now(UTC) - timedelta(days=draw.uniform(2, _DAYS - 40))


def _of_a_month(draw: random.Random) -> str:
    begins = _a_day(draw)
    return _calls(after=begins.isoformat(), before=(begins + timedelta(days=30)).isoformat())


def _number(draw: random.Random) -> str:
    return _calls(number=str(draw.randrange(100_000, 999_999)))


def _figures_between(draw: random.Random) -> str:
    begins = _a_day(draw)
    bounds = {"after": begins.isoformat(), "before": (begins + timedelta(days=30)).isoformat()}
    return f"/api/v1/figures?{urlencode(bounds)}"


def _span(name: str) -> Callable[[random.Random], str]:
    return lambda _: f"/api/v1/figures?span={name}"


_Paths = Mapping[str, Callable[[random.Random], str]]
_LISTS: _Paths = {
    "newest": lambda _: _calls(),
    "page": lambda _: "/calls",
    "a month": _of_a_month,
    "outcome": lambda draw: _calls(outcome=draw.choice(("lost", "connected", "no_media"))),
    "priority": lambda draw: _calls(priority=draw.choice(("low", "high", "emergency"))),
    "label": lambda draw: _calls(label=draw.choice(("vip", "wrong number", "nothing"))),
    "person": lambda draw: _calls(person=f"seed-{draw.choice(TARGETS)}"),
    "number": _number,
    "several": lambda draw: _calls(
        label="vip", outcome="message_taken", before=_a_day(draw).isoformat()
    ),
    "going on": lambda _: _calls(going_on="true"),
}
_SEARCHES: _Paths = {
    "common words": lambda draw: _calls(words=draw.choice(_COMMON)),
    "page, common words": lambda draw: f"/calls?{urlencode({'words': draw.choice(_COMMON)})}",
    "rare words": lambda draw: _calls(words=draw.choice(_RARE)),
    "a code": lambda draw: _calls(words=str(draw.randrange(10_000, 99_999))),
    "a name": lambda draw: _calls(words=draw.choice(("Beatrix Quist", "Okafor", "Olga Meyer"))),
    "newest first": lambda draw: _calls(words=draw.choice(_COMMON), sort="newest"),
    "within a month": lambda draw: _of_a_month(draw) + "&words=" + draw.choice(("piano", "refund")),
    "with filters": lambda draw: _calls(
        words=draw.choice(("invoice", "piano")), label="vip", outcome="connected"
    ),
}
_FIGURES: _Paths = {
    **{name: _span(name) for name in ("today", "7d", "30d", "90d", "365d")},
    "a month": _figures_between,
    "page, a year": lambda _: "/figures?span=365d",
}
