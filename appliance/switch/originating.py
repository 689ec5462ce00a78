"""Ringing somebody: FreeSWITCH's ``originate``, for desks and for calls between two.

Nothing a caller chose reaches FreeSWITCH here without passing `escaping`: a name can add neither
a variable nor an endpoint nor a command. Neither verb is repeated by itself: one that fails with
`SwitchTimeoutError` or `SwitchGoneError` may ring all the same.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.calls.directory import checked_extension
from appliance.calls.errors import SwitchError
from appliance.calls.hangup import HangupCause
from appliance.calls.outside import OUTSIDE_NUMBER
from appliance.switch.commands import kill
from appliance.switch.control_link import ControlLink
from appliance.switch.escaping import (
    dial_number,
    dial_value,
    display_name,
    identifier,
    plain_word,
    variable_name,
)
from appliance.switch.rendering import OUTBOUND_CALLS_PER_PHONE
from appliance.switch.rendering_text import gateway_name

_DOMAIN = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]{0,251}[0-9A-Za-z])?")
_SOCKET_ADDRESS = re.compile(r"[0-9A-Za-z.-]{1,253}:[0-9]{1,5}")
_JOB_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class OriginateRequest:
    """A call to somebody inside, whose answered leg is brought to a call server.

    Attributes:
        leg_id: the unique id the new leg shall have.
        extensions: numbers to ring, all at once; the first to answer wins.
        trunk: the trunk that leads to them when they are numbers outside; empty for extensions.
        limit: extension whose calls through trunks this one counts among; empty for none.
        domain: the SIP domain they are registered in.
        socket_address: ``host:port`` of the call server that takes the leg.
        variables: channel variables of the new leg. Values pass `escaping.dial_value`.
        caller_id_name, caller_id_number: shown on the phones; hostile text is made harmless.
        ring_timeout_s: how long the phones may ring.
    """

    leg_id: str
    extensions: tuple[str, ...]
    domain: str
    socket_address: str
    variables: Mapping[str, str] = field(default_factory=dict)
    caller_id_name: str = ""
    caller_id_number: str = ""
    ring_timeout_s: int = 20
    trunk: str = ""
    limit: str = ""

    @property
    def leg_ids(self) -> tuple[str, ...]:
        """The id of each extension's leg: ``leg_id`` for the first, ``leg_id-2`` and so on."""
        return tuple(
            self.leg_id if place == 1 else f"{self.leg_id}-{place}"
            for place in range(1, len(self.extensions) + 1)
        )


@dataclass(frozen=True, slots=True)
class OriginateResult:
    """How ringing ended.

    Attributes:
        leg_id: the leg that answered; the request's when none did.
        cause: why none did; None when one did.
    """

    leg_id: str
    cause: HangupCause | None = None


