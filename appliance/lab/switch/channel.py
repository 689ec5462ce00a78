"""One leg in the bench switch: FreeSWITCH's channel states, driven by its own greenlet.

The greenlet goes round in :meth:`Channel._live`: ROUTING asks the dialplan, EXECUTE runs its
actions, PARK waits, HIBERNATE and EXCHANGE_MEDIA take part in a bridge (see
:meth:`Core.step`). Hanging up, transferring and bridging set flags and wake the greenlet; whatever
application runs then finds that the channel is not ready any more and returns, as in
``switch_core_session_run``.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event

from appliance.lab.phones import VirtualPhone
from appliance.lab.switch.media import ChannelMedia
from appliance.lab.switch.text import expand, is_true
from appliance.lab.switch.wire import Command

if TYPE_CHECKING:
    from appliance.lab.switch.bridge import Bridge
    from appliance.lab.switch.core import Core
    from appliance.lab.switch.dialplan import Action


class State(Enum):
    """Channel states that the bench goes through, with FreeSWITCH's numbers."""

    CS_NEW = 0
    CS_INIT = 1
    CS_ROUTING = 2
    CS_EXECUTE = 4
    CS_EXCHANGE_MEDIA = 5
    CS_PARK = 6
    CS_HIBERNATE = 8
    CS_HANGUP = 10
    CS_REPORTING = 11
    CS_DESTROY = 12


@dataclass(frozen=True, slots=True)
class Profile:
    """Who calls whom, and where the dialplan is asked."""

    caller_id_name: str
    caller_id_number: str
    destination_number: str
    context: str = "public"
    dialplan: str = "XML"
    callee_id_name: str = ""
    callee_id_number: str = ""
    rdnis: str = ""


def _now_us() -> int:
    return int(time.time() * 1_000_000)


