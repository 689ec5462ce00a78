"""Leave the call to the dialplan, which rings the hunt group and then takes a voicemail."""

import structlog

from appliance.actions.call import Call
from appliance.calls.errors import SwitchError

FALL_BACK_VARIABLE = "appliance_fallback"
_HUNT = "hunt"


def fall_back(call: Call) -> None:
    """Close our session so that FreeSWITCH goes on with the next action of the extension.

    The variable tells the dialplan not to offer the call to the next controller. When it cannot be
    set the session is closed all the same: a caller who is offered once more is not lost.
    """
    call.line.close()
    try:
        call.line.channel.set_variable(FALL_BACK_VARIABLE, _HUNT)
    except SwitchError as error:
        structlog.get_logger().info("left without a word", call_id=call.call_id, error=str(error))
    call.line.channel.close()
