"""The bench switch: its sockets, its phones, and calls from outside."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import gevent
from gevent import socket
from gevent.server import StreamServer

from appliance.lab.clock import FrameClock
from appliance.lab.phones import VirtualPhone
from appliance.lab.switch.api import run_api
from appliance.lab.switch.channel import Channel, Profile, State
from appliance.lab.switch.core import Core, TraceEntry
from appliance.lab.switch.dialplan import BenchDialplan
from appliance.lab.switch.listener import EventSocket
from appliance.lab.switch.text import received_name

_CONNECT_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class BenchConfig:
    """How the bench is set up.

    Attributes:
        port: of the Event Socket for control links; 0 picks a free one.
        rtp_timer: as ``rtp-timer-name`` ``soft`` in our SIP profiles; False stands for ``none``.
    """

    dialplan: BenchDialplan = field(default_factory=BenchDialplan)
    host: str = "127.0.0.1"
    port: int = 0
    password: str = "ClueCon"  # noqa: S105 - FreeSWITCH's own default, on loopback
    rtp_timer: bool = True


class BenchSwitch:
    """Stands in for FreeSWITCH towards the appliance, with virtual phones instead of SIP.

    ``dialplan`` and ``on_ring`` may be set while it runs.
    """

    def __init__(
        self, config: BenchConfig | None = None, now: Callable[[], float] = time.perf_counter
    ) -> None:
        """Set up; nothing listens before :meth:`start`."""
        self.config = config or BenchConfig()
        self.now = now
        self.clock = FrameClock(now)
        self.core = Core(self.config.dialplan, self.clock, rtp_timer=self.config.rtp_timer)
        self.core.connect_controller = self._connect_controller
        self.core.run_api = partial(run_api, self.core)
        self._server: StreamServer | None = None
        self._sessions: set[EventSocket] = set()

    def start(self) -> tuple[str, int]:
        """Listen for control links; where."""
        self.clock.start()
        self._server = StreamServer((self.config.host, self.config.port), self._accept)
        self._server.start()
        return self.address

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the Event Socket. It must have been started."""
        assert self._server is not None
        host, port = self._server.address[:2]
        return host, port

    def stop(self) -> None:
        """Hang every call up and close every connection."""
        for channel in list(self.core.channels.values()):
            channel.hang_up("MANAGER_REQUEST")
        ending = list(self.core.channels.values())
        gevent.joinall([gevent.spawn(channel.reported.wait, 2.0) for channel in ending])
        if self._server is not None:
            self._server.stop(timeout=0.5)
        for session in list(self._sessions):
            session.abort()
        for session in list(self._sessions):
            session.closed.wait(2.0)
        gevent.joinall([gevent.spawn(channel.destroyed.wait, 2.0) for channel in ending])
        self.clock.stop()

    @property
    def dialplan(self) -> BenchDialplan:
        """Where calls go from now on."""
        return self.core.dialplan

    @dialplan.setter
    def dialplan(self, dialplan: BenchDialplan) -> None:
        self.core.dialplan = dialplan

    # Phones

    def register(self, phone: VirtualPhone) -> None:
        """A desk phone registers under its number."""
        self.core.phones[phone.number] = phone
        self.core.unregistered.discard(phone.number)

    def unregister(self, extension: str) -> None:
        """A desk phone is known and gone."""
        self.core.unregistered.add(extension)

    def on_ring(self, handler: Callable[[VirtualPhone], None]) -> None:
        """Call ``handler`` whenever a phone begins to ring. It must not block."""
        self.core.on_ring = handler

    def dial(
        self,
        phone: VirtualPhone,
        number: str,
        *,
        call_id: str = "",
        context: str = "public",
        variables: dict[str, str] | None = None,
    ) -> str:
        """A phone dials a number; the unique id of its leg. Audio flows once it is answered."""
        call_id = call_id or str(uuid.uuid4())
        inside = context != "public"
        channel = Channel(
            self.core,
            phone,
            Profile(
                received_name(phone.name) or phone.number, phone.number, number, context=context
            ),
            uuid=call_id,
            direction="inbound",
            name=f"sofia/{'internal' if inside else 'external'}/{phone.number}@127.0.0.1",
            variables=variables or {},
        )
        phone.attach(channel)
        self.core.add(channel)
        channel.start(State.CS_ROUTING)
        return call_id

    # What tests look at

    def channel(self, call_id: str) -> Channel | None:
        """A channel that exists."""
        return self.core.channels.get(call_id)

    def trace(self, call_id: str) -> list[TraceEntry]:
        """The dialplan actions that ran for a call, in order."""
        return [entry for entry in self.core.traces if entry.uuid == call_id]

    def routes(self, call_id: str) -> list[tuple[str, str]]:
        """Context and destination of each time the dialplan was asked for a call, in order."""
        return [(context, number) for uuid, context, number in self.core.routes if uuid == call_id]

    # Sockets

    def _accept(self, sock: socket.socket, _address: tuple[str, int]) -> None:
        self._serve(EventSocket(self.core, sock, password=self.config.password))

    def _serve(self, session: EventSocket) -> None:
        self._sessions.add(session)
        try:
            session.serve()
        finally:
            self._sessions.discard(session)

    def _connect_controller(self, channel: Channel, argument: str) -> EventSocket | None:
        """``socket_function``'s way through its hosts; None when none accepts."""
        words = argument.split()
        for place in words[0].split("|") if words else []:
            host, _, port = place.rpartition(":")
            channel.set_variable("socket_host", host)
            try:
                sock = socket.create_connection((host, int(port)), timeout=_CONNECT_TIMEOUT_S)
            except (OSError, ValueError, OverflowError) as error:
                self.core.warn(f"Socket Error: {place}: {error}")
                continue
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = EventSocket(self.core, sock, channel=channel, full="full" in words)
            gevent.spawn(self._serve, session).name = f"bench-session-{channel.uuid}"
            return session
        return None