def originate_command(request: OriginateRequest) -> str:
    """The ``originate`` command of a request.

    Several phones get an id each, in brackets of their own: two legs cannot share one, and an id
    that is not known cannot be ended while it rings.

    Raises:
        ConfigurationError: an extension that is not one.
        SwitchError: another part that cannot stand in a dial string.
    """
    if not request.extensions:
        raise SwitchError("nobody to ring")
    if not _SOCKET_ADDRESS.fullmatch(request.socket_address):
        raise SwitchError(f"not a host and port: {request.socket_address[:80]!r}")
    leg_ids = [identifier(leg_id) for leg_id in request.leg_ids]
    variables = {
        "originate_timeout": str(int(request.ring_timeout_s)),
        "origination_caller_id_name": display_name(request.caller_id_name),
        "origination_caller_id_number": dial_number(request.caller_id_number),
        **_counted(request.limit),
        **request.variables,
    }
    endpoints = [_endpoint(number, request.domain, request.trunk) for number in request.extensions]
    if len(endpoints) == 1:
        variables = {"origination_uuid": leg_ids[0], **variables}
    else:
        endpoints = [
            f"[origination_uuid={leg_id}]{endpoint}"
            for leg_id, endpoint in zip(leg_ids, endpoints, strict=True)
        ]
    return (
        f"originate {_braced(variables)}{','.join(endpoints)} "
        f"&socket('{request.socket_address} async full')"
    )


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call between two, of whom the first is rung.

    Attributes:
        leg_id: the unique id of the first's leg.
        ring: an extension, or a number outside when ``ring_trunk`` names the way there.
        to: an extension, one of our own numbers, or a number outside by ``to_trunk``.
        group: extensions that ring together in place of ``to``; a message is for the first.
        shown: number shown to the first; ``shown_to`` to the other.
        limit: extension whose calls through trunks this one counts among; empty for none.
    """

    leg_id: str
    ring: str
    to: str
    domain: str
    group: tuple[str, ...] = ()
    ring_trunk: str = ""
    to_trunk: str = ""
    shown: str = ""
    shown_to: str = ""
    limit: str = ""
    ring_timeout_s: int = 30
    variables: Mapping[str, str] = field(default_factory=dict)


def call_command(request: CallRequest) -> str:
    """The ``originate`` command of a request.

    Inside the house the dialplan connects: it rings, has voicemail, and knows the controllers. A
    leg that is placed from here could not dial out through it, on purpose; so a number outside is
    bridged at once, and its leg counts among the calls of the extension that is accountable.

    Raises:
        ConfigurationError: an extension that is not one.
        SwitchError: another part that cannot stand in a dial string.
    """
    variables = {
        "origination_uuid": identifier(request.leg_id),
        "originate_timeout": str(int(request.ring_timeout_s)),
        "origination_caller_id_number": dial_number(request.shown),
        "effective_caller_id_number": dial_number(request.shown_to),
        "hangup_after_bridge": "true",
        **_counted(request.limit),
        **request.variables,
    }
    if request.group:
        endpoints = (_endpoint(number, request.domain, "") for number in request.group)
        variables |= {"hunt_group": ",".join(endpoints), "voicemail_mailbox": request.group[0]}
        then = "hunt XML appliance"
    elif request.to_trunk:
        then = f"&bridge({_endpoint(request.to, request.domain, request.to_trunk)})"
    else:
        then = f"{plain_word(request.to)} XML internal"
    ring = _endpoint(request.ring, request.domain, request.ring_trunk)
    return f"originate {_braced(variables)}{ring} {then}"


def _counted(extension: str) -> dict[str, str]:
    """What makes a leg one of an extension's calls through trunks, as if its phone had dialled."""
    if not extension:
        return {}
    limit = f"limit hash outbound {checked_extension(extension)} {OUTBOUND_CALLS_PER_PHONE}"
    # Without the second, the leg would be counted no more as soon as it enters the dialplan.
    return {
        "execute_on_originate": f"{limit} !CALL_REJECTED", "limit_ignore_transfer": "true"
    }  # fmt: skip


def _braced(variables: Mapping[str, str]) -> str:
    pairs = (
        f"{variable_name(name)}={escaped}"
        for name, value in variables.items()
        if (escaped := dial_value(value))
    )
    return f"{{{','.join(pairs)}}}"


def _endpoint(number: str, domain: str, trunk: str) -> str:
    """Where a number is rung: at a phone of ours, or through a trunk."""
    if not trunk:
        if not _DOMAIN.fullmatch(domain):
            raise SwitchError(f"not a domain: {domain[:80]!r}")
        return f"user/{checked_extension(number)}@{domain}"
    if not OUTSIDE_NUMBER.fullmatch(number):
        raise SwitchError(f"not a number outside: {number[:80]!r}")
    return f"sofia/gateway/{gateway_name(trunk)}/{number}"


def place_call(link: ControlLink, request: CallRequest) -> OriginateResult:
    """Ring the first of two; return when it is answered, or when it will not be.

    Raises: as `originate`.
    """
    return _originated(link, call_command(request), request.leg_id, request.ring_timeout_s)


def originate(link: ControlLink, request: OriginateRequest) -> OriginateResult:
    """Ring somebody; return when a phone is answered, or when none will be.

    Raises:
        ConfigurationError, SwitchError: the request cannot be made into a command.
        SwitchTimeoutError: no result long after the phones should have stopped ringing.
        SwitchGoneError: the connection was lost. The phones may ring: end them with `cancel`.
    """
    return _originated(link, originate_command(request), request.leg_id, request.ring_timeout_s)


def _originated(
    link: ControlLink, command: str, leg_id: str, ring_timeout_s: int
) -> OriginateResult:
    reply = link.bgapi(command, ring_timeout_s + _JOB_GRACE_S)
    if reply.startswith("+OK"):
        return OriginateResult(reply[3:].strip() or leg_id)
    if reply.startswith("-ERR"):
        return OriginateResult(leg_id, HangupCause.parse(reply))
    raise SwitchError(f"originate: {reply[:200]}")


def cancel(link: ControlLink, request: OriginateRequest) -> None:
    """End every leg of a request, ringing or answered.

    Raises:
        SwitchTimeoutError, SwitchGoneError: as `ControlLink.api`.
    """
    for leg_id in request.leg_ids:
        kill(link, leg_id, HangupCause.ORIGINATOR_CANCEL)
