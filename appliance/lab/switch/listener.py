"""One Event Socket connection, whoever dialled: ``parse_command`` and the event filter."""

import uuid
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import gevent
from gevent import socket
from gevent.event import Event

from appliance.lab.switch.events import base_headers, channel_headers
from appliance.lab.switch.subscription import Subscription
from appliance.lab.switch.wire import (
    BenchEvent,
    Command,
    CommandReader,
    api_response,
    command_reply,
    disconnect_notice,
)

if TYPE_CHECKING:
    from appliance.lab.switch.channel import Channel
    from appliance.lab.switch.core import Core

_READ_BYTES = 65_536
_GOODBYE = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
_MAX_WAITING_EVENTS = 100_000


class EventSocket:
    """A connection that speaks the switch's side.

    With ``channel`` it is a call server's session (the switch dialled), without it a control link.

    Attributes:
        connected: the controller sent ``connect``; its channel may park.
        closed: the connection is gone.
    """

    def __init__(
        self,
        core: "Core",
        sock: socket.socket,
        *,
        password: str = "",
        channel: "Channel | None" = None,
        full: bool = True,
    ) -> None:
        """Take a connected socket; it is served by :meth:`serve`."""
        self.connected = False
        self.closed = Event()
        self._core = core
        self._socket = sock
        self._password = password
        self._channel = channel
        self._full = full
        self._authed = channel is not None
        self._running = True
        self._subscription = Subscription()
        self._linger_s: float | None = None
        self._lingers = False
        self._busy = False
        self._held: list[BenchEvent] = []
        self._outbox: deque[bytes] = deque()
        self._outbox_ready = Event()

    def serve(self) -> None:
        """Speak until either side is done; then give the channel up and close."""
        writer = gevent.spawn(self._write)
        writer.name = "bench-event-socket-writer"
        watcher = gevent.spawn(self._watch_channel) if self._channel is not None else None
        if self._channel is not None:
            self._channel.hold(self)
        self._core.listeners.append(self)
        try:
            if not self._authed:
                self._post(b"Content-Type: auth/request\n\n")
            self._read()
        finally:
            self._core.listeners.remove(self)
            self._running = False
            if watcher is not None:
                watcher.kill()
            self._release_channel()
            self._say_goodbye()
            self._outbox_ready.set()
            writer.join(2.0)
            writer.kill()
            self._socket.close()
            self.closed.set()
            if self._channel is not None:
                self._channel.wake.set()
                self._channel.release(self)

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._running = False
        with suppress(OSError):  # it may be gone already, which is what is wanted
            self._socket.shutdown(socket.SHUT_RDWR)

    # The event bus

    def wants(self, event_name: str, channel_uuid: str, owner_uuid: str) -> bool:
        """Whether such an event may have to be sent."""
        return self._running and self._subscription.wants(event_name, channel_uuid, owner_uuid)

    def deliver(self, event: BenchEvent) -> None:
        """Send an event; after the reply when a command is being answered."""
        if not self._subscription.passes(event):
            return
        if self._busy:
            self._held.append(event)
        elif len(self._outbox) < _MAX_WAITING_EVENTS:
            self._post(self._subscription.encode(event))

    # Reading and writing

    def _post(self, data: bytes) -> None:
        self._outbox.append(data)
        self._outbox_ready.set()

    def _write(self) -> None:
        while True:
            while self._outbox:
                batch = b"".join(self._outbox)
                self._outbox.clear()
                try:
                    self._socket.sendall(batch)
                except OSError:
                    return
            if not self._running:
                return
            self._outbox_ready.clear()
            self._outbox_ready.wait()

    def _read(self) -> None:
        reader = CommandReader()
        while self._running:
            try:
                data = self._socket.recv(_READ_BYTES)
            except OSError:
                return
            if not data:
                return
            try:
                commands = reader.feed(data)
            except ValueError:
                return
            for command in commands:
                self._handle(command)
                if not self._running:
                    return

    def _handle(self, command: Command) -> None:
        self._busy = True
        reply = self._answer(command)
        if reply:
            self._post(reply)
        self._busy = False
        held, self._held = self._held, []
        for event in held:
            self._post(self._subscription.encode(event))

    def _say_goodbye(self) -> None:
        about = {}
        if self._channel is not None:
            about = {
                "Controlled-Session-UUID": self._channel.uuid,
                "Content-Disposition": "disconnect",
            }
        self._post(disconnect_notice(_GOODBYE, about))

    def _watch_channel(self) -> None:
        """When the channel is down: end at once, or tell of the linger and end after it."""
        channel = self._channel
        if channel is None:
            return
        channel.down.wait()
        if not self._lingers:
            channel.reported.wait()
            self.abort_reading()
            return
        seconds = -1 if self._linger_s is None else int(self._linger_s)
        about = {
            "Controlled-Session-UUID": channel.uuid,
            "Content-Disposition": "linger",
            "Channel-Name": channel.name,
            "Linger-Time": str(seconds),
        }
        self._post(disconnect_notice("", about))
        if self._linger_s is not None:
            gevent.sleep(self._linger_s)
            self.abort_reading()

    def abort_reading(self) -> None:
        """Let :meth:`serve` end in good order: what waits to be sent still goes out."""
        self._running = False
        with suppress(OSError):  # the peer may have been faster
            self._socket.shutdown(socket.SHUT_RD)

    def _release_channel(self) -> None:
        """``listener_run``'s end: the park of the channel loses its controller, whichever it is.

        FreeSWITCH clears the flag on the channel, not on this connection's park. Closing an old
        connection after ``uuid_transfer`` therefore ends the new one's park too.
        """
        if self._channel is not None:
            self._channel.controlled = False
            self._channel.wake.set()

    # Commands

    def _answer(self, command: Command) -> bytes:
        word = command.word
        if word in ("exit", "..."):
            self._running = False
            return command_reply("+OK bye")
        if not self._authed:
            if word != "auth":
                return b""
            self._authed = command.line[5:] == self._password
            if not self._authed:
                self._running = False
                return command_reply("-ERR invalid")
            return command_reply("+OK accepted")
        if word == "connect" and self._channel is not None:
            return self._connect(self._channel)
        handlers: dict[str, Callable[[Command], bytes]] = {
            "filter": self._subscription.on_filter,
            "myevents": self._on_myevents,
            "sendmsg": self._on_sendmsg,
        }
        if self._full:
            handlers |= {
                "api": self._on_api,
                "bgapi": self._on_bgapi,
                "linger": self._on_linger,
                "nolinger": self._on_nolinger,
                "event": self._subscription.on_event,
                "nixevent": self._subscription.on_nixevent,
                "noevents": self._subscription.on_noevents,
            }
        handler = handlers.get(word)
        return handler(command) if handler else command_reply("-ERR command not found")

    def _connect(self, channel: "Channel") -> bytes:
        self.connected = True
        channel.wake.set()
        headers = base_headers("CHANNEL_DATA") | channel_headers(channel, variables=True)
        headers |= {
            "Content-Type": "command/reply",
            "Reply-Text": "+OK\n",
            "Socket-Mode": "async",
            "Control": "full" if self._full else "single-channel",
        }
        return BenchEvent(headers).serialised.encode("utf-8", "surrogateescape")

    def _on_myevents(self, command: Command) -> bytes:
        channel = self._channel
        if channel is None:
            words = command.argument.split()
            self._channel = channel = self._core.located(words[0]) if words else None
            if channel is None:
                return command_reply("-ERR invalid uuid")
            channel.hold(self)
        return self._subscription.my_events(channel.uuid, command.argument)

    def _on_sendmsg(self, command: Command) -> bytes:
        wanted = command.argument or command.headers.get("session-id", "")
        channel = self._core.located(wanted) if wanted else self._channel
        if channel is None or channel.down.is_set():
            return command_reply(f"-ERR invalid session id [{wanted}]")
        channel.queue(command)
        return command_reply("+OK")

    def _on_api(self, command: Command) -> bytes:
        return api_response(self._core.run_api(command.argument))

    def _on_bgapi(self, command: Command) -> bytes:
        job = command.headers.get("job-uuid") or str(uuid.uuid4())
        gevent.spawn(self._job, job, command.argument).name = f"bench-job-{job}"
        return command_reply(f"+OK Job-UUID: {job}", {"Job-UUID": job})

    def _job(self, job: str, line: str) -> None:
        owner = self._channel.uuid if self._channel is not None else ""
        name, _, argument = line.partition(" ")
        about = {"Job-UUID": job, "Job-Owner-UUID": owner, "Job-Command": name}
        if argument:
            about["Job-Command-Arg"] = argument
        result = self._core.run_api(line)
        self._core.fire_plain("BACKGROUND_JOB", about, result, owner)

    def _on_linger(self, command: Command) -> bytes:
        if self._channel is None:
            return command_reply("-ERR not controlling a session")
        self._lingers = True
        if not command.argument:
            self._linger_s = None
            return command_reply("+OK will linger")
        self._linger_s = float(command.argument) if command.argument.isdigit() else 0.0
        return command_reply(f"+OK will linger {int(self._linger_s)} seconds")

    def _on_nolinger(self, _command: Command) -> bytes:
        self._lingers = False
        return command_reply("+OK will not linger")
