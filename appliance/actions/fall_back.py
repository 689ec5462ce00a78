"""Leave the call to the dialplan, which rings the hunt group and then takes a voicemail."""

from appliance.actions.call import Call

FALL_BACK_VARIABLE = "appliance_fall_back"


def fall_back(call: Call, reason: str) -> None:
    """Close our session so that FreeSWITCH goes on with the next action of the extension.

    Raises:
        SwitchError: when the leg is already gone.
    """
    call.line.close()
    call.line.channel.set_variable(FALL_BACK_VARIABLE, reason[:64])
    call.line.channel.close()
