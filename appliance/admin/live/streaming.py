"""Events for programs, as server-sent events: whole, in order, from anywhere in the past on.

The id of each is its position; a program that comes back names the last it has (``Last-Event-ID``)
and misses nothing. What is not in memory any more is read from the database.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from aiohttp import web
from pydantic import BaseModel

from appliance.admin.gate import still_lets_in
from appliance.admin.live.feed import Feed, Watcher
from appliance.admin.live.feeds import FEEDS
from appliance.admin.live.reading import read_after
from appliance.admin.visit import Visit
from appliance.storage.call_models import Event

MEDIA = "text/event-stream"
_ALIVE = b": alive\n\n"
_ALIVE_EVERY_S = 15.0
_LOOK_AGAIN_S = 60.0
_SEND_S = 20.0


async def stream(
    visit: Visit, after: int, follow: bool, shown: Callable[[Event], BaseModel]
) -> web.StreamResponse:
    """Send events after a position.

    Args:
        follow: go on with what happens; otherwise end with what has happened.
        shown: an event as the API shows it.

    Raises:
        StorageError, Problem: it cannot be begun.
    """
    feed = await visit.request.config_dict[FEEDS].of(visit.who.organisation_id)
    watcher = feed.join()
    response = web.StreamResponse(headers={"Content-Type": MEDIA, "X-Accel-Buffering": "no"})
    try:
        await response.prepare(visit.request)
        await _send(response, b"retry: 2000\n\n")
        async for events in _batches(visit, feed, watcher, after, follow):
            data = b"".join(_encoded(event, shown) for event in events)
            await _send(response, data or _ALIVE)
        await response.write_eof()
    except (TimeoutError, ConnectionError):
        # A program that does not read is cut off; it comes back with the last id it has.
        if visit.request.transport is not None:
            visit.request.transport.abort()
    finally:
        feed.leave(watcher)
    return response


async def _batches(
    visit: Visit, feed: Feed, watcher: Watcher, after: int, follow: bool
) -> AsyncIterator[Sequence[Event]]:
    """Events in order; an empty batch is to show that the connection lives."""
    clock_s = visit.services.clock_s
    look_at_s = clock_s() + _LOOK_AGAIN_S
    while True:
        packets = feed.packets_after(after)
        if packets is None:
            events = await visit.database(
                partial(read_after, organisation_id=feed.organisation_id, position=after)
            )
            if events:
                yield events
                after = events[-1].position
                continue
            if after <= feed.position:  # nothing of it in the database, so nothing is left out
                after = feed.position
                continue
        for packet in packets or ():
            yield packet.events
            after = packet.position
        if not follow or watcher.closing:
            return
        if clock_s() >= look_at_s:
            look_at_s = clock_s() + _LOOK_AGAIN_S
            if not await still_lets_in(visit):
                return
        if not await watcher.news(_ALIVE_EVERY_S):
            yield ()


def _encoded(event: Event, shown: Callable[[Event], BaseModel]) -> bytes:
    # JSON has no bare line breaks, so an event is one line of data.
    data = shown(event).model_dump_json()
    return f"id: {event.position}\nevent: {event.kind}\ndata: {data}\n\n".encode()


async def _send(response: web.StreamResponse, data: bytes) -> None:
    async with asyncio.timeout(_SEND_S):
        await response.write(data)
