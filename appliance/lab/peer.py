"""A plain Event Socket peer for looking at a switch: the bench or a real FreeSWITCH.

It is not the appliance's own client, on purpose: what is tested must not be what looks. Only the
parser is shared.
"""

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress

import gevent
from gevent import socket
from gevent.event import Event as Flag
from gevent.queue import Empty, Queue
from gevent.server import StreamServer

from appliance.calls.errors import SwitchGoneError, SwitchTimeoutError
from appliance.switch.wire import Event, Message, Parser, WireError, event_of

_REPLIES = ("command/reply", "api/response", "auth/request")


class Peer:
    """One connection. Replies come in order to who asked; events are kept in order of arrival.

    Attributes:
        events: every event so far. notices: every disconnect notice. closed: the switch hung up.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Take a connected socket and read from it until it is closed."""
        self.events: list[Event] = []
        self.notices: list[Message] = []
        self.closed = Flag()
        self.data: Event | None = None
        self._socket = sock
        self._replies: Queue = Queue()
        self._waiting: deque[Flag] = deque()
        self._reader = gevent.spawn(self._read)
        self._reader.name = "peer-reader"

    def command(self, text: str, timeout_s: float = 5.0) -> Message:
        """Send a command (without its blank line) and wait for its reply.

        Raises:
            SwitchGoneError, SwitchTimeoutError: when no reply comes.
        """
        with suppress(OSError):  # the missing reply tells
            self._socket.sendall(text.encode() + b"\n\n")
        return self.reply(timeout_s)

    def reply(self, timeout_s: float = 5.0) -> Message:
        """The next reply."""
        try:
            message = self._replies.get(timeout=timeout_s)
        except Empty:
            raise SwitchTimeoutError(f"no reply within {timeout_s} s") from None
        if message is None:
            self._replies.put(None)
            raise SwitchGoneError("the switch closed the connection")
        assert isinstance(message, Message)
        return message

    def api(self, line: str, timeout_s: float = 30.0) -> str:
        """What an API command prints, stripped."""
        return self.command(f"api {line}", timeout_s).data

    def execute(self, application: str, argument: str = "") -> str:
        """Run an application on the call: the reply, which only says that it was queued."""
        return self.sendmsg(
            {"execute-app-name": application, "execute-app-arg": argument}, "execute"
        )

    def sendmsg(self, headers: Mapping[str, str], command: str) -> str:
        """A ``sendmsg`` with a call-command."""
        lines = [f"{name}: {value}" for name, value in headers.items() if value]
        return self.command("\n".join(["sendmsg", f"call-command: {command}", *lines])).data

    def wait(
        self, name: str, matches: Callable[[Event], bool] = lambda _: True, timeout_s: float = 5.0
    ) -> Event:
        """The first event with this name that matches, also one that came already.

        Raises:
            SwitchTimeoutError: naming what came instead.
        """
        seen = 0
        with gevent.Timeout(timeout_s, False):
            while True:
                changed = Flag()
                self._waiting.append(changed)
                for event in self.events[seen:]:
                    seen += 1
                    if event.name == name and matches(event):
                        return event
                if self.closed.is_set():
                    break
                changed.wait()
        names = [event.name for event in self.events]
        raise SwitchTimeoutError(f"no {name} within {timeout_s} s; there were {names}")

    def close(self) -> None:
        """Close without a word, as a process that dies does."""
        self._reader.kill()
        self._socket.close()
        self.closed.set()

    def _read(self) -> None:
        parser = Parser()
        try:
            while data := self._socket.recv(65_536):
                for message in parser.feed(data):
                    self._take(message)
        except (OSError, WireError):
            pass  # reported below, as the end of the connection
        finally:
            self._replies.put(None)
            self.closed.set()
            self._wake()

    def _take(self, message: Message) -> None:
        if message.content_type in _REPLIES:
            self._replies.put(message)
        elif message.content_type == "text/disconnect-notice":
            self.notices.append(message)
        else:
            self.events.append(event_of(message))
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            self._waiting.popleft().set()


def dial(host: str, port: int, password: str) -> Peer:
    """A control link, signed in.

    Raises:
        SwitchGoneError: when the password is refused.
    """
    peer = Peer(socket.create_connection((host, port), timeout=5.0))
    peer.reply()
    if not peer.command(f"auth {password}").data.startswith("+OK"):
        peer.close()
        raise SwitchGoneError("the switch refused the password")
    return peer


class PeerServer:
    """A call server that hands out the sessions it gets and does nothing by itself."""

    def __init__(self, port: int = 0) -> None:
        """Listen on loopback; port 0 picks one."""
        self._server = StreamServer(("127.0.0.1", port), self._accept)
        self._server.start()
        self._sessions: Queue = Queue()
        self._open: list[Peer] = []

    @property
    def address(self) -> str:
        """``host:port``."""
        host, port = self._server.address[:2]
        return f"{host}:{port}"

    def session(self, timeout_s: float = 5.0) -> Peer:
        """The next call's session, not yet connected.

        Raises:
            SwitchTimeoutError: when no call comes.
        """
        try:
            peer = self._sessions.get(timeout=timeout_s)
        except Empty:
            raise SwitchTimeoutError(f"no call within {timeout_s} s") from None
        assert isinstance(peer, Peer)
        return peer

    def call(self, timeout_s: float = 5.0) -> Peer:
        """The next call, connected, lingering and with its events switched on."""
        peer = self.session(timeout_s)
        peer.data = event_of(peer.command("connect"))
        peer.command("linger 2")
        peer.command("myevents")
        return peer

    def stop_accepting(self) -> None:
        """Refuse further calls; those that are there go on."""
        self._server.stop(timeout=0.2)

    def stop(self) -> None:
        """Close everything."""
        self.stop_accepting()
        for peer in self._open:
            peer.close()

    def _accept(self, sock: socket.socket, _address: tuple[str, int]) -> None:
        peer = Peer(sock)
        self._open.append(peer)
        self._sessions.put(peer)
        peer.closed.wait()
