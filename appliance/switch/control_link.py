"""The control link: our one standing connection to FreeSWITCH, for commands beside the calls.

`ControlLink` is what the rest of the appliance knows of it. Two adapters implement it, on
greenswitch (`inbound_link`) and on FreeSWITCH's own client library (`esl_link`); what they share
is in `base_link`.

No command is ever sent twice. When the connection is lost with a command on its way, the command
fails with `SwitchGoneError`: it may have been carried out, and only its sender can find out.
"""

from collections.abc import Iterable
from typing import Protocol

from appliance.switch.base_link import EventHandler
from appliance.switch.esl_link import EslLink, esl_available
from appliance.switch.inbound_link import InboundLink


class ControlLink(Protocol):
    """Commands to FreeSWITCH and events from it, over a connection that is kept up."""

    @property
    def connected(self) -> bool:
        """Whether commands can be sent at this moment."""

    @property
    def connects(self) -> int:
        """How often the connection was made."""

    @property
    def failed(self) -> int:
        """Commands that were not answered; one that FreeSWITCH refused was."""

    def start(self) -> None:
        """Begin to connect, and to reconnect whenever the connection is lost. Returns at once."""

    def stop(self) -> None:
        """Close the connection and end everything that serves it."""

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait until commands can be sent; False when they still cannot after ``timeout_s``."""

    def api(self, command: str, timeout_s: float = 5.0) -> str:
        """Run an API command and return what it printed, stripped; ``-ERR ...`` is not raised.

        Raises:
            SwitchTimeoutError: no answer in time.
            SwitchGoneError: not connected, or the connection was lost before the answer.
        """

    def bgapi(self, command: str, timeout_s: float) -> str:
        """Run an API command in the background; wait for its result without holding up others.

        Returns:
            What it printed, stripped.

        Raises:
            SwitchTimeoutError: not finished in time. It goes on, and its result is thrown away.
            SwitchGoneError: not connected, or the connection was lost before the result.
        """

    def on_event(self, handler: EventHandler, subscribe: Iterable[str] = ()) -> None:
        """Have ``handler`` called, in order, with every event of the names in ``subscribe``.

        Names as FreeSWITCH writes them; a name with ``::`` in it is a subclass of ``CUSTOM``. The
        handlers of a link run one after the other, apart from its reading.
        """


def open_control_link(host: str, port: int, password: str) -> ControlLink:
    """Make the control link to a FreeSWITCH's event socket; ``start`` it to connect.

    It is on python-ESL where that can be imported, otherwise on greenswitch.
    """
    adapter = EslLink if esl_available() else InboundLink
    return adapter(host, port, password)
