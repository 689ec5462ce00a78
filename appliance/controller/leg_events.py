"""A caller's leg, as FreeSWITCH tells of it, turned into inputs of its session."""

from collections.abc import Callable
from typing import Final

from appliance.actions.call import Call
from appliance.controller.inputs import CallerPressed, Hangup, Input, SessionClosed

_HANGUP_EVENTS: Final = frozenset({"CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"})


def pump(call: Call, post: Callable[[Input], None]) -> None:
    """Post what happens on the leg until its Event Socket session ends; a greenlet's main."""
    channel = call.line.channel
    for event in iter(channel.events.get, None):
        name = event.get("Event-Name")
        if name == "CHANNEL_BRIDGE":
            call.bridged.set()
        elif name == "DTMF":
            post(CallerPressed(event.get("DTMF-Digit", "")))
        elif name in _HANGUP_EVENTS and event.get("Unique-ID") in {None, "", channel.uuid}:
            post(Hangup(event.get("Hangup-Cause", "UNKNOWN")))
            # Nobody hears the last words any more, so nobody need wait for them.
            call.line.fall_silent()
    post(SessionClosed())
