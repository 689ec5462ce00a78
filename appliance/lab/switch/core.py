"""What all parts of the bench switch share: channels, phones, listeners, the event bus."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import gevent

from appliance.calls.hangup import HangupCause
from appliance.lab.clock import FrameClock
from appliance.lab.phones import VirtualPhone
from appliance.lab.switch import events
from appliance.lab.switch.applications import execute, obey, park, run_actions
from appliance.lab.switch.bridge import Bridge
from appliance.lab.switch.channel import Channel, State
from appliance.lab.switch.dialplan import Action, BenchDialplan
from appliance.lab.switch.limits import Limits
from appliance.lab.switch.originate import Originated, Ringing
from appliance.lab.switch.wire import BenchEvent, Command

_KEPT_WARNINGS = 1000
_KEPT_TRACES = 20_000


class Listener(Protocol):
    """An Event Socket connection, as the event bus sees it."""

    def wants(self, event_name: str, channel_uuid: str, owner_uuid: str) -> bool:
        """Whether such an event may have to be sent; cheap, asked before it is built."""

    def deliver(self, event: BenchEvent) -> None:
        """Send it, unless a filter is against it."""


class Session(Protocol):
    """A controller's hold on a channel."""

    connected: bool

    @property
    def closed(self) -> "Waitable":
        """Set when the connection is gone."""


