"""What live pages cost: many watch one organisation's feed while calls talk.

The admin application runs as a process of its own; its processor time is what counts. The pages
here are WebSockets that read and throw away; the calls are events, stored as a controller's
shipper stores them, at the pace of people who talk.
"""

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from appliance.calls.directory import Directory
from appliance.calls.errors import ConfigurationError
from appliance.calls.events import Event
from appliance.events.encoding import encode
from appliance.events.shipper import ShipperConfig, store_events
from appliance.lab.benchmarks.admin_site import HOST, admin_site
from appliance.lab.benchmarks.ingest import a_call
from appliance.lab.benchmarks.measurement import Measurement, at_most
from appliance.lab.benchmarks.rig import Store
from appliance.lab.benchmarks.usage import cpu_s
from appliance.lab.processes import ApplianceProcess
from appliance.storage.directory_store import load_directory

WATCHERS = 200
CALLS = 20
_POSITION = re.compile(r'data-position="(\d+)"')
# An exchange of two turns is some four events, and takes some five seconds.
_EVENTS_PER_S = 0.8
_UNSEEN = frozenset({"leg_ended"})
_SETTLE_S = 2.0
_LATE_S = 5.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What it came to.

    Attributes:
        cpu: of the admin process, in cores.
        packets: sent to each page, on average.
        missed: happenings that pages did not get, over all pages.
    """

    cpu: float
    packets: float
    missed: int


@dataclass(slots=True)
class _Page:
    packets: int = 0
    happenings: int = 0


def measure(store: Store, work: Path, lasts_s: float = 20.0) -> Iterator[Measurement]:
    """The figures of the suite.

    Raises:
        ConfigurationError, StorageError: the admin application does not start.
    """
    with ExitStack() as undo:
        site = undo.enter_context(_admin(store, work))
        alone = site.watched(0, CALLS, lasts_s)
        found = site.watched(WATCHERS, CALLS, lasts_s)
    of = f"{WATCHERS} pages, {CALLS} calls"
    yield Measurement(f"CPU of the admin application, {of}", found.cpu, "core", at_most(0.10))
    yield Measurement("CPU of the admin application, nobody watches", alone.cpu, "core")
    yield Measurement(f"packets to each page, {of}", found.packets / lasts_s, "per s")
    yield Measurement(f"happenings missed, {of}", found.missed, "events", at_most(0))


@dataclass(frozen=True)
class _Site:
    """The application, and somebody who is signed in."""

    store: Store
    directory: Directory
    process: ApplianceProcess
    url: str
    cookie: str

    def watched(self, watchers: int, calls: int, lasts_s: float) -> Watched:
        """Have ``watchers`` pages watch while ``calls`` calls talk for ``lasts_s`` seconds."""
        return asyncio.run(self._watched(watchers, calls, lasts_s))

    async def _watched(self, watchers: int, calls: int, lasts_s: float) -> Watched:
        headers = {"Cookie": self.cookie, "Origin": self.url}
        connector = aiohttp.TCPConnector(limit=0)
        pages = [_Page() for _ in range(watchers)]
        async with (
            aiohttp.ClientSession(headers=headers, connector=connector) as http,
            AsyncExitStack() as undo,
        ):
            await self._position(http)  # the feed begins
            await asyncio.sleep(_SETTLE_S)
            position = await self._position(http)
            reading = []
            for page in pages:
                socket = await http.ws_connect(f"{self.url}/live/feed?after={position}")
                undo.push_async_callback(socket.close)
                reading.append(asyncio.create_task(_read(socket, page)))
            await asyncio.sleep(_SETTLE_S)
            before_s, began_s = cpu_s(self.process.pid), time.monotonic()
            shown = await self._talk(calls, lasts_s)
            used = (cpu_s(self.process.pid) - before_s) / (time.monotonic() - began_s)
            await _all_there(pages, shown)
            for task in reading:
                task.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
        missed = sum(shown - page.happenings for page in pages)
        return Watched(used, sum(page.packets for page in pages) / max(watchers, 1), missed)

    async def _position(self, http: aiohttp.ClientSession) -> int:
        async with http.get(f"{self.url}/live") as answer:
            found = _POSITION.search(await answer.text())
        if found is None:
            raise ConfigurationError(f"the live page was not served ({answer.status})")
        return int(found[1])

    async def _talk(self, calls: int, lasts_s: float) -> int:
        """Store the events of talking calls, a little at a time; how many pages show."""
        gather_s = ShipperConfig().gather_s
        events = self._events(round(calls * _EVENTS_PER_S * lasts_s), calls)
        began_s, stored = time.monotonic(), 0
        while stored < len(events):
            await asyncio.sleep(gather_s)
            due = round((time.monotonic() - began_s) * calls * _EVENTS_PER_S)
            batch = [encode(event).rstrip(b"\n") for event in events[stored:due]]
            if batch:
                await asyncio.to_thread(store_events, self.store.database, batch)
            stored = max(stored, min(due, len(events)))
        return sum(event.kind not in _UNSEEN for event in events)

    def _events(self, count: int, calls: int) -> list[Event]:
        """Events of ``calls`` calls at once, which follow each other as they end."""
        found: list[Event] = []
        while len(found) < count:
            talking = [a_call(self.directory) for _ in range(calls)]
            longest = max(len(call) for call in talking)
            found += [call[at] for at in range(longest) for call in talking if at < len(call)]
        return found[:count]


async def _read(socket: aiohttp.ClientWebSocketResponse, page: _Page) -> None:
    async for message in socket:
        page.packets += 1
        page.happenings += message.data.count('"kind":')


async def _all_there(pages: list[_Page], shown: int) -> None:
    """Give the last packets time to arrive."""
    deadline_s = time.monotonic() + _LATE_S
    while any(page.happenings < shown for page in pages) and time.monotonic() < deadline_s:
        await asyncio.sleep(0.1)


@contextmanager
def _admin(store: Store, work: Path) -> Iterator[_Site]:
    directory = load_directory(store.database, store.organisation_id)
    if directory is None:
        raise ConfigurationError("the benchmarks' organisation is not in the database")
    with admin_site(store, work, "watchers") as up:
        yield _Site(store, directory, up.process, f"http://{HOST}:{up.port}", up.cookie)
