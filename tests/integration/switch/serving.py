"""A call server under test, what dials it, and a handler in the test's hand."""

import gc
from collections.abc import Callable, Iterator

import gevent
import pytest
from gevent.event import Event as Flag
from gevent.queue import Queue

from appliance.switch.call_channel import CallChannel
from appliance.switch.call_server import CallServer
from appliance.switch.connection import Limits
from tests.integration.switch.peers import (
    LIMIT_S,
    DialingPeer,
)

QUICK = Limits(connect_s=0.3, reply_s=0.3, message_s=0.3)

Serve = Callable[..., CallServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[CallServer] = []

    def start(on_call: Callable[[CallChannel], None], **options: object) -> CallServer:
        server = CallServer("127.0.0.1", 0, on_call, **options)  # type: ignore[arg-type]
        server.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.stop(0.1)


def dial(server: CallServer, uuid: str = "call-1") -> DialingPeer:
    return DialingPeer(("127.0.0.1", server.bound_port), uuid)


class Desk:
    """A handler that hands its channels to the test and keeps each until told, or to its end."""

    def __init__(self) -> None:
        self.channels: Queue = Queue()
        self.release = Flag()

    def __call__(self, channel: CallChannel) -> None:
        self.channels.put(channel)
        gevent.wait([self.release, channel.closed], count=1, timeout=LIMIT_S)

    def next(self) -> CallChannel:
        channel: CallChannel = self.channels.get(timeout=LIMIT_S)
        return channel


def call_greenlets() -> list[gevent.Greenlet]:
    gc.collect()
    return [
        thing
        for thing in gc.get_objects()
        if isinstance(thing, gevent.Greenlet) and thing.name.startswith("call-") and not thing.dead
    ]
