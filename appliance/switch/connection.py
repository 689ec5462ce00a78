"""greenswitch's Event Socket protocol, hardened: what the call server and control link share.

`Connection` is greenswitch's ``ESLProtocol`` and keeps its contract: ``send`` returns the reply
to this very command, replies are matched in order through ``_commands_sent``, and the verbs that
greenswitch builds on ``send`` (``connect``, ``authenticate``) work unchanged. Overridden, because
greenswitch 0.0.19 cannot be trusted with a peer that is slow, mute or hostile:

==================== =========================================================================
``receive_events``   reads through `wire.Parser` (greenswitch decodes values before it splits
                     lines, and folds an event's body into its headers); a message that has
                     begun must end within a time limit; garbage ends the connection.
``handle_event``     knows every kind of message; a reply that nobody asked for ends the
                     connection instead of an ``IndexError``.
``process_events``   gone: greenswitch runs a second greenlet per connection that wakes up every
                     second. Events are handed on by the reader.
``send``             writes everything (greenswitch's ``sock.send`` may write a part), under a
                     lock, and has a time limit for writing and answer together.
``stop``             closes at once; greenswitch sends ``exit`` and waits without limit.
==================== =========================================================================

A command whose answer is not awaited to the end leaves an answer in the stream that would be
taken for the next command's. So giving one up, for whatever reason, drops the connection.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import gevent
from gevent import socket
from gevent.event import AsyncResult
from gevent.event import Event as Flag
from gevent.lock import BoundedSemaphore
from greenswitch.esl import ESLProtocol

from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.switch.escaping import one_line
from appliance.switch.wire import Event, Message, Parser, WireError, WireLimits, event_of

log = logging.getLogger(__name__)

_READ_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a peer may take, and how much it may send.

    Attributes:
        connect_s: to greet or authenticate, altogether.
        reply_s: to take a command and answer it, where the caller names no time.
        message_s: from the first byte of a message to its last.
        queued_events: events nobody has read yet; a connection with more is dropped.
        wire: sizes.
    """

    connect_s: float = 5.0
    reply_s: float = 5.0
    message_s: float = 10.0
    queued_events: int = 5000
    wire: WireLimits = field(default_factory=WireLimits)


