"""Send the caller on to an extension at once, for targets that are set up so.

The dialplan of the internal context rings the phone and has its own fall-back (voicemail), so the
caller is safe without us; there is nothing to announce and nobody to ask.
"""

from uuid import uuid4

from appliance.actions.call import Call
from appliance.calls.directory import Target, checked_extension
from appliance.calls.errors import SwitchError
from appliance.calls.events import TransferEnded, TransferStarted
from appliance.calls.transfer import TransferMode, TransferResult
from appliance.media.playback import Playback
from appliance.switch import commands

_LAST_WORDS_S = 10.0


def blind_transfer(
    call: Call, target: Target, attempt: int, meanwhile: Playback | None
) -> TransferResult:
    """Hand the caller's leg to the dialplan at the target's first extension.

    Args:
        attempt: counts the transfers of this call from 1.
        meanwhile: what is being said to the caller; heard to its end first.
    """
    extension = checked_extension(target.extensions[0])
    call.log.record(
        TransferStarted, transfer=attempt, target_id=target.id, target_name=target.name,
        extensions=(extension,), mode=TransferMode.BLIND.value, leg_id=str(uuid4()),
    )  # fmt: skip
    if meanwhile is not None:
        meanwhile.wait(_LAST_WORDS_S)
    result, cause = TransferResult.CONNECTED, ""
    try:
        commands.transfer(call.switch, call.call_id, extension, call.config.desk_context)
    except SwitchError as error:
        result, cause = TransferResult.FAILED, f"{error.code}: {error}"
    call.log.record(TransferEnded, transfer=attempt, result=result.value, cause=cause)
    return result
