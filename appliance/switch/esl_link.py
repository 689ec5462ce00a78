"""The control link on python-ESL, FreeSWITCH's own client library.

The library blocks in C: in a greenlet it would freeze every call of the process. So one native
thread (of a gevent thread pool: native also where threads are monkey-patched) owns the connection
and is the only one to touch it. It sends what is queued, reads with ``recvEventTimed``, and hands
everything back to the event loop of the thread that started the link.

What the library does without a time limit is kept away from: ``api``, ``bgapi`` and ``sendRecv``
wait for an answer for ever, so only ``send`` is used and answers are matched here, in order; the
constructor waits for the greeting for ever, so the switch is first greeted over a socket of our
own. Values are taken from the library's re-encoded form and decoded by `wire`, like everybody's.

The thread is joined by `EslLink.stop`, and at the interpreter's exit if nobody called that: a
thread inside the library at exit aborts the process.
"""

import atexit
import importlib
import importlib.util
import logging
import os
import select
import socket
import struct
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent import monkey
from gevent.event import AsyncResult
from gevent.threadpool import ThreadPool

from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.switch.base_link import REFUSED, BaseLink, nobody_there
from appliance.switch.wire import Message, Parser, WireError, parse_event

log = logging.getLogger(__name__)

_TICK_MS = 1000
_JOIN_S = 3.0
_REPLIES = ("command/reply", "api/response")

# The real ones, also in a process that is monkey-patched.
_socket = monkey.get_original("socket", "socket")
_poll = monkey.get_original("select", "poll")
_SEND_LIMIT_S = 5


def esl_available() -> bool:
    """Whether python-ESL can be imported."""
    return importlib.util.find_spec("ESL") is not None


@dataclass(slots=True, eq=False)
class _Command:
    """A command on its way through the thread."""

    text: str
    answer: AsyncResult = field(default_factory=AsyncResult)


@dataclass(slots=True, eq=False)
class _Session:
    """One connection. Both threads append to and take from the queues, one operation at a time."""

    wire: Any
    outbox: deque[_Command] = field(default_factory=deque)
    awaited: deque[_Command] = field(default_factory=deque)

    def cut(self) -> None:
        """End the connection under the library, from any thread."""
        with suppress(OSError):
            self.wire.shutdown(socket.SHUT_RDWR)


def greet(host: str, port: int, password: str, timeout_s: float) -> None:
    """Log on to an event socket and off again, with blocking sockets. For native threads only.

    Raises:
        SwitchError: the password or our address is refused.
        SwitchGoneError: nobody there, or nobody who answers within ``timeout_s`` a step.
    """
    parser = Parser()
    try:
        with _socket() as sock:
            sock.settimeout(timeout_s)
            sock.connect((host, port))
            if _next_message(sock, parser).content_type != "auth/request":
                raise SwitchError("FreeSWITCH refused this address (its access list)")
            sock.sendall(f"auth {password}\n\n".encode())
            if not _next_message(sock, parser).data.startswith("+OK"):
                raise SwitchError(REFUSED)
            sock.sendall(b"exit\n\n")
    except OSError as error:
        raise SwitchGoneError(nobody_there(host, port, error)) from error


def _next_message(sock: Any, parser: Parser) -> Message:
    while data := sock.recv(4096):
        if messages := parser.feed(data):
            return messages[0]
    raise SwitchGoneError("FreeSWITCH closed the connection")


