"""What the appliance asks of FreeSWITCH, as typed verbs over a control link.

None of them is repeated by itself: a verb that places or moves a call and fails with
`SwitchTimeoutError` or `SwitchGoneError` may have been carried out.

Nothing a caller chose reaches FreeSWITCH here without passing `escaping`: a name can add neither
a variable nor an endpoint nor a command.
"""

from appliance.calls.hangup import HangupCause
from appliance.switch.connection import expect_ok
from appliance.switch.control_link import ControlLink
from appliance.switch.escaping import argument, identifier, plain_word, variable_name

_PACKETS_VARIABLE = "rtp_audio_in_media_packet_count"


def bridge(link: ControlLink, a: str, b: str) -> None:
    """Connect two answered legs with each other.

    Raises:
        SwitchError: refused; one of them is gone, most of the time.
        SwitchTimeoutError, SwitchGoneError: as `ControlLink.api`.
    """
    expect_ok(link.api(f"uuid_bridge {identifier(a)} {identifier(b)}"), "uuid_bridge")


def kill(link: ControlLink, uuid: str, cause: HangupCause = HangupCause.NORMAL_CLEARING) -> bool:
    """End a leg; False when there is no such leg (any more).

    Raises:
        SwitchTimeoutError, SwitchGoneError: as `ControlLink.api`.
    """
    return link.api(f"uuid_kill {identifier(uuid)} {cause.value}").startswith("+OK")


def transfer(link: ControlLink, uuid: str, extension: str, context: str) -> None:
    """Send a leg through the dialplan again, to ``extension`` in ``context``.

    Raises:
        SwitchError: refused, or not a plain word.
        SwitchTimeoutError, SwitchGoneError: as `ControlLink.api`.
    """
    command = f"uuid_transfer {identifier(uuid)} {plain_word(extension)} XML {plain_word(context)}"
    expect_ok(link.api(command), "uuid_transfer")


def set_variable(link: ControlLink, uuid: str, name: str, value: str) -> None:
    """Set a leg's channel variable, exactly: nothing in ``value`` is expanded or cut.

    Raises:
        SwitchError: refused (no such leg), or a line break in the value.
        SwitchTimeoutError, SwitchGoneError: as `ControlLink.api`.
    """
    command = f"uuid_setvar {identifier(uuid)} {variable_name(name)} {argument(value)}"
    expect_ok(link.api(command), "uuid_setvar")


def exists(link: ControlLink, uuid: str) -> bool:
    """Whether there is such a leg.

    Raises:
        SwitchTimeoutError, SwitchGoneError: as `ControlLink.api`.
    """
    return link.api(f"uuid_exists {identifier(uuid)}") == "true"


def media_packets(link: ControlLink, uuid: str) -> int | None:
    """How many packets of audio a leg's phone has sent so far.

    With an RTP timer FreeSWITCH reads a phone that sends nothing as one that sends silence, so this
    is the only way to tell them apart. None: there is no such leg, or FreeSWITCH gives no number.

    Raises:
        SwitchTimeoutError, SwitchGoneError: as `ControlLink.api`.
    """
    if not link.api(f"uuid_set_media_stats {identifier(uuid)}").startswith("+OK"):
        return None
    count = link.api(f"uuid_getvar {identifier(uuid)} {_PACKETS_VARIABLE}")
    return int(count) if count.isascii() and count.isdecimal() else None
