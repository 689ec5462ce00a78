"""A stand-in for python-ESL where it is not installed: the calls `EslLink` makes, on a socket.

It blocks as the library does, and gives events as the library does: headers decoded, and encoded
again by ``serialize``.
"""

import socket
import time
from urllib.parse import quote

from gevent import monkey

from appliance.switch.wire import Event, Parser, event_of

# The real ones, also in a process that is monkey-patched: the library knows nothing of gevent.
_socket = monkey.get_original("socket", "socket")
_select = monkey.get_original("select", "select")


class ESLevent:
    def __init__(self, event: Event) -> None:
        self._event = event

    def serialize(self, form: str) -> str:
        assert form == "plain"
        lines = [f"{n}: {quote(v, safe='/')}\n" for n, v in self._event.headers.items()]
        body = self._event.body.decode("utf-8", "surrogateescape")
        if body:
            lines.append(f"Content-Length: {len(self._event.body)}\n")
        return "".join(lines) + "\n" + body


class ESLconnection:
    def __init__(self, host: str, port: str, password: str) -> None:
        self._parser = Parser()
        self._events: list[Event] = []
        self._connected = True
        self._sock: socket.socket = _socket()
        self._sock.connect((host, int(port)))
        while not self._events:
            self._receive()
        self._events.clear()
        self.send(f"auth {password}")
        while not self._events:
            self._receive()
        self._connected = self._events.pop()["Reply-Text"] == "+OK accepted"

    def socketDescriptor(self) -> int:  # noqa: N802 - the library's name
        return self._sock.fileno()

    def connected(self) -> int:
        return int(self._connected)

    def disconnect(self) -> int:
        self._sock.close()
        self._connected = False
        return 0

    def send(self, command: str) -> int:
        try:
            self._sock.sendall(f"{command}\n\n".encode())
        except OSError:
            self._connected = False
            return -1
        return 0

    def recvEventTimed(self, ms: int) -> ESLevent | None:  # noqa: N802 - the library's name
        if not self._connected:
            return None
        until = time.monotonic() + ms / 1000
        while not self._events and self._connected:
            left = until - time.monotonic()
            if left <= 0 or not _select([self._sock], [], [], left)[0]:
                return None
            self._receive()
        return ESLevent(self._events.pop(0)) if self._events else None

    def _receive(self) -> None:
        try:
            data = self._sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self._connected = False
        self._events += [event_of(message) for message in self._parser.feed(data)]
