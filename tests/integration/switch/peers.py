"""The other end of the Event Socket for tests: as well-behaved or as bad as a test wants.

`DialingPeer` is FreeSWITCH's ``socket`` application (it dials the call server); `EventSocket` is
FreeSWITCH's own listener (the control link dials it). Both write down what they were told.
"""

import re
from collections.abc import Callable
from urllib.parse import quote

import gevent
from gevent import socket
from gevent.event import AsyncResult
from gevent.queue import Queue

LIMIT_S = 10.0

OK = b"Content-Type: command/reply\nReply-Text: +OK\n\n"


def encoded(headers: dict[str, str]) -> bytes:
    return "".join(
        f"{name}: {quote(value, safe='/')}\n" for name, value in headers.items()
    ).encode()


def connect_reply(uuid: str, **variables: str) -> bytes:
    headers = {"Event-Name": "CHANNEL_DATA", "Unique-ID": uuid}
    headers |= {f"variable_{name}": value for name, value in variables.items()}
    headers |= {"Content-Type": "command/reply", "Reply-Text": "+OK\n"}
    return encoded(headers) + b"\n"


def plain_event(name: str, body: str = "", **headers: str) -> bytes:
    inner = encoded({"Event-Name": name} | {k.replace("_", "-"): v for k, v in headers.items()})
    if body:
        inner += b"Content-Length: %d\n" % len(body.encode())
    inner += b"\n" + body.encode()
    return b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(inner), inner)


def api_reply(text: str) -> bytes:
    body = text.encode()
    return b"Content-Type: api/response\nContent-Length: %d\n\n%s" % (len(body), body)


LINGER = b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nContent-Length: 0\n\n"
GOODBYE = b"Content-Type: text/disconnect-notice\nContent-Length: 3\n\nBye"


def listener() -> socket.socket:
    """A listening socket on a free port. (gevent's ``create_server`` gives a blocking one.)"""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(16)
    return server


class Wire:
    """A socket that reads commands up to their empty line, every wait with a limit."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(LIMIT_S)
        self.sock = sock
        self._buffer = b""

    def command(self) -> str:
        """The next command; empty when the other end closed."""
        while b"\n\n" not in self._buffer:
            try:
                data = self.sock.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                return ""
            self._buffer += data
        command, _, self._buffer = self._buffer.partition(b"\n\n")
        return command.decode()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def at_end(self) -> bool:
        """Whether the other end closes without another word."""
        return self.command() == ""

    def close(self) -> None:
        self.sock.close()


class DialingPeer(Wire):
    """One call brought to a call server."""

    def __init__(self, address: tuple[str, int], uuid: str = "call-1") -> None:
        super().__init__(socket.create_connection(address, timeout=LIMIT_S))
        self.uuid = uuid

    def greet(self, **variables: str) -> None:
        """Answer ``connect``, ``linger`` and ``myevents`` as FreeSWITCH does."""
        assert self.command() == "connect"
        self.send(connect_reply(self.uuid, **variables))
        assert self.command().startswith("linger ")
        assert self.command() == "myevents"
        self.send(OK + OK)

    def answer(self, *replies: bytes) -> list[str]:
        """Answer as many commands, one after the other; what they were."""
        commands = []
        for reply in replies:
            commands.append(self.command())
            self.send(reply)
        return commands


Answer = Callable[[str], bytes | None]


class EventSocket:
    """A listener that authenticates and answers; ``answer`` may override any reply.

    ``answer`` gives the bytes to reply with, b"" for no reply, None for the usual one.
    """

    def __init__(self, answer: Answer = lambda command: None, password: str = "secret") -> None:
        self.commands: Queue = Queue()
        self.wires: list[Wire] = []
        self.answer = answer
        self._password = password
        self._server = listener()
        self.port: int = self._server.getsockname()[1]
        self._greenlets = [gevent.spawn(self._accept)]

    def _accept(self) -> None:
        while True:
            sock, _ = self._server.accept()
            self._greenlets.append(gevent.spawn(self._serve, Wire(sock)))

    def _serve(self, wire: Wire) -> None:
        wire.sock.settimeout(None)
        try:
            wire.send(b"Content-Type: auth/request\n\n")
            while command := wire.command():
                if command.startswith("event "):
                    self.wires.append(wire)
                if not command.startswith(("auth ", "exit")):
                    self.commands.put(command)
                reply = self.answer(command)
                wire.send(self._usual(command) if reply is None else reply)
                if command == "exit":
                    break
        except OSError:
            pass
        finally:
            wire.close()

    def _usual(self, command: str) -> bytes:
        if command.startswith("auth "):
            verdict = "+OK accepted" if command == f"auth {self._password}" else "-ERR invalid"
            return f"Content-Type: command/reply\nReply-Text: {verdict}\n\n".encode()
        if command.startswith("api "):
            return api_reply(f"+OK {command[4:]}\n")
        if command.startswith("bgapi "):
            return job_accepted(command)
        return OK

    def next(self, prefix: str) -> str:
        """The next command that begins so; the others are passed over."""
        while True:
            command: str = self.commands.get(timeout=LIMIT_S)
            if command.startswith(prefix):
                return command

    def close(self) -> None:
        gevent.killall(self._greenlets)
        self._server.close()
        for wire in self.wires:
            wire.close()


def job_id(command: str) -> str:
    found = re.search(r"^Job-UUID: (\S+)$", command, re.M)
    assert found
    return found.group(1)


def job_accepted(command: str) -> bytes:
    job = job_id(command)
    reply = f"Reply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n"
    return f"Content-Type: command/reply\n{reply}".encode()


def job_ended(command: str, result: str) -> bytes:
    return plain_event("BACKGROUND_JOB", result, Job_UUID=job_id(command))


def in_background(function: Callable[..., object], *args: object) -> AsyncResult:
    """Run it in a greenlet; ``.get(timeout=...)`` gives what it returned or raises what it did."""
    result = AsyncResult()

    def run() -> None:
        try:
            result.set(function(*args))
        except (Exception, gevent.Timeout) as error:  # noqa: BLE001 - for the test to judge
            result.set_exception(error)

    gevent.spawn(run)
    return result
