"""The bench's dialplan: what ``freeswitch-conf/dialplan`` says, in a form the bench can run.

Emergency numbers first, then internal extensions, then DIDs to the controllers with the chain of
fall-backs behind them. Nothing before the controllers depends on them.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from appliance.lab.switch.channel import Channel

_DID = re.compile(r"\+?[0-9]{2,15}")


@dataclass(frozen=True, slots=True)
class Action:
    """One application with its argument."""

    application: str
    data: str = ""


@dataclass(frozen=True)
class BenchDialplan:
    """Where calls go.

    Attributes:
        controllers: ``host:port`` of each call server, in order of preference.
        domain: of ``user/EXTENSION@domain``.
        extensions: internal numbers that ring a phone.
        dids: numbers that reach the controllers; None for every number that looks like one.
        hunt_group: extensions that ring when no controller takes or keeps a call.
        emergency_numbers: bridged to ``emergency_extension``, which stands for the trunk.
        voicemail_directory: where messages go; None keeps none, and the caller hears the tone.
        mute_s: a controller that takes the connection but does not answer loses it after this.
        resume_s: the same for a call that is answered already, until ``sched_cancel``.
    """

    controllers: tuple[str, ...] = ()
    domain: str = "appliance.local"
    extensions: frozenset[str] = frozenset()
    dids: frozenset[str] | None = None
    hunt_group: tuple[str, ...] = ()
    ring_s: int = 25
    emergency_numbers: frozenset[str] = frozenset({"112", "911"})
    emergency_extension: str = "999"
    voicemail_directory: Path | None = None
    voicemail_limit_s: int = 180
    mute_s: int = 8
    resume_s: int = 2

    def route(self, channel: "Channel") -> list[Action]:
        """The actions for a channel's context and destination; none when nothing matches."""
        number = channel.profile.destination_number
        match channel.profile.context:
            case "internal" | "default":
                return self._internal(number)
            case "public":
                return self._public(number, channel)
            case "appliance":
                return self._appliance(number, channel)
            case _:
                return []

    def _internal(self, number: str) -> list[Action]:
        if number in self.emergency_numbers:
            return [
                Action("set", f"emergency_number={number}"),
                Action("set", "hangup_after_bridge=true"),
                Action("set", "call_timeout=60"),
                Action("bridge", self._users((self.emergency_extension,))),
                Action("hangup", "NO_ROUTE_DESTINATION"),
            ]
        if number in self.extensions:
            return [
                Action("set", "continue_on_fail=true"),
                Action("set", "hangup_after_bridge=true"),
                Action("set", f"call_timeout={self.ring_s}"),
                Action("set", f"voicemail_mailbox={number}"),
                Action("bridge", self._users((number,))),
                Action("transfer", "voicemail XML appliance"),
            ]
        return self._did(number)

    def _public(self, number: str, channel: "Channel") -> list[Action]:
        if number == "appliance":
            if _DID.fullmatch(channel.variables.get("appliance_did", "")):
                return [Action("transfer", "controllers XML appliance")]
            return []
        return self._did(number)

    def _did(self, number: str) -> list[Action]:
        known = _DID.fullmatch(number) if self.dids is None else number in self.dids
        if not known:
            return []
        return [
            Action("set", f"appliance_did={number}"),
            Action("set", f"hunt_group={self._users(self.hunt_group)}"),
            Action("set", f"voicemail_mailbox={self.hunt_group[0] if self.hunt_group else ''}"),
            Action("transfer", "controllers XML appliance"),
        ]

    def _appliance(self, name: str, channel: "Channel") -> list[Action]:
        variable = channel.variables.get
        if name == "controllers":
            return self._controllers(answered=channel.answered.is_set())
        actions = [Action("sched_cancel")]
        if name in ("again", "after-again") and variable("appliance_done") == "true":
            return [*actions, Action("hangup", "NORMAL_CLEARING")]
        given_back = variable("appliance_fallback", "")
        if name == "again" and given_back in ("hunt", "voicemail"):
            return [*actions, Action("transfer", f"{given_back} XML appliance")]
        if name == "again":
            return [
                *actions,
                Action("set", "appliance_resumed=true"),
                self._answered_guard(),
                # The first had the call most likely, and may still take connections as it dies.
                self._socket((*self.controllers[1:], *self.controllers[:1])),
                Action("transfer", "after-again XML appliance"),
            ]
        if name == "after-again" and given_back == "voicemail":
            return [*actions, Action("transfer", "voicemail XML appliance")]
        if name in ("hunt", "after-again") and variable("hunt_group", "").startswith("user/"):
            return [*actions, *self._hunt()]
        if name in ("hunt", "after-again", "voicemail"):
            return [*actions, *self._voicemail()]
        return []

    def _controllers(self, *, answered: bool) -> list[Action]:
        guard = [
            Action("set", "execute_on_answer=sched_cancel"),
            Action("sched_transfer", f"+{self.mute_s} hunt XML appliance"),
        ]
        return [
            *([self._answered_guard()] if answered else guard),
            Action("set", "continue_on_fail=true"),
            Action("set", "appliance_fallback="),
            Action("set", "uuid_bridge_continue_on_cancel=true"),
            self._socket(self.controllers),
            Action("transfer", "again XML appliance"),
        ]

    def _answered_guard(self) -> Action:
        return Action("sched_transfer", f"+{self.resume_s} hunt XML appliance")

    def _socket(self, controllers: tuple[str, ...]) -> Action:
        return Action("socket", "|".join(controllers) + " async full")

    def _hunt(self) -> list[Action]:
        return [
            Action("set", "continue_on_fail=true"),
            Action("set", "hangup_after_bridge=true"),
            Action("set", "park_after_bridge=false"),
            Action("set", f"call_timeout={self.ring_s}"),
            Action("bridge", "${hunt_group}"),
            Action("transfer", "voicemail XML appliance"),
        ]

    def _voicemail(self) -> list[Action]:
        actions = [
            Action("answer"),
            Action("sleep", "500"),
            Action("playback", "tone_stream://%(400,0,880)"),
        ]
        if self.voicemail_directory is not None:
            path = self.voicemail_directory / "${voicemail_mailbox}.${uuid}.wav"
            actions.append(Action("record", f"{path} {self.voicemail_limit_s}"))
        return [*actions, Action("hangup", "NORMAL_CLEARING")]

    def _users(self, extensions: tuple[str, ...]) -> str:
        return ",".join(f"user/{extension}@{self.domain}" for extension in extensions)
