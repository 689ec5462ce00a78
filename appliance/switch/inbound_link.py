"""The control link on greenswitch: everything in gevent.

`InboundConnection` is greenswitch's ``InboundESL`` on the hardened `Connection`; the parent's
``connect`` and ``authenticate`` are used as they are, within one time limit around both (the
parent waits for the greeting and for the answer without one) and with its errors converted.
`InboundLink` keeps such a connection up.
"""

import logging
from collections.abc import Callable

import gevent
from greenswitch.esl import InboundESL, NotConnectedError

from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.switch.base_link import REFUSED, BaseLink, nobody_there
from appliance.switch.connection import Connection, Limits, expect_ok, keep_alive
from appliance.switch.wire import Event, Message

log = logging.getLogger(__name__)


class InboundConnection(Connection, InboundESL):  # type: ignore[misc]  # greenswitch is untyped
    """One connection to FreeSWITCH's event socket, from `connect` to its end."""

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        limits: Limits,
        on_event: Callable[[Event], None],
    ) -> None:
        """Prepare; ``on_event`` runs in the reading greenlet and must not wait."""
        self._on_event = on_event
        self.prepare(f"control-link-reader-{host}:{port}", limits)
        super().__init__(host, port, password, timeout=limits.connect_s)

    def connect(self) -> None:
        """Connect and authenticate.

        Raises:
            SwitchError: the password is wrong.
            SwitchTimeoutError: not done in the configured time.
            SwitchGoneError: nobody there, or the connection was refused.
        """
        limit_s = self._limits.connect_s
        try:
            with gevent.Timeout(limit_s, SwitchTimeoutError(f"no greeting within {limit_s:g} s")):
                super().connect()
            keep_alive(self.sock)
        except (OSError, NotConnectedError) as error:
            reason = self.gone or nobody_there(self.host, self.port, error)
            self.drop(reason)
            raise SwitchGoneError(reason) from error
        except ValueError as error:  # what greenswitch raises at a wrong password
            self.drop("the password was refused")
            raise SwitchError(REFUSED) from error
        except BaseException:
            self.drop("not connected in time")
            raise

    def on_wire_event(self, event: Event) -> None:
        """Hand on to whom the connection was made for."""
        self._on_event(event)


class InboundLink(BaseLink):
    """A `ControlLink` in gevent."""

    _connection: InboundConnection | None = None
    _stopping = False

    def start(self) -> None:
        """Begin to connect. Returns at once; a FreeSWITCH that is not there is waited for."""
        if self._greenlets:
            return
        self._stopping = False
        self._spawn("control-link", self._run)
        self._spawn("control-link-events", self._router.run)

    def stop(self) -> None:
        """Close the connection; commands that wait fail with `SwitchGoneError`."""
        self._stopping = True
        if self._connection is not None:
            self._connection.drop("closed by us")
        gevent.killall(self._greenlets)
        self._greenlets.clear()

    def _send(self, text: str, timeout_s: float) -> Message:
        if self._connection is None or not self.connected:
            raise SwitchGoneError("no connection to FreeSWITCH")
        return self._connection.send(text, timeout_s)

    # The greenlet that keeps the connection up.

    def _run(self) -> None:
        failures = 0
        while not self._stopping:
            try:
                connection = self._connect()
                failures = 0
                self._serve(connection)
            except SwitchError as error:
                failures += 1
                # The first failure tells the operator; the next thousand tell nothing new.
                log.log(logging.WARNING if failures == 1 else logging.DEBUG, "%s", error)
            finally:
                self._lose()
            gevent.sleep(self._back_off.next_s())

    def _connect(self) -> InboundConnection:
        connection = self._connection = InboundConnection(
            self._host, self._port, self._password, self._limits, self._take_event
        )
        connection.connect()
        expect_ok(connection.send(self._router.command()).data, "event")
        self._came_up()
        return connection

    def _serve(self, connection: InboundConnection) -> None:
        """Stay until the connection ends, with a harmless command now and then."""
        while not connection.closed.wait(self._ping_every_s):
            self.api("uptime", self._limits.reply_s)
        log.warning("control link lost: %s", connection.gone)

    def _lose(self) -> None:
        self._up.clear()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.drop("given up")
            self._jobs.fail_all(connection.gone)