class Connection(ESLProtocol):  # type: ignore[misc]  # greenswitch has no type information
    """One Event Socket connection. See the module for what differs from greenswitch.

    Subclasses set ``sock`` and call ``start_event_handlers``, as greenswitch's classes do, after
    `prepare`.

    Attributes:
        closed: set once, when the connection is of no use any more.
        gone: why, in words for the log; empty while it lives.
    """

    closed: Flag
    gone: str
    _commands_sent: list[AsyncResult]

    def prepare(self, name: str, limits: Limits) -> None:
        """Set up what greenswitch's constructors do not know; call it before theirs.

        Args:
            name: of the reading greenlet, for whoever looks at a stuck process.
            limits: times and sizes.
        """
        self.closed = Flag()
        self.gone = ""
        self._name = name
        self._limits = limits
        self._parser = Parser(limits.wire)
        self._writing = BoundedSemaphore(1)
        self._clock: Callable[[], float] = time.monotonic

    def on_wire_event(self, event: Event) -> None:
        """An event arrived. Runs in the reading greenlet: must not wait and must not raise."""
        raise NotImplementedError

    def on_dropped(self) -> None:
        """The connection has just ended. Must not wait and must not raise."""

    # What greenswitch calls to start and stop.

    def start_event_handlers(self) -> None:
        """Start the one reading greenlet."""
        self._receive_events_greenlet = gevent.spawn(self.receive_events)
        self._receive_events_greenlet.name = self._name

    def stop(self) -> None:
        """Close the connection. May be called more than once."""
        self.drop("closed by us")

    # Reading.

    def receive_events(self) -> None:
        """Read and hand on messages until the connection ends. The body of the greenlet."""
        reason = "the peer closed the connection"
        begun_at: float | None = None
        try:
            while self._run and (data := self._receive(begun_at)):
                messages = self._parser.feed(data)
                if messages or begun_at is None:
                    begun_at = self._clock()
                if not self._parser.pending:
                    begun_at = None
                for message in messages:
                    if self._run:  # not after a goodbye
                        self.handle_event(message)
        except WireError as error:
            reason = str(error)
            log.warning("%s: %s", self._name, reason)
        except OSError as error:
            reason = f"reading failed: {error}"
        finally:
            self.drop(reason)

    def _receive(self, begun_at: float | None) -> bytes:
        """The next bytes; empty at the end of the stream. Waits for ever between messages only."""
        if begun_at is None:
            return self._recv()
        left_s = self._limits.message_s - (self._clock() - begun_at)
        with gevent.Timeout(max(left_s, 0.001), False):
            return self._recv()
        raise WireError(f"a message not complete after {self._limits.message_s:g} s")

    def _recv(self) -> bytes:
        data: bytes = self.sock.recv(_READ_BYTES)
        return data

    def handle_event(self, event: Message) -> None:
        """Give one message to whom it belongs.

        Raises:
            WireError: it belongs to nobody.
        """
        match event.content_type:
            case "text/event-plain":
                self.on_wire_event(event_of(event, self._limits.wire))
            case "command/reply" | "api/response":
                if not self._commands_sent:
                    raise WireError("a reply that nobody asked for")
                self._commands_sent.pop(0).set(event)
            case "text/disconnect-notice":
                if event.headers.get("Content-Disposition") == "linger":
                    self._lingering = True
                else:
                    self.drop("FreeSWITCH ended the connection")
            case "auth/request":
                self._auth_request_event.set()
            case "text/rude-rejection":
                self.drop("FreeSWITCH refused this address (its access list)")
            case "log/data":
                pass
            case other:
                raise WireError(f"a message of an unknown kind: {other[:80]!r}")

    # Writing.

    def send(self, data: str, timeout_s: float | None = None) -> Message:
        """Send one command and return its reply.

        Args:
            data: the command; its lines end with a single line feed.
            timeout_s: for writing and answer together; the configured time when None.

        Raises:
            SwitchTimeoutError: no answer in time; the connection is dropped.
            SwitchGoneError: the connection is closed, or was closed while waiting.
        """
        return self.exchange((data,), timeout_s)[0]

    def exchange(self, commands: Sequence[str], timeout_s: float | None = None) -> list[Message]:
        """Send several commands in one write and return their replies, in order.

        Raises:
            SwitchTimeoutError, SwitchGoneError: as `send`.
        """
        limit_s = self._limits.reply_s if timeout_s is None else timeout_s
        answers = [AsyncResult() for _ in commands]
        raw = "".join(f"{command}\n\n" for command in commands).encode()
        written = False
        timer = gevent.Timeout.start_new(limit_s)
        try:
            with self._writing:
                self._raise_if_gone()
                written = True
                self._commands_sent.extend(answers)
                self.sock.sendall(raw)
            return [answer.get() for answer in answers]
        except OSError as error:
            self.drop(f"writing failed: {error}")
            raise SwitchGoneError(self.gone) from error
        except gevent.Timeout as expired:
            if written:
                self.drop("a command was not answered in time")
            if expired is not timer:
                raise
            verb = commands[0].split(" ", 1)[0].split("\n", 1)[0]
            raise SwitchTimeoutError(f"no answer to {verb!r} within {limit_s:g} s") from None
        except BaseException:
            # Killed, or interrupted some other way, with an answer still to come.
            if written:
                self.drop("a command was given up")
            raise
        finally:
            timer.close()

    def api(self, command: str, timeout_s: float | None = None) -> str:
        """Run an API command in FreeSWITCH and return what it printed, stripped.

        ``-ERR ...`` is returned, not raised: what it means depends on the command.

        Raises:
            SwitchError: a line break in the command.
            SwitchTimeoutError, SwitchGoneError: as `send`.
        """
        return self.send(f"api {one_line(command)}", timeout_s).data

    def _raise_if_gone(self) -> None:
        if self.closed.is_set():
            raise SwitchGoneError(self.gone)

    # The end.

    def drop(self, reason: str) -> None:
        """End the connection: close it, fail every waiting command. May be called repeatedly."""
        if self.closed.is_set():
            return
        self.gone = reason
        self.connected = False
        self._run = False
        self.closed.set()
        waiting, self._commands_sent = self._commands_sent, []
        for answer in waiting:
            answer.set_exception(SwitchGoneError(reason))
        # greenswitch's InboundESL waits for this before it looks whether it is connected.
        self._auth_request_event.set()
        self._close_socket()
        self.on_dropped()
        reader = self._receive_events_greenlet
        if reader is not None and reader is not gevent.getcurrent():
            reader.kill(block=False)

    def _close_socket(self) -> None:
        sock = getattr(self, "sock", None)
        if sock is None:
            return
        with suppress(OSError):  # not connected any more
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
        sock_file = getattr(self, "sock_file", None)
        if sock_file is not None:
            sock_file.close()


def expect_ok(reply: str, what: str) -> str:
    """Return a reply that begins with ``+OK``, without it.

    Args:
        reply: as FreeSWITCH gave it.
        what: the command, for the message.

    Raises:
        SwitchError: it begins otherwise.
    """
    if not reply.startswith("+OK"):
        raise SwitchError(f"{what}: {reply[:200] or 'no reply text'}")
    return reply[3:].strip()


def keep_alive(sock: socket.socket) -> None:
    """Make the kernel notice a peer that vanished without a word: within about 25 seconds."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
