"""What an action may touch: the caller's line, the log, the directory, and the switch."""

from dataclasses import dataclass, field

from gevent.event import Event

from appliance.actions.desks import Desks
from appliance.actions.line import Line
from appliance.calls.directory import Directory
from appliance.events.log import CallLog
from appliance.switch.control_link import ControlLink


@dataclass(frozen=True, slots=True)
class CallConfig:
    """What holds for every call of this controller.

    Attributes:
        domain: the domain that phones register in.
        socket_address: ``host:port`` where desk legs find this controller's call server.
        accept_timeout_s: for a desk to press a key after it answered.
        bridge_timeout_s: for FreeSWITCH to say that two legs are bridged.
        come_back_to: ``EXTENSION:XML:CONTEXT`` that leads a leg back to the controllers.
        desk_context: dialplan context for blind transfers.
    """

    domain: str
    socket_address: str
    accept_timeout_s: float = 12.0
    bridge_timeout_s: float = 3.0
    come_back_to: str = "appliance:XML:public"
    desk_context: str = "internal"


def _set() -> Event:
    event = Event()
    event.set()
    return event


@dataclass(frozen=True, slots=True)
class Call:
    """One call in progress.

    Attributes:
        caller_name: hostile text; only ever spoken or stored, and sanitised before a dial string.
        bridged: set once FreeSWITCH has said that the caller's leg is connected to another.
        settled: set while nothing that the caller says or keys is still to be acted on.
        desk_legs: the desk legs that the caller was connected to, as (unique id, extension).
    """

    line: Line
    log: CallLog
    directory: Directory
    switch: ControlLink
    desks: Desks
    config: CallConfig
    caller_number: str
    caller_name: str
    bridged: Event = field(default_factory=Event)
    settled: Event = field(default_factory=_set)
    desk_legs: list[tuple[str, str]] = field(default_factory=list)

    @property
    def call_id(self) -> str:
        """The unique id of the caller's leg."""
        return self.line.channel.uuid