class Waitable(Protocol):
    """The part of a gevent event that waiting needs."""

    def is_set(self) -> bool:
        """Whether it happened."""


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One dialplan action that ran for a call, and when (the clock's seconds)."""

    uuid: str
    action: Action
    at: float


class Core:
    """The switch without its sockets."""

    def __init__(
        self,
        dialplan: BenchDialplan,
        clock: FrameClock,
        *,
        rtp_timer: bool = True,
    ) -> None:
        """A switch without channels; its sockets set the callbacks."""
        self.dialplan = dialplan
        self.clock = clock
        self.rtp_timer = rtp_timer
        self.now = clock.now
        self.channels: dict[str, Channel] = {}
        self.phones: dict[str, VirtualPhone] = {}
        self.unregistered: set[str] = set()
        self.modules = {"mod_commands", "mod_dptools", "mod_hash"}
        self.limits = Limits()
        self.listeners: list[Listener] = []
        self.warnings: list[str] = []
        self.expansion_calls: list[str] = []
        self.traces: deque[TraceEntry] = deque(maxlen=_KEPT_TRACES)
        self.routes: deque[tuple[str, str, str]] = deque(maxlen=_KEPT_TRACES)
        self.on_ring: Callable[[VirtualPhone], None] = lambda _phone: None
        self.connect_controller: Callable[[Channel, str], Session | None] = lambda _c, _a: None
        self.run_api: Callable[[str], str] = lambda _line: ""
        self.started_at = time.perf_counter()
        self.total_channels = 0
        self.peak_channels = 0
        self._timers: dict[str, list[gevent.Greenlet]] = {}

    # Channels

    def add(self, channel: Channel) -> None:
        """A channel was created."""
        self.channels[channel.uuid] = channel
        self.total_channels += 1
        self.peak_channels = max(self.peak_channels, len(self.channels))
        channel.fire("CHANNEL_CREATE")

    def forget(self, channel: Channel) -> None:
        """A channel was destroyed."""
        self.channels.pop(channel.uuid, None)
        self.unschedule(channel)

    def located(self, uuid: str) -> Channel | None:
        """``switch_core_session_locate``: a channel that is up. One that was hung up is not found,
        also while a lingering connection keeps it from being destroyed."""
        channel = self.channels.get(uuid)
        return None if channel is None or channel.down.is_set() else channel

    def is_registered(self, extension: str) -> bool:
        """Whether a phone can be reached."""
        return extension in self.phones and extension not in self.unregistered

    def answered(self, channel: Channel) -> None:
        """``execute_on_answer``."""
        application, _, data = channel.variables.get("execute_on_answer", "").partition(" ")
        if application:
            execute(channel, application, data)

    def rang(self, phone: VirtualPhone) -> None:
        """A phone began to ring; whoever plays its user is told."""
        self.on_ring(phone)

    def uuid_bridge(self, one: str, other: str) -> bool:
        """``switch_ivr_uuid_bridge``; False when a channel is missing or neither has media."""
        a, b = self.located(one), self.located(other)
        if a is None or b is None or a is b:
            return False
        if not a.answered.is_set():
            if not b.answered.is_set():
                return False
            a, b = b, a
        Bridge(a, b).begin()
        return True

    def bridge(self, caller: Channel, leg: Channel) -> None:
        """The second half of the ``bridge`` application: connect until one side is gone."""
        bridge = Bridge(caller, leg)
        leg.go(State.CS_EXCHANGE_MEDIA)
        bridge.meet_and_connect()

    def step(self, channel: Channel, state: State) -> None:
        """What a channel's greenlet does in a state; the states in which it only waits do nothing.

        Runs until the channel is to go elsewhere or is down.
        """
        match state:
            case State.CS_ROUTING:
                if not channel.is_true("limit_ignore_transfer"):
                    self.limits.release_all(channel)
                profile = channel.profile
                self.routes.append((channel.uuid, profile.context, profile.destination_number))
                channel.actions = deque(self.dialplan.route(channel))
                if channel.actions:
                    channel.set_state(State.CS_EXECUTE)
                else:
                    channel.hang_up("NO_ROUTE_DESTINATION")
            case State.CS_EXECUTE:
                run_actions(channel)
            case State.CS_PARK:
                park(channel)
            case State.CS_HIBERNATE | State.CS_EXCHANGE_MEDIA:
                if channel.bridge is not None:
                    channel.bridge.take_part(channel)

    def obey(self, channel: Channel, command: Command) -> None:
        """Carry out one ``sendmsg``."""
        obey(channel, command)

    def park(self, channel: Channel) -> None:
        """``uuid_park``: away from whatever it does, into CS_PARK."""
        channel.media.fresh_park()
        channel.go(State.CS_PARK)

    def originate(self, endpoints: str, caller: Channel | None) -> Originated:
        """Ring phones for a caller."""
        try:
            return Ringing(self, endpoints, caller).run(None)
        except ValueError as error:
            self.warn(f"bridge: {error}")
            return Originated(None, "DESTINATION_OUT_OF_ORDER")

    def dial_controller(self, channel: Channel, argument: str) -> Session | None:
        """The ``socket`` application's connection."""
        return self.connect_controller(channel, argument)

    @staticmethod
    def exported_variables(channel: Channel) -> Mapping[str, str]:
        """What a leg dialled by this channel inherits."""
        names = channel.variables.get("export_vars", "").split(",")
        return {name: channel.variables[name] for name in names if name in channel.variables}

    @staticmethod
    def cause(text: str) -> str:
        """``switch_channel_str2cause``: an unknown cause becomes NORMAL_CLEARING."""
        word = text.strip().split(" ")[0].upper()
        return word if HangupCause.parse(word) is not HangupCause.UNKNOWN else "NORMAL_CLEARING"

    # Scheduled tasks

    def schedule(self, channel: Channel, seconds: float, task: Callable[[], None]) -> None:
        """Do something to a channel later, unless it is cancelled or the channel is gone."""
        timer = gevent.spawn_later(seconds, task)
        self._timers.setdefault(channel.uuid, []).append(timer)

    def unschedule(self, channel: Channel) -> None:
        """Cancel what was scheduled for a channel."""
        for timer in self._timers.pop(channel.uuid, []):
            timer.kill(block=False)

    # Observation

    def trace(self, channel: Channel, action: Action) -> None:
        """Remember that the dialplan ran an action."""
        self.traces.append(TraceEntry(channel.uuid, action, self.now()))

    def warn(self, text: str) -> None:
        """What the real switch would write to its log and tell nobody else."""
        if len(self.warnings) < _KEPT_WARNINGS:
            self.warnings.append(text)

    def expansion_call(self, command: str, argument: str) -> str:
        """``${command(argument)}`` in an argument ran: remembered, injections work this way."""
        self.expansion_calls.append(f"{command} {argument}".strip())
        return self.run_api(f"{command} {argument}".strip())

    # Events

    def _interested(self, name: str, uuid: str, owner: str = "") -> list[Listener]:
        return [one for one in self.listeners if one.wants(name, uuid, owner)]

    def fire_channel(
        self, name: str, channel: Channel, extra: Mapping[str, str] | None = None
    ) -> None:
        """Send an event about a channel to whoever wants it."""
        interested = self._interested(name, channel.uuid)
        if interested:
            self._send(events.channel_event(name, channel, extra), interested)

    def fire_plain(
        self, name: str, extra: Mapping[str, str] | None = None, body: str = "", owner: str = ""
    ) -> None:
        """Send an event that is about no channel."""
        interested = self._interested(name, "", owner)
        if interested:
            self._send(BenchEvent(events.base_headers(name) | dict(extra or {}), body), interested)

    @staticmethod
    def _send(event: BenchEvent, interested: Iterable[Listener]) -> None:
        for listener in interested:
            listener.deliver(event)
