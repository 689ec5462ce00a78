"""Ringing phones: ``originate`` and the ``bridge`` application's first half."""

import math
import re
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gevent.event import Event

from appliance.lab.phones import VirtualPhone
from appliance.lab.switch.channel import Channel, Profile, State
from appliance.lab.switch.dialplan import Action
from appliance.lab.switch.text import bracketed_variables, holds_reference, separate

if TYPE_CHECKING:
    from appliance.lab.switch.core import Core

_DEFAULT_TIMEOUT_S = 60.0
_USER = re.compile(r"user/([^@]+)@(.+)")


@dataclass(frozen=True, slots=True)
class Originated:
    """``channel`` is the leg that answered, else None and ``cause`` says why."""

    channel: Channel | None
    cause: str


class Ringing:
    """One attempt to reach the first of several phones that ring together.

    An id can be had once: of several endpoints that share one ``origination_uuid`` only the first
    rings. Each in brackets of its own is what rings them all.
    """

    def __init__(self, core: "Core", endpoints: str, caller: Channel | None) -> None:
        """Read ``<...>{...}ENDPOINTS``; a caller passes on its exported variables.

        Raises:
            ValueError: when a bracket is not closed.
        """
        self._core = core
        self._caller = caller
        inherited = dict(core.exported_variables(caller)) if caller else {}
        own, rest = bracketed_variables(endpoints, "<")
        braced, rest = bracketed_variables(rest, "{")
        self._variables = inherited | own | braced
        self._endpoints = rest
        self._changed = Event()

    def run(self, timeout_s: float | None) -> Originated:
        """Ring until one answers, all are gone or the time is up."""
        cause = "NORMAL_TEMPORARY_FAILURE"
        for group in separate(self._endpoints, "|"):
            result = self._ring_group(group, timeout_s)
            if result.channel is not None or result.cause == "ORIGINATOR_CANCEL":
                return result
            cause = result.cause
        return Originated(None, cause)

    def _timeout_s(self, given_s: float | None) -> float:
        names = ("originate_timeout", "leg_timeout", "call_timeout")
        texts = [self._variables.get(name) for name in names]
        if self._caller is not None:
            texts.append(self._caller.variables.get("call_timeout"))
        for text in texts:
            if text and text.isdigit():
                return float(text)
        return given_s if given_s is not None else _DEFAULT_TIMEOUT_S

    def _ring_group(self, group: str, timeout_s: float | None) -> Originated:
        legs: list[Channel] = []
        refused = ""
        for endpoint in separate(group, ","):
            leg_variables, dial = bracketed_variables(endpoint, "[")
            leg, cause = self._ring(dial, leg_variables)
            if leg is not None:
                legs.append(leg)
            else:
                refused = cause
        # The real switch counts whole seconds of the clock, so it stops up to a second early.
        wall = time.time()
        left_s = math.floor(wall) + self._timeout_s(timeout_s) - wall
        deadline = time.perf_counter() + left_s
        winner, cause = self._await(legs, deadline)
        for leg in legs:
            if leg is not winner:
                leg.hang_up("LOSE_RACE" if winner is not None else cause)
        if winner is not None:
            return Originated(winner, "SUCCESS")
        if not legs:
            return Originated(None, refused or "NORMAL_TEMPORARY_FAILURE")
        return Originated(None, cause)

    def _await(self, legs: list[Channel], deadline: float) -> tuple[Channel | None, str]:
        """The leg that answered first, or the cause that the whole group failed with."""
        while True:
            self._changed.clear()
            for leg in legs:
                if leg.answered.is_set() and not leg.down.is_set():
                    return leg, "SUCCESS"
            if self._caller is not None and not self._caller.ready:
                return None, "ORIGINATOR_CANCEL"
            if all(leg.down.is_set() for leg in legs):
                return None, legs[0].hangup_cause if legs else "NORMAL_TEMPORARY_FAILURE"
            left = deadline - time.perf_counter()
            if left <= 0:
                return None, "NO_ANSWER"
            self._changed.wait(left)

    def _ring(self, dial: str, leg_variables: dict[str, str]) -> tuple[Channel | None, str]:
        match = _USER.fullmatch(dial)
        if match is None:
            self._core.warn(f"originate: the bench knows user/EXTENSION@DOMAIN, not {dial!r}")
            return None, "CHAN_NOT_IMPLEMENTED"
        extension, domain = match.groups()
        if domain != self._core.dialplan.domain or extension not in self._core.phones:
            return None, "SUBSCRIBER_ABSENT"
        phone = self._core.phones[extension]
        if not self._core.is_registered(extension):
            return None, "USER_NOT_REGISTERED"
        if phone.leg is not None:
            return None, "USER_BUSY"
        variables = {
            name: value
            for name, value in (self._variables | leg_variables).items()
            if not holds_reference(value)
        }
        if variables.get("origination_uuid") in self._core.channels:
            self._core.warn("Duplicate UUID!")
            return None, "DESTINATION_OUT_OF_ORDER"
        leg = self._leg(phone, extension, variables)
        leg.answered.rawlink(self._notice)
        leg.down.rawlink(self._notice)
        if self._caller is not None:
            self._caller.down.rawlink(self._notice)
        return leg, ""

    def _notice(self, _event: Event) -> None:
        self._changed.set()

    def _leg(self, phone: VirtualPhone, extension: str, variables: dict[str, str]) -> Channel:
        wanted = variables.pop("origination_uuid", "") or str(uuid.uuid4())
        caller = self._caller.profile if self._caller is not None else None
        leg = Channel(
            self._core,
            phone,
            Profile(
                variables.get(
                    "origination_caller_id_name", caller.caller_id_name if caller else ""
                ),
                variables.get(
                    "origination_caller_id_number",
                    caller.caller_id_number if caller else "0000000000",
                ),
                extension,
                context="default",
            ),
            uuid=wanted,
            direction="outbound",
            name=f"sofia/internal/{extension}@{self._core.dialplan.domain}",
            variables={"dialed_user": extension, "dialed_domain": self._core.dialplan.domain}
            | variables,
        )
        if self._caller is not None:
            leg.other_leg = self._caller
        leg.fire("CHANNEL_OUTGOING")
        self._core.add(leg)
        leg.fire("CHANNEL_ORIGINATE")
        leg.ringing = True
        leg.fire("CHANNEL_PROGRESS")
        phone.attach(leg)
        leg.start(State.CS_INIT)
        self._core.rang(phone)
        return leg


def originate_command(core: "Core", argument: str) -> str:
    """The ``originate`` command: its reply, ``+OK UUID`` or ``-ERR CAUSE``."""
    parts = separate(argument, " ", 10)
    if not 2 <= len(parts) <= 7:
        return "-USAGE: <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] ...\n"
    timeout_s = float(parts[6]) if len(parts) == 7 and parts[6].isdigit() else None
    try:
        result = Ringing(core, parts[0], None).run(timeout_s)
    except ValueError:
        return "-ERR DESTINATION_OUT_OF_ORDER\n"
    leg = result.channel
    if leg is None:
        return f"-ERR {result.cause}\n"
    where = parts[1]
    if where.startswith("&") and len(where) > 1:
        application, _, data = where[1:].partition("(")
        leg.actions.append(Action(application, data.partition(")")[0]))
        leg.go(State.CS_EXECUTE)
    else:
        dialplan = parts[2] if len(parts) > 2 else "XML"
        leg.transfer(where, dialplan, parts[3] if len(parts) > 3 else "default")
    return f"+OK {leg.uuid}\n"
