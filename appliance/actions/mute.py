"""Telling a phone that sends no audio from a person who says nothing."""

from appliance.actions.unbroken import unbroken
from appliance.calls.errors import SwitchError
from appliance.switch import commands
from appliance.switch.control_link import ControlLink


def sends_nothing(link: ControlLink, leg_id: str) -> bool:
    """Whether FreeSWITCH has had no packet of audio from a leg; False when it does not say."""
    try:
        return unbroken(f"packets-{leg_id}", commands.media_packets, link, leg_id) == 0
    except SwitchError:
        return False
