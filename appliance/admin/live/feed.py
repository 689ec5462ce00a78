"""One organisation's events, read once and kept for a while for everybody who watches.

The reader is woken by ``NOTIFY`` and looks by itself now and then. Whatever it reads in one look
is one packet, made once and sent to all. Packets stay in memory for a while: who comes back after
a break goes on from the position where it broke off.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import structlog
from prometheus_client import Gauge

from appliance.admin.database import DatabaseThreads
from appliance.admin.live.calls import LiveCalls
from appliance.admin.live.happenings import Happening, happening_of
from appliance.admin.live.reading import PAGE, Beginning, read_after, read_beginning
from appliance.admin.problems import Problem
from appliance.calls.errors import StorageError
from appliance.storage.call_models import Event

log = structlog.get_logger(__name__)

# Packets of events that come thick and fast are as far apart as this; the first goes at once.
_GATHER_S = 0.4
_LOOK_EVERY_S = 5.0
_EVENTS_KEPT = 4000
_LINGER_S = 60.0
_MOST_WATCHERS = 1000


@dataclass(frozen=True, slots=True)
class Packet:
    """What one look at the database found.

    Attributes:
        after: everything up to this position was in earlier packets.
        position: of its last event.
        text: for pages, as JSON: ``{"position": ..., "happenings": [...]}``.
    """

    after: int
    position: int
    events: tuple[Event, ...]
    text: bytes

    def rest(self, after: int) -> "Packet":
        """What of it comes after a position."""
        if after <= self.after:
            return self
        return packet_of(after, [event for event in self.events if event.position > after])


def packet_of(after: int, events: Sequence[Event]) -> Packet:
    """Events, packed."""
    happenings = [shown for event in events if (shown := happening_of(event)) is not None]
    position = events[-1].position if events else after
    return Packet(after, position, tuple(events), _packed(position, happenings))


def _packed(position: int, happenings: list[Happening]) -> bytes:
    message = {"position": position, "happenings": happenings}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class Watcher:
    """Somebody who is told of every packet.

    Attributes:
        closing: the application stops, or the watcher is to go for another reason.
    """

    def __init__(self) -> None:
        self._news = asyncio.Event()
        self.closing = False

    def tell(self) -> None:
        """There is something new, or it is over."""
        self._news.set()

    async def news(self, timeout_s: float) -> bool:
        """Wait for `tell`; False when there was none in time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True


class Feed:
    """One organisation's. `start` before anything else.

    Args:
        count: of all watchers of the process.

    Attributes:
        calls: in progress, as of ``position``.
        position: up to which everything has been read.
    """

    def __init__(
        self, organisation_id: UUID, threads: DatabaseThreads, now: Callable[[], datetime],
        clock_s: Callable[[], float], count: Gauge,
    ) -> None:  # fmt: skip
        self.organisation_id = organisation_id
        self.calls = LiveCalls()
        self.position = 0
        self.watchers: set[Watcher] = set()
        self._threads, self._now, self._clock_s = threads, now, clock_s
        self._packets: deque[Packet] = deque()
        self._kept = 0
        self._begins_at = 0
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.used_at_s = clock_s()
        self._count = count

    async def start(self) -> None:
        """Read where things stand, and go on reading.

        Raises:
            StorageError, Problem: the database is out of reach, or too busy.
        """
        found: Beginning = await self._threads.in_organisation(
            self.organisation_id, lambda db: read_beginning(db, self.organisation_id, self._now())
        )
        for event in found.events:
            self._take(event)
        self.position = self._begins_at = found.position
        self._task = asyncio.create_task(self._run(), name=f"feed-{self.organisation_id}")

    async def stop(self) -> None:
        """End the reader and send everybody away."""
        for watcher in self.watchers:
            watcher.closing = True
            watcher.tell()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Events were committed."""
        self._woken.set()

    def join(self) -> Watcher:
        """Watch.

        Raises:
            Problem: too many do.
        """
        if len(self.watchers) >= _MOST_WATCHERS:
            raise Problem(503, "busy", "Too many pages watch; try again soon.", retry_after_s=10)
        watcher = Watcher()
        self.watchers.add(watcher)
        self._count.inc()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """Watch no more."""
        self.watchers.discard(watcher)
        self._count.dec()
        self.used_at_s = self._clock_s()

    @property
    def idle(self) -> bool:
        """Whether nobody has watched for a while."""
        return not self.watchers and self._clock_s() - self.used_at_s > _LINGER_S

    def packets_after(self, position: int) -> list[Packet] | None:
        """What was packed after a position; None when that is further back than is kept."""
        if position < self._begins_at or position > self.position:
            return None
        found: list[Packet] = []
        for packet in reversed(self._packets):
            if packet.position <= position:
                break
            found.append(packet.rest(position))
        return found[::-1]

    async def _run(self) -> None:
        failing = False
        while True:
            self._woken.clear()
            try:
                await self._look()
                failing = False
            except (StorageError, Problem) as error:
                if not failing:
                    log.warning("feed_waits", error=str(error))
                failing = True
            await asyncio.sleep(_GATHER_S)
            try:
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        while True:
            after = self.position
            events = await self._threads.in_organisation(
                self.organisation_id,
                partial(read_after, organisation_id=self.organisation_id, position=after),
            )
            if events:
                self._publish(after, events)
            if len(events) < PAGE:
                return

    def _publish(self, after: int, events: Sequence[Event]) -> None:
        packet = packet_of(after, events)
        for event in events:
            self._take(event)
        self.calls.shown(self._now())  # forgets what is over
        self.position = packet.position
        self._packets.append(packet)
        self._kept += len(packet.events)
        while self._kept > _EVENTS_KEPT and len(self._packets) > 1:
            dropped = self._packets.popleft()
            self._kept -= len(dropped.events)
            self._begins_at = dropped.position
        for watcher in self.watchers:
            watcher.tell()

    def _take(self, event: Event) -> None:
        happening = happening_of(event)
        if happening is not None:
            self.calls.take(happening)
