"""Send the caller on to an extension at once, for targets that are set up so.

The dialplan of the internal context rings the phone and has its own fall-back (voicemail), so the
caller is safe without us; there is nothing to announce and nobody to ask.
"""

import time
from uuid import uuid4

from appliance.actions.call import Call
from appliance.actions.unbroken import unbroken
from appliance.calls.directory import Target, checked_extension
from appliance.calls.errors import ApplianceError
from appliance.calls.events import TransferEnded, TransferStarted
from appliance.calls.hangup import HangupCause
from appliance.calls.transfer import TransferMode, TransferResult
from appliance.media.playback import Playback
from appliance.switch import commands

_LAST_WORDS_S = 10.0


def blind_transfer(
    call: Call, target: Target, attempt: int, meanwhile: Playback | None
) -> TransferResult:
    """Hand the caller's leg to the dialplan at the target's first extension.

    Nothing is raised: what goes wrong on the way is the result FAILED, with its cause on record.

    Args:
        attempt: counts the transfers of this call from 1.
        meanwhile: what is being said to the caller; heard to its end first.
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
    if meanwhile is not None:
        meanwhile.wait(_LAST_WORDS_S)
    unbroken(
        f"blind-transfer-{call.call_id}", commands.transfer, call.switch, call.call_id, extension,
        call.config.desk_context,
    )  # fmt: skip
    return TransferResult.CONNECTED, ""
