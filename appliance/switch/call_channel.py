"""One call as FreeSWITCH hands it to us: the session behind one ``socket`` application.

`CallChannel` is greenswitch's ``OutboundSession`` on the hardened `Connection`. Overridden:

- ``connect`` asks for the channel's data, ``linger`` and ``myevents`` in one write and reads the
  data as an `Event` (greenswitch's own keeps it as decoded-before-split headers);
- ``call_command`` refuses line breaks and has a time limit (greenswitch's ``block=True`` waits
  for the application's end without one); ``answer`` and ``hangup`` raise when refused;
- ``on_hangup`` does not write the caller's number into the log;
- `close` waits until the leg is parked. FreeSWITCH 1.10 loses a call otherwise: the end of the
  connection clears a flag that the ``socket`` application sets only when it parks the leg
  (``mod_event_socket.c``, ``switch_ivr_park``), so a connection that ends in the first
  milliseconds leaves the leg parked for ever, with a dead line, instead of going on in the
  dialplan. (Reproduced; a process killed in those milliseconds still loses its call that way.)

greenswitch's ``playback``, ``say`` and ``play_and_get_digits`` are there but not for us: they end
the unicast that carries the call's audio.
"""

from collections.abc import Mapping
from contextlib import suppress

import gevent
from gevent import socket
from gevent.event import Event as Flag
from gevent.queue import Empty, Full, Queue
from greenswitch.esl import OutboundSession

from appliance.calls.errors import SwitchError, SwitchGoneError
from appliance.calls.hangup import HangupCause
from appliance.switch.connection import Connection, Limits, expect_ok
from appliance.switch.escaping import argument, identifier, one_line, variable_name
from appliance.switch.wire import Event, event_of

LINGER_S = 10
_PARKED_S = 1.0


