"""A page that watches, over a WebSocket.

Sent to it: packets of the feed from the position that it names; nothing in between is left out and
nothing comes twice. ``{"reload": true}`` when that position is too far back, and
``{"parts": [...]}`` when the health of the appliance has changed. What it sends is
passed over. A page that does not take what it is sent is cut off, and goes on from its position
when it comes back. Now and then it is seen whether its session still lets it watch.
"""

import asyncio
import contextlib
import json

import structlog
from aiohttp import WSMsgType, web

from appliance.admin.gate import still_lets_in
from appliance.admin.live.feed import Feed, Packet, Watcher, packet_of
from appliance.admin.live.feeds import FEEDS, Feeds
from appliance.admin.live.reading import PAGE, read_after
from appliance.admin.problems import Problem
from appliance.admin.visit import Visit
from appliance.calls.errors import StorageError

log = structlog.get_logger(__name__)

SIGN_IN = 4001
GOING_AWAY = 1001
_RELOAD = json.dumps({"reload": True}).encode()
_HELLO_S = 25.0
_LOOK_AGAIN_S = 60.0
_SEND_S = 10.0
_LONGEST_MESSAGE = 1024
_WAITING_BYTES = 256 * 1024


async def watch(visit: Visit, after: int) -> web.StreamResponse:
    """Serve the WebSocket to its end.

    Raises:
        Problem: it is no WebSocket, or too many watch.
        StorageError: the feed cannot be begun.
    """
    socket = web.WebSocketResponse(
        heartbeat=_HELLO_S, compress=False, max_msg_size=_LONGEST_MESSAGE,
        writer_limit=_WAITING_BYTES,
    )  # fmt: skip
    if not socket.can_prepare(visit.request):
        raise Problem(426, "upgrade-required", "This address speaks WebSocket only.", headers={
            "Upgrade": "websocket", "Connection": "Upgrade",
        })  # fmt: skip
    feeds = visit.request.config_dict[FEEDS]
    feed = await feeds.of(visit.who.organisation_id)
    watcher = feed.join()
    try:
        await socket.prepare(visit.request)
        reading = asyncio.create_task(_read(socket, watcher), name="watcher-reading")
        try:
            await _send_packets(visit, socket, feed, watcher, after, feeds)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    finally:
        feed.leave(watcher)
    return socket


async def _read(socket: web.WebSocketResponse, watcher: Watcher) -> None:
    """Notice its end. What it says is not for us; pings are answered meanwhile."""
    with contextlib.suppress(RuntimeError):
        while not socket.closed:
            message = await socket.receive()
            if message.type in (
                WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR
            ):  # fmt: skip
                break
    watcher.closing = True
    watcher.tell()


async def _send_packets(
    visit: Visit, socket: web.WebSocketResponse, feed: Feed, watcher: Watcher, after: int,
    feeds: Feeds,
) -> None:  # fmt: skip
    clock_s, health = visit.services.clock_s, b""
    look_at_s = clock_s() + _LOOK_AGAIN_S
    try:
        while not socket.closed:
            packets = feed.packets_after(after)
            if packets is None:
                packets = await _older(visit, feed, after)
            if packets is None:
                await _send(socket, _RELOAD)
                packets, after = [], feed.position
            for packet in packets:
                await _send(socket, packet.text)
                after = packet.position
            if feeds.health is not health:
                health = feeds.health
                await _send(socket, health)
            if watcher.closing:
                await socket.close(code=GOING_AWAY, message=b"restarting")
                return
            if clock_s() >= look_at_s:
                look_at_s = clock_s() + _LOOK_AGAIN_S
                if not await _may_go_on(visit):
                    await socket.close(code=SIGN_IN, message=b"sign in")
                    return
            await watcher.news(max(0.1, look_at_s - clock_s()))
    except TimeoutError:
        log.info("slow_watcher_cut_off")
        if visit.request.transport is not None:
            visit.request.transport.abort()
    except ConnectionError:
        return
    except (StorageError, Problem) as error:
        log.info("watcher_sent_away", error=str(error))
        await socket.close(code=GOING_AWAY, message=b"try again")


async def _older(visit: Visit, feed: Feed, after: int) -> list[Packet] | None:
    """What is not in memory any more; None when it is too much for a page, or was never there."""
    if after > feed.position:
        return None
    events = await visit.database(lambda db: read_after(db, feed.organisation_id, after))
    if len(events) >= PAGE:
        return None
    return [packet_of(after, events)]


async def _may_go_on(visit: Visit) -> bool:
    try:
        return await still_lets_in(visit)
    except (StorageError, Problem) as error:
        # Nobody is sent away because the database is; it is asked again soon.
        log.info("session_not_checked", error=str(error))
        return True


async def _send(socket: web.WebSocketResponse, text: bytes) -> None:
    async with asyncio.timeout(_SEND_S):
        await socket.send_frame(text, WSMsgType.TEXT)