class EslLink(BaseLink):
    """A `ControlLink` on python-ESL."""

    _esl: Any = None
    _loop: Any = None
    _pool: ThreadPool | None = None
    _thread: AsyncResult | None = None
    _session: _Session | None = None  # the event loop's: set while connected
    _attempt: _Session | None = None  # the thread's: set from connecting on
    _stopping = False
    _wake_read = -1
    _wake_write = -1

    def start(self) -> None:
        """Begin to connect. Returns at once; a FreeSWITCH that is not there is waited for.

        Raises:
            ImportError: python-ESL cannot be imported.
        """
        if self._pool is not None:
            return
        self._esl = importlib.import_module("ESL")
        self._stopping = False
        self._loop = gevent.get_hub().loop
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._pool = ThreadPool(1)
        self._thread = self._pool.spawn(self._run)
        atexit.register(self.stop)
        self._spawn("control-link-ping", self._ping)
        self._spawn("control-link-events", self._router.run)

    def stop(self) -> None:
        """Close the connection, join the thread; waiting commands fail with `SwitchGoneError`."""
        if self._pool is None or self._thread is None:
            return
        atexit.unregister(self.stop)
        gevent.killall(self._greenlets)
        self._greenlets.clear()
        self._stopping = True
        self._wake()
        attempt = self._attempt
        if attempt is not None:
            attempt.cut()
        self._thread.wait(_JOIN_S + self._limits.connect_s)
        joined = self._thread.ready()
        if self._session is not None:
            self._lost(self._session, "closed by us")
        self._pool.kill()
        self._pool = self._thread = None
        if joined:
            os.close(self._wake_read)
            os.close(self._wake_write)
        else:
            log.error("control link: the thread does not end")

    def _send(self, text: str, timeout_s: float) -> Message:
        session = self._session
        if session is None:
            raise SwitchGoneError("no connection to FreeSWITCH")
        command = _Command(text)
        session.outbox.append(command)
        self._wake()
        try:
            command.answer.wait(timeout_s)
        finally:
            # Too late, killed or interrupted: the answer would be taken for the next command's.
            if not command.answer.ready():
                session.cut()
        if not command.answer.ready():
            raise SwitchTimeoutError(f"no answer within {timeout_s:g} s")
        message: Message = command.answer.get()
        return message

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # full: it is awake
            os.write(self._wake_write, b"!")

    def _ping(self) -> None:
        while True:
            gevent.sleep(self._ping_every_s)
            with suppress(SwitchError):
                self.api("uptime", self._limits.reply_s)

    # In the event loop of the thread that started the link.

    def _connected(self, session: _Session) -> None:
        self._session = session
        self._came_up()

    def _lost(self, session: _Session, reason: str) -> None:
        self._session = None
        self._up.clear()
        for commands in (session.awaited, session.outbox):
            while commands:
                commands.popleft().answer.set_exception(SwitchGoneError(reason))
        self._jobs.fail_all(reason)

    # In the native thread.

    def _post(self, function: Callable[..., object], *args: object) -> None:
        self._loop.run_callback_threadsafe(function, *args)

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                connection = self._connect()
            except SwitchError as error:
                failures += 1
                # The first failure tells the operator; the next thousand tell nothing new.
                level = logging.WARNING if failures == 1 else logging.DEBUG
                self._post(log.log, level, "control link: %s", str(error))
            else:
                failures = 0
                self._serve(connection)
            if not self._stopping:
                self._rest(self._back_off.next_s())

    def _connect(self) -> Any:
        greet(self._host, self._port, self._password, self._limits.connect_s)
        connection = self._esl.ESLconnection(self._host, str(self._port), self._password)
        if not connection.connected():
            raise SwitchGoneError("python-ESL could not connect")
        return connection

    def _serve(self, connection: Any) -> None:
        # A second handle on the socket, to end it from outside while the library waits on it.
        wire = _socket(fileno=os.dup(connection.socketDescriptor()))
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_LIMIT_S, 0))
        session = self._attempt = _Session(wire)
        reason = "FreeSWITCH closed the connection"
        try:
            self._exchange(connection, session)
        except SwitchError as error:
            reason = str(error)
        finally:
            self._attempt = None
            connection.disconnect()
            wire.close()
            self._post(log.warning, "control link lost: %s", reason)
            self._post(self._lost, session, reason)

    def _exchange(self, connection: Any, session: _Session) -> None:
        """Subscribe, then send and receive until the connection ends or `stop` is called."""
        subscription = _Command(self._router.command())
        session.outbox.append(subscription)
        poller = _poll()
        poller.register(self._wake_read, select.POLLIN)
        poller.register(session.wire.fileno(), select.POLLIN)
        while connection.connected() and not self._stopping:
            while session.outbox:
                command = session.outbox.popleft()
                session.awaited.append(command)
                if connection.send(command.text):
                    raise SwitchGoneError("writing failed")
            poller.poll(_TICK_MS)
            self._drain_wakes()
            while (raw := connection.recvEventTimed(1)) is not None:
                self._deliver(raw, session, subscription)

    def _deliver(self, raw: Any, session: _Session, subscription: _Command) -> None:
        """Give what the library received to whom it belongs.

        Raises:
            SwitchError: it belongs to nobody, or the subscription was refused.
        """
        text: str = raw.serialize("plain")
        event = parse_event(text.encode("utf-8", "surrogateescape"), self._limits.wire)
        if event.get("Content-Type") not in _REPLIES:
            self._post(self._take_event, event)
            return
        if not session.awaited:
            raise WireError("a reply that nobody asked for")
        command = session.awaited.popleft()
        message = Message(event.headers, event.body)
        if command is not subscription:
            self._post(command.answer.set, message)
        elif message.data.startswith("+OK"):
            self._post(self._connected, session)
        else:
            raise SwitchError(f"event: {message.data[:200]}")

    def _rest(self, seconds: float) -> None:
        poller = _poll()
        poller.register(self._wake_read, select.POLLIN)
        poller.poll(seconds * 1000)
        self._drain_wakes()

    def _drain_wakes(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._wake_read, 4096)
