"""How long operators wait: the list of calls, the search and the figures, over many calls.

The admin application runs as a process of its own over a database that ``seeding`` has filled. One
request is made at a time, as one operator makes them; every kind of request is made often, each
time for something else, so that no answer is only remembered.
"""

import json
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import quote, urlencode

from sqlalchemy import select

from appliance.calls.errors import ConfigurationError
from appliance.lab.benchmarks.admin_site import HOST, admin_site
from appliance.lab.benchmarks.measurement import Measurement, at_most, percentile
from appliance.lab.benchmarks.rig import Store
from appliance.lab.benchmarks.seeding import BYTES_PER_CALL, TARGETS, TURNS_PER_CALL, seed
from appliance.storage.models import Department, Person

GOAL_MS = 100
_COMMON = ("the", "please", "order number", "invoice", "hello")
# Of one call in forty, of one in some thousands, and of some forty in a million.
_RARE = ("aquarium", "saxophone", "kemkembar", "palmorsal", "zanzanlin", "zanzanzan")
_PHRASES = (
    '"arrived broken"', '"arrived broken" piano', '"call me back" saxophone',
    '"broken arrived"', '"yes hello" piano',
)  # fmt: skip
_LEFT_OUT = ("zimmermann -yes", "piano -street", "invoice -urgent -saturday")
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
        ConfigurationError, StorageError: the disk is too small, the admin application or the
            database does not start, or something is answered wrongly.
    """
    _need_disk(work, calls)
    began_s = time.monotonic()
    seed(store.url, store.organisation_id, calls, until=datetime.now(UTC), days=_DAYS, tell=tell)
    yield Measurement(f"seeding {calls} calls", time.monotonic() - began_s, "s")
    with admin_site(store, work, "operators") as up:
        site = Site(HOST, up.port, up.cookie)
        yield from measure_site(site, calls, rounds, _people(store))


def _need_disk(work: Path, calls: int) -> None:
    free, needed = shutil.disk_usage(work).free, calls * BYTES_PER_CALL
    if free < needed:
        raise ConfigurationError(
            f"{calls} calls need {needed / 1e9:.1f} GB of disk, and {work} has {free / 1e9:.1f}: "
            "ask for fewer with --recorded, or name a folder on a larger disk with --keep"
        )


def _people(store: Store) -> list[str]:
    """Ids of those whom seeded callers want, as far as the directory has them."""
    with store.database.session(store.organisation_id) as session:
        return [
            str(key)
            for table in (Department, Person)
            for key in session.scalars(select(table.id).where(table.name.in_(TARGETS)))
        ]


def measure_site(
    site: "Site", calls: int, rounds: int, people: Sequence[str]
) -> Iterator[Measurement]:
    """The figures over a site that is up and full.

    Args:
        people: ids to ask for.
    """
    of = f"{calls} calls, {calls * TURNS_PER_CALL} turns"
    # What the others are to be read beside: the machine may have more to do.
    nothing = site.waited(_Kind("nothing", lambda _: "/healthz"), rounds)
    yield Measurement("an answer without a query, p95", nothing.p95, "ms")
    person = _Kind("person", lambda draw: _calls(person=draw.choice(people)))
    for topic, kinds in (("list", (*_LISTS, person)), ("search", _SEARCHES), ("figures", _FIGURES)):
        found = [site.waited(kind, rounds) for kind in kinds]
        everything = [took for one in found for took in one.took_ms]
        yield Measurement(f"{topic}, p50, {of}", percentile(everything, 50), "ms")
        goal = at_most(GOAL_MS)
        yield Measurement(f"{topic}, p95, {of}", percentile(everything, 95), "ms", goal)
        for one in found:
            yield Measurement(f"{topic}: {one.kind}, p95, {of}", one.p95, "ms")


@dataclass(frozen=True, slots=True)
class _Kind:
    """Requests that are alike; each is for the path that ``draw`` gives, or a page after it."""

    name: str
    draw: Callable[[random.Random], str]
    page: int = 1


@dataclass
class Site:
    """The application, and somebody who is signed in."""

    host: str
    port: int
    cookie: str

    def waited(self, kind: _Kind, rounds: int) -> Waited:
        """Ask for ``rounds`` things of a kind, after one that is not counted."""
        draw = random.Random(kind.name)
        took = [self._page(kind.draw(draw), kind.page) for _ in range(rounds + 1)]
        return Waited(kind.name, took[1:])

    def _page(self, path: str, page: int) -> float:
        """How long a page took, in ms, or the last one there is; those before are gone through."""
        took_ms, body = self.ask(path)
        for _ in range(page - 1):
            following = json.loads(body)["next_cursor"]
            if following is None:
                break
            took_ms, body = self.ask(f"{path}&cursor={following}")
        return took_ms

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


def _words(wanted: Sequence[str], **query: str) -> Callable[[random.Random], str]:
    return lambda draw: _calls(words=draw.choice(wanted), **query)


def _figures_of(days: int) -> Callable[[random.Random], str]:
    """Of so many days somewhere in the past."""

    def draw_span(draw: random.Random) -> str:
        begins = _a_day(draw)
        bounds = {"after": begins, "before": begins + timedelta(days=days)}
        query = urlencode({name: bound.isoformat() for name, bound in bounds.items()})
        return f"/api/v1/figures?{query}"

    return draw_span


def _until_now(span: str) -> Callable[[random.Random], str]:
    return lambda _: f"/api/v1/figures?span={span}"


_LISTS = (
    _Kind("newest", lambda _: _calls()),
    _Kind("tenth page", lambda draw: _calls(before=_a_day(draw).isoformat()), page=10),
    _Kind("page", lambda _: "/calls"),
    _Kind("a month", _of_a_month),
    _Kind("outcome", lambda draw: _calls(outcome=draw.choice(("lost", "connected", "no_media")))),
    _Kind("priority", lambda draw: _calls(priority=draw.choice(("low", "high", "emergency")))),
    _Kind("label", lambda draw: _calls(label=draw.choice(("vip", "wrong number", "nothing")))),
    _Kind("number", _number),
    _Kind(
        "several",
        lambda draw: _calls(label="vip", outcome="message_taken", before=_a_day(draw).isoformat()),
    ),
    _Kind("going on", lambda _: _calls(going_on="true")),
)
_SEARCHES = (
    _Kind("common words", _words(_COMMON)),
    _Kind("page, common words", lambda draw: f"/calls?words={quote(draw.choice(_COMMON))}"),
    _Kind("twentieth page, common words", _words(_COMMON), page=20),
    _Kind("rare words", _words(_RARE)),
    _Kind("a code", lambda draw: _calls(words=str(draw.randrange(10_000, 99_999)))),
    _Kind("a name", _words(("Beatrix Quist", "Okafor", "Olga Meyer"))),
    _Kind("phrases", _words(_PHRASES)),
    _Kind("words left out", _words(_LEFT_OUT)),
    _Kind("newest first", _words((*_COMMON, *_RARE, *_PHRASES), sort="newest")),
    _Kind(
        "within a month",
        lambda draw: _of_a_month(draw) + "&words=" + draw.choice(("piano", "refund")),
    ),
    _Kind("with filters", _words(("invoice", "piano"), label="vip", outcome="connected")),
)
_FIGURES = (
    *(_Kind(span, _until_now(span)) for span in ("today", "7d", "30d", "90d", "365d")),
    *(_Kind(f"{days} days, past", _figures_of(days)) for days in (1, 7, 30)),
    _Kind("page, a year", lambda _: "/figures?span=365d"),
)