class CallChannel(Connection, OutboundSession):  # type: ignore[misc]  # greenswitch is untyped
    """A live call. Made by the call server, closed by it when the call's handler returns.

    Closing it while the caller is still there makes FreeSWITCH go on with the dialplan's next
    action: that is how a call is given back. After a hang-up FreeSWITCH keeps the connection for
    `LINGER_S` to tell the rest; ``CHANNEL_HANGUP_COMPLETE`` is the last thing worth waiting for.

    Attributes:
        event: the channel's data at the time of `connect`.
        events: what happens to this channel, in order (`Event`); None once, at the end.
        sent_on: set once the leg is elsewhere in the dialplan than where we were given it. The
            session does not end with that.
    """

    event: Event

    def __init__(
        self,
        client_address: tuple[str, int],
        sock: socket.socket,
        limits: Limits | None = None,
    ) -> None:
        """Take a connection that FreeSWITCH opened."""
        limits = limits or Limits()
        self.events: Queue = Queue(maxsize=limits.queued_events)
        self.peer = client_address
        self._parked = Flag()
        self.sent_on = Flag()
        self.prepare(f"call-reader-{client_address[0]}:{client_address[1]}", limits)
        super().__init__(client_address, sock)

    def connect(self) -> Event:
        """Ask for the channel's data and events; within the configured time.

        Raises:
            SwitchError: the peer does not answer as FreeSWITCH does.
            SwitchTimeoutError, SwitchGoneError: it does not answer, or hung up.
        """
        data, *replies = self.exchange(
            ("connect", f"linger {LINGER_S}", "myevents"), self._limits.connect_s
        )
        self.event = self.session_data = event_of(data)
        identifier(self.uuid)
        for command, reply in zip(("linger", "myevents"), replies, strict=True):
            expect_ok(reply.data, command)
        self._outbound_connected = True
        self._connected_at = self._clock()
        return self.event

    @property
    def uuid(self) -> str:
        """The channel's unique id; stays the same for the whole life of the leg."""
        return self.event.get("Unique-ID") or self.event.var("uuid")

    @property
    def destination(self) -> str:
        """The number or name in the dialplan at which we were given the leg."""
        return self.event.get("Caller-Destination-Number")

    @property
    def hung_up(self) -> bool:
        """Whether the leg has ended. What is left of the connection only tells of the end."""
        return bool(self._lingering) or self.closed.is_set()

    def log_as(self, call_id: str) -> None:
        """From here on, the running greenlet, this session's reader, and all that the two start
        name the call in what they log.
        """
        for greenlet in (gevent.getcurrent(), self._receive_events_greenlet):
            greenlet.spawn_tree_locals = {"call_id": call_id}

    # What FreeSWITCH tells.

    def on_wire_event(self, event: Event) -> None:
        """Queue an event; a call whose events nobody reads any more is dropped."""
        if event.name == "CHANNEL_PARK":
            self._parked.set()
        if self._tells_of_leaving(event):
            self.sent_on.set()
        try:
            self.events.put_nowait(event)
        except Full:
            self.drop(f"{self._limits.queued_events} events that nobody read")

    def _tells_of_leaving(self, event: Event) -> bool:
        if not self._outbound_connected or event.get("Unique-ID") != self.uuid:
            return False
        return event.get("Caller-Destination-Number") not in ("", self.destination)

    def on_dropped(self) -> None:
        """Tell the readers of `events` that there will be no more."""
        if self.events.full():
            with suppress(Empty):
                self.events.get_nowait()
        self.events.put_nowait(None)

    # What FreeSWITCH is told.

    def sendmsg(self, headers: Mapping[str, str], timeout_s: float | None = None) -> str:
        """Send a message to the channel; return FreeSWITCH's reply without ``+OK``.

        Args:
            headers: such as ``call-command`` and what belongs to it.
            timeout_s: for the answer. It says the message is queued, not that it was acted on.

        Raises:
            SwitchError: refused, or a name or value that cannot be sent.
            SwitchTimeoutError, SwitchGoneError: no answer; the leg or the connection has ended.
        """
        lines = ["sendmsg"]
        for name, value in headers.items():
            if name.lower() == "content-length":
                raise SwitchError("a message to a channel has no body")
            lines.append(f"{variable_name(name)}: {one_line(value)}")
        self._raise_if_hung_up()
        return expect_ok(self.send("\n".join(lines), timeout_s).data, "sendmsg")

    def execute(self, app: str, arg: str = "", timeout_s: float | None = None) -> str:
        """Run a dialplan application on the leg. Returns when it is queued, not when it is done.

        FreeSWITCH expands ``${...}`` in the argument, with functions and all, so none is let
        through: `set_variable` is what carries text of a caller's.

        Raises:
            SwitchError, SwitchTimeoutError, SwitchGoneError: as `sendmsg`.
        """
        if "$" in arg:
            raise SwitchError(f"a '$' in an argument of {app}: FreeSWITCH would expand it")
        headers = {"call-command": "execute", "execute-app-name": variable_name(app)}
        if arg:
            headers["execute-app-arg"] = arg
        return self.sendmsg(headers, timeout_s)

    def call_command(
        self,
        app_name: str,
        app_args: str | None = None,
        block: bool = False,
        response_timeout: float | None = None,
    ) -> str:
        """greenswitch's name for `execute`; ``block`` is refused, as it has no bounded wait."""
        if block:
            raise SwitchError("waiting for an application's end: read the events instead")
        return self.execute(app_name, app_args or "", response_timeout)

    def answer(self) -> None:
        """Answer the call.

        Raises:
            SwitchError, SwitchTimeoutError, SwitchGoneError: as `sendmsg`.
        """
        self.execute("answer")

    def unicast(self, local_ip: str, local_port: int, remote_ip: str, remote_port: int) -> None:
        """Let FreeSWITCH exchange the call's audio as raw PCM over UDP.

        Args:
            local_ip, local_port: FreeSWITCH's end.
            remote_ip, remote_port: ours.

        Accepted does not mean working: wait for a first frame.

        Raises:
            SwitchError, SwitchTimeoutError, SwitchGoneError: as `sendmsg`.
        """
        self.sendmsg(
            {
                "call-command": "unicast",
                "local-ip": local_ip,
                "local-port": str(local_port),
                "remote-ip": remote_ip,
                "remote-port": str(remote_port),
                "transport": "udp",
            }
        )

    def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable, exactly: nothing in ``value`` is expanded or cut.

        Raises:
            SwitchError: refused, or a line break in the value.
            SwitchTimeoutError, SwitchGoneError: as `sendmsg`.
        """
        command = f"uuid_setvar {self.uuid} {variable_name(name)} {argument(value)}"
        self._raise_if_hung_up()
        expect_ok(self.api(command), f"uuid_setvar {name}")

    def hangup(self, cause: HangupCause = HangupCause.NORMAL_CLEARING) -> None:
        """End the leg, whatever it is doing. No error when it has ended already.

        Raises:
            SwitchTimeoutError: FreeSWITCH does not answer.
        """
        with suppress(SwitchGoneError):
            if not self.hung_up:
                self.api(f"uuid_kill {self.uuid} {cause.value}")

    def close(self) -> None:
        """End the connection. A leg that still lives goes on in the dialplan.

        Waits, if need be, until the leg is parked: a few milliseconds after `connect`, at most a
        second.
        """
        if self._outbound_connected and not self.hung_up:
            left_s = self._connected_at + _PARKED_S - self._clock()
            gevent.wait([self._parked, self.closed], timeout=max(0.0, left_s), count=1)
        self.drop("closed by us")

    def on_hangup(self, event: Event) -> None:
        """Override: the parent's writes the caller's number into the log."""

    def _raise_if_hung_up(self) -> None:
        self._raise_if_gone()
        if self._lingering:
            raise SwitchGoneError("the caller hung up")
