"""Leave the call to the dialplan, which rings the hunt group and then takes a voicemail."""

from appliance.actions.call import Call

FALL_BACK_VARIABLE = "appliance_fallback"
_HUNT = "hunt"


def fall_back(call: Call) -> None:
    """Close our session so that FreeSWITCH goes on with the next action of the extension.

    The variable tells the dialplan not to offer the call to the next controller.

    Raises:
        SwitchError: when the leg is already gone.
    """
    call.line.close()
    call.line.channel.set_variable(FALL_BACK_VARIABLE, _HUNT)
    call.line.channel.close()
