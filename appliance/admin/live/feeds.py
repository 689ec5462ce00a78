"""The feeds of all organisations that somebody watches, and what wakes them."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID

from aiohttp import web

from appliance.admin.live.answers import Answers
from appliance.admin.live.feed import Feed
from appliance.admin.services import SERVICES, Services
from appliance.storage.notifications import Notifications

_SWEEP_EVERY_S = 20.0
_HEALTH_EVERY_S = 2.0
EVENTS_CHANNEL = "appliance_events"
ANSWERS_CHANNEL = "appliance_answers"


class Feeds:
    """Feeds by organisation; begun when one is first wanted, ended when nobody watches.

    Attributes:
        answers: who waits for the answer to an order.
        health: how the parts of the appliance are, as pages are told it; empty before it is known.
    """

    def __init__(self, services: Services) -> None:
        self.answers = Answers()
        self.health = b""
        self._services = services
        self._feeds: dict[UUID, Feed] = {}
        self._beginning = asyncio.Lock()
        self._notifications: Notifications | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = False

    async def of(self, organisation_id: UUID) -> Feed:
        """The feed of an organisation.

        Raises:
            StorageError, Problem: it cannot be begun.
        """
        feed = self._feeds.get(organisation_id)
        if feed is None:
            async with self._beginning:
                feed = self._feeds.get(organisation_id)
                if feed is None:
                    feed = await self._begin(organisation_id)
        feed.used_at_s = self._services.clock_s()
        return feed

    def listen(self) -> None:
        """Be told what is committed from here on; done when it is first needed."""
        if self._notifications is None and not self._over:
            self._loop = asyncio.get_running_loop()
            self._notifications = Notifications(
                self._services.threads.database, (EVENTS_CHANNEL, ANSWERS_CHANNEL), self._told
            )
            self._notifications.start()

    def send_away(self) -> None:
        """The application stops: nobody is kept waiting."""
        self._over = True
        for feed in self._feeds.values():
            for watcher in feed.watchers:
                watcher.closing = True
                watcher.tell()

    async def follow_health(self) -> None:
        """Tell who watches whenever a part of the appliance is otherwise, until cancelled."""
        while True:
            report = self._services.health.last
            parts = [
                {"state": part.state.value, "title": part.title, "words": part.words}
                for part in (report.parts if report is not None else ())
            ]
            told = json.dumps({"parts": parts}, separators=(",", ":")).encode()
            if parts and told != self.health:
                self.health = told
                for feed in self._feeds.values():
                    for watcher in feed.watchers:
                        watcher.tell()
            await asyncio.sleep(_HEALTH_EVERY_S)

    async def sweep(self) -> None:
        """End feeds that nobody watches, until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_EVERY_S)
            for organisation_id, feed in list(self._feeds.items()):
                if feed.idle:
                    del self._feeds[organisation_id]
                    await feed.stop()

    async def stop(self) -> None:
        """End all of it."""
        self.send_away()
        for feed in self._feeds.values():
            await feed.stop()
        if self._notifications is not None:
            await asyncio.to_thread(self._notifications.stop)

    async def _begin(self, organisation_id: UUID) -> Feed:
        self.listen()
        services = self._services
        feed = Feed(
            organisation_id, services.threads, services.now, services.clock_s,
            services.metrics.watchers,
        )  # fmt: skip
        await feed.start()
        self._feeds[organisation_id] = feed
        return feed

    def _told(self, channel: str, payload: str) -> None:
        """On the listening thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_told, channel, payload)

    def _on_told(self, channel: str, payload: str) -> None:
        if channel == ANSWERS_CHANNEL:
            self.answers.told(payload)
            return
        for organisation_id, feed in self._feeds.items():
            if not channel or str(organisation_id) == payload:
                feed.wake()


FEEDS: web.AppKey[Feeds] = web.AppKey("feeds", Feeds)


async def feeding(app: web.Application) -> AsyncIterator[None]:
    """Feeds, as long as the application runs."""
    feeds = app[FEEDS] = Feeds(app[SERVICES])
    jobs = (
        asyncio.create_task(feeds.sweep(), name="feeds-sweep"),
        asyncio.create_task(feeds.follow_health(), name="feeds-health"),
    )
    yield
    for job in jobs:
        job.cancel()
    await asyncio.gather(*jobs, return_exceptions=True)
    await feeds.stop()


async def send_watchers_away(app: web.Application) -> None:
    """Before the server waits for its requests to end (``on_shutdown``)."""
    app[FEEDS].send_away()
