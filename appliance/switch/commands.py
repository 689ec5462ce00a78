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
_COUNTING_MODULE, _COUNTER = "mod_hash", "hash"


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


def destination(link: ControlLink, uuid: str) -> str | None:
    """The number or name that the dialplan has a leg at; None when there is no such leg.

    Raises:
        SwitchTimeoutError, SwitchGoneError: as `ControlLink.api`.
    """
    answer = link.api(f"uuid_getvar {identifier(uuid)} destination_number")
    return None if answer.startswith(("-ERR", "_undef_")) else answer


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


def count_in(link: ControlLink, uuid: str, realm: str, thing: str) -> int | None:
    """Count a leg among those that use ``thing``; how many they were with it, the leg's own place.

    It is one step in FreeSWITCH, so of several legs that are counted at once exactly one is the
    first. FreeSWITCH counts a leg no more when it ends, and when it is sent through the dialplan
    unless ``limit_ignore_transfer`` is set on it. None: this FreeSWITCH cannot count, or there is
    no such leg.

    Raises:
        SwitchError: the names are not plain words.
        SwitchTimeoutError, SwitchGoneError: as `ControlLink.api`.
    """
    key = f"{plain_word(realm)} {plain_word(thing)}"
    # Asked first because a leg that cannot be counted would be sent away.
    if link.api(f"module_exists {_COUNTING_MODULE}") != "true":
        return None
    link.api(f"uuid_limit {identifier(uuid)} {_COUNTER} {key} -1")
    place = link.api(f"uuid_getvar {identifier(uuid)} limit_usage_{realm}_{thing}")
    return int(place) if place.isascii() and place.isdecimal() else None


def count_out(link: ControlLink, uuid: str, realm: str, thing: str) -> None:
    """Count a leg no more among those that use ``thing``; one that was not counted is none.

    Raises: as `count_in`.
    """
    key = f"{plain_word(realm)} {plain_word(thing)}"
    link.api(f"uuid_limit_release {identifier(uuid)} {_COUNTER} {key}")
