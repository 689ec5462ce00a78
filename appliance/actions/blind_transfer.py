"""Send the caller on to an extension at once, for targets that are set up so.

The dialplan of the internal context rings the phone and has its own fall-back (voicemail), so the
caller is safe without us; there is nothing to announce and nobody to ask. Until the command is sent
it can be called off like a phone that rings, and a caller who is still speaking is heard out for
that first. Once it is sent nothing calls it back.

It is sent once. When its answer is lost, what became of the leg tells what became of the
command: the call's own session goes on and tells where the dialplan has the leg, and FreeSWITCH can
be asked once the control link is back.
"""

import time
from uuid import uuid4

import gevent

from appliance.actions.call import Call
from appliance.actions.unbroken import unbroken
from appliance.calls.directory import Target, checked_extension
from appliance.calls.errors import (
    ApplianceError,
    SwitchError,
    SwitchGoneError,
    SwitchTimeoutError,
)
from appliance.calls.events import TransferEnded, TransferStarted
from appliance.calls.hangup import HangupCause
from appliance.calls.transfer import TransferMode, TransferResult
from appliance.media.playback import Playback
from appliance.switch import commands

# For our words to be over, and then for the caller's: a noisy line never falls quiet.
_LAST_WORDS_S = 10.0
# A leg that is sent on says so within milliseconds.
_TOLD_WITHIN_S = 1.0
# The caller hears it ring meanwhile. The link's first three attempts to come back fit in here.
_BACK_WITHIN_S = 3.0


def blind_transfer(
    call: Call, target: Target, attempt: int, meanwhile: Playback | None
) -> TransferResult:
    """Hand the caller's leg to the dialplan at the target's first extension.

    Nothing is raised: what goes wrong on the way is the result FAILED, with its cause on record.

    Args:
        attempt: counts the transfers of this call from 1.
        meanwhile: what is being said to the caller; heard to its end first, unless it is called
            off.
    """
    started = time.monotonic()
    call.log.record(
        TransferStarted, transfer=attempt, target_id=target.id, target_name=target.name,
        extensions=target.extensions[:1], mode=TransferMode.BLIND.value, leg_id=str(uuid4()),
    )  # fmt: skip
    result, cause = TransferResult.CALLER_HUNG_UP, ""
    try:
        result, cause = _sent_on(call, target, meanwhile)
    except ApplianceError as error:
        result, cause = TransferResult.FAILED, f"{error.code}: {error}"
    finally:
        call.log.record(
            TransferEnded, transfer=attempt, result=result.value, cause=cause,
            took_ms=round((time.monotonic() - started) * 1000),
        )  # fmt: skip
    return result


def _sent_on(call: Call, target: Target, meanwhile: Playback | None) -> tuple[TransferResult, str]:
    if not target.extensions:
        return TransferResult.UNREACHABLE, HangupCause.UNALLOCATED_NUMBER.value
    extension = checked_extension(target.extensions[0])
    with call.desks.deciding(call.call_id) as decision:
        ours = [] if meanwhile is None else [meanwhile.done]
        for last_word in (*ours, call.settled):
            gevent.wait([last_word, decision.stopped], timeout=_LAST_WORDS_S, count=1)
        if decision.stopped.is_set():
            return decision.result, decision.cause
    try:
        unbroken(f"blind-transfer-{call.call_id}", _send_on, call, extension)
    except gevent.GreenletExit:
        if not call.line.channel.sent_on.is_set():
            raise
    return TransferResult.CONNECTED, ""


def _send_on(call: Call, extension: str) -> None:
    """Have FreeSWITCH move the leg.

    Raises:
        SwitchError: refused.
        SwitchTimeoutError, SwitchGoneError: no answer, and as far as can be known it was not done.
    """
    linked = call.switch.connected
    try:
        commands.transfer(call.switch, call.call_id, extension, call.config.desk_context)
    except (SwitchTimeoutError, SwitchGoneError):
        if not (linked and _was_sent_on(call)):
            raise


def _was_sent_on(call: Call) -> bool:
    """Whether the leg has left the place in the dialplan where we were given it."""
    channel = call.line.channel
    if channel.sent_on.wait(_TOLD_WITHIN_S):
        return True
    if not call.switch.wait_connected(_BACK_WITHIN_S):
        return False
    try:
        there = commands.destination(call.switch, call.call_id)
    except SwitchError:
        return False
    return channel.sent_on.is_set() or there not in (None, channel.destination)