class Channel:
    """One leg. ``direction`` is FreeSWITCH's: inbound means that the phone dialled the switch."""

    def __init__(
        self,
        core: "Core",
        phone: VirtualPhone,
        profile: Profile,
        *,
        uuid: str,
        direction: str,
        name: str,
        variables: Mapping[str, str],
    ) -> None:
        """Make the leg; it does nothing before :meth:`start`."""
        self.core = core
        self.phone = phone
        self.profile = profile
        self.uuid = uuid
        self.direction = direction
        self.name = name
        self.rate_hz = phone.rate_hz
        self.state = State.CS_NEW
        self.profile_index = 1
        self.created_us = _now_us()
        self.answered_us = self.hung_up_us = self.bridged_us = 0
        self.hangup_cause = ""
        self.ringing = False
        self.controlled = False
        self.transferring = False
        self.bridge: Bridge | None = None
        self.other_leg: Channel | None = None
        self.actions: deque[Action] = deque()
        self.answered = Event()
        self.down = Event()
        self.reported = Event()
        self.destroyed = Event()
        self._holders: set[object] = set()
        self._let_go = Event()
        self.wake = Event()
        self.commands: deque[Command] = deque()
        rate = str(phone.rate_hz)
        self.variables: dict[str, str] = {
            "direction": direction, "uuid": uuid, "call_uuid": uuid, "session_id": "1",
            "channel_name": name, "read_codec": "PCMU" if phone.rate_hz == 8000 else "G722",
            "read_rate": rate, "write_rate": rate, "sip_from_user": profile.caller_id_number,
            "sip_to_user": profile.destination_number, **variables,
        }  # fmt: skip
        self.media = ChannelMedia(self)

    # What others see

    @property
    def ready(self) -> bool:
        """``switch_channel_ready``: up, and not asked to go elsewhere."""
        return not self.down.is_set() and not self.transferring

    @property
    def call_state(self) -> str:
        """``Channel-Call-State``."""
        if self.down.is_set():
            return "HANGUP"
        if self.answered.is_set():
            return "ACTIVE"
        return "RINGING" if self.ringing or self.direction == "inbound" else "DOWN"

    @property
    def answer_state(self) -> str:
        """``Answer-State``."""
        if self.down.is_set():
            return "hangup"
        return "answered" if self.answered.is_set() else "ringing"

    def is_true(self, variable: str) -> bool:
        """Whether a variable holds one of FreeSWITCH's words for yes."""
        return is_true(self.variables.get(variable))

    def set_variable(self, name: str, value: str | None) -> None:
        """Set, or remove with None or nothing, as ``switch_channel_set_variable``."""
        if value:
            self.variables[name] = value
        else:
            self.variables.pop(name, None)

    def variable(self, name: str) -> str | None:
        """A variable, or a field of the caller profile by its dialplan name."""
        if name in self.variables:
            return self.variables[name]
        value = getattr(self.profile, name, None)
        return value if isinstance(value, str) and value else None

    def expand(self, text: str) -> str:
        """``${...}`` in an application's argument."""
        return expand(text, self.variable, self.core.expansion_call)

    def fire(self, name: str, extra: Mapping[str, str] | None = None) -> None:
        """Send an event about this channel."""
        self.core.fire_channel(name, self, extra)

    # Life

    def start(self, state: State) -> None:
        """Begin to live in ``state``."""
        self.set_state(state)
        greenlet = gevent.spawn(self._live)
        greenlet.name = f"bench-channel-{self.uuid}"

    def set_state(self, state: State) -> None:
        """Change state; the greenlet acts on it when its present work lets go."""
        if self.state is not state and not self.down.is_set():
            self.state = state
            self.fire("CHANNEL_STATE")
        self.wake.set()

    def _live(self) -> None:
        while not self.down.is_set():
            state = self.state
            self.transferring = False
            self.core.step(self, state)
            # A park that ended without going anywhere leaves the channel idle in CS_PARK, with
            # nobody to hear the caller: so it is on the real switch.
            while self.state is state and state is not State.CS_EXECUTE and self.ready:
                self.wake.clear()
                self.wake.wait()
        self._die()

    def _die(self) -> None:
        self.core.limits.release_all(self)
        self.media.close()
        self.state = State.CS_REPORTING
        self.fire("CHANNEL_HANGUP_COMPLETE")
        self.phone.call_ended(self.hangup_cause)
        self.reported.set()
        while self._holders:
            self._let_go.clear()
            self._let_go.wait()
        self.state = State.CS_DESTROY
        self.fire("CHANNEL_DESTROY")
        self.core.forget(self)
        self.destroyed.set()

    def hold(self, holder: object) -> None:
        """A connection about this channel: while it is open the channel is not destroyed."""
        self._holders.add(holder)

    def release(self, holder: object) -> None:
        """The connection is closed."""
        self._holders.discard(holder)
        self._let_go.set()

    def idle(self, seconds: float | None, until: Callable[[], bool] = lambda: False) -> None:
        """Wait inside an application, obeying ``sendmsg`` commands meanwhile.

        Returns when the time is up, ``until`` holds or the channel is not ready any more.
        """
        deadline = None if seconds is None else time.perf_counter() + seconds
        while self.ready and not until():
            if self.commands:
                self.core.obey(self, self.commands.popleft())
                continue
            self.wake.clear()
            left = None if deadline is None else deadline - time.perf_counter()
            if left is not None and left <= 0:
                return
            self.wake.wait(left)

    # What is done to it

    def queue(self, command: Command) -> None:
        """A ``sendmsg`` for this channel."""
        self.commands.append(command)
        self.wake.set()

    def answer(self) -> None:
        """``switch_channel_answer``: media begins to flow."""
        if self.answered.is_set() or self.down.is_set():
            return
        if self.direction == "inbound":
            self.fire("CHANNEL_PROGRESS_MEDIA")
        self.answered_us = _now_us()
        self.answered.set()
        self.set_variable("endpoint_disposition", "ANSWER")
        self.media.open()
        self.phone.call_answered()
        self.fire("CHANNEL_ANSWER")
        self.core.answered(self)
        self.wake.set()

    def hang_up(self, cause: str) -> None:
        """``switch_channel_hangup``. The first cause stays."""
        if self.down.is_set():
            return
        self.hangup_cause = cause
        self.hung_up_us = _now_us()
        self.set_variable("hangup_cause", cause)
        self.state = State.CS_HANGUP
        self.down.set()
        self.fire("CHANNEL_HANGUP")
        self.wake.set()
        if self.bridge is not None:
            self.bridge.wake_both()

    def transfer(self, extension: str, dialplan: str, context: str) -> None:
        """``switch_ivr_session_transfer``: the dialplan runs again for ``extension``."""
        self.profile = replace(
            self.profile,
            destination_number=extension or "service",
            dialplan=dialplan or self.profile.dialplan,
            context=context or self.profile.context,
            rdnis=self.profile.destination_number,
        )
        self.profile_index += 1
        self.actions.clear()
        self.go(State.CS_ROUTING)

    def go(self, state: State) -> None:
        """Drop whatever is being done and go to ``state``."""
        self.transferring = True
        self.set_state(state)
        if self.bridge is not None:
            self.bridge.wake_both()

    # What the phone does (the ``Leg`` protocol)

    def answer_from_phone(self) -> None:
        """The called phone was picked up."""
        if self.direction == "outbound":
            self.answer()

    def digit_from_phone(self, digit: str) -> None:
        """A key by RFC 4733: an event on the call's own sockets, whatever the media does."""
        if not self.down.is_set():
            self.fire("DTMF", {"DTMF-Digit": digit, "DTMF-Duration": "2000", "DTMF-Source": "RTP"})

    def hang_up_from_phone(self, cause: str) -> None:
        """BYE, CANCEL or a refusal from the phone."""
        if not self.answered.is_set() and self.direction == "inbound":
            cause = "ORIGINATOR_CANCEL" if cause == "NORMAL_CLEARING" else cause
        self.hang_up(cause)
