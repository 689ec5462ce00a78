"""The person at the desk: hears who is calling and why, and takes the call with a key, or not."""

import gevent

from appliance.actions.call import Call
from appliance.actions.desks import ACCEPT, DECLINE, GONE, DeskDecision
from appliance.actions.line import Line
from appliance.actions.mute import sends_nothing
from appliance.calls.events import Speaker
from appliance.calls.transfer import TransferResult
from appliance.switch.call_channel import CallChannel

ANNOUNCEMENTS = 2
_MEDIA_TIMEOUT_S = 3.0
_LONGEST_ANNOUNCEMENT_S = 60.0
_HANGUP_EVENTS = frozenset({"CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"})


def ask_desk(
    call: Call, channel: CallChannel, announcement: str, decision: DeskDecision
) -> TransferResult:
    """Announce the call to whoever answered, and wait for their key.

    Whoever has decided already, elsewhere, is told nothing more.

    Returns:
        CONNECTED when they accepted, DECLINED for 2 or a hang-up, CALLED_OFF when it was,
        NO_RESPONSE when no key came after the announcement was said twice, NO_MEDIA when neither a
        key nor any audio came from the phone after it was said once.

    Raises:
        SwitchError: when FreeSWITCH does not let us take the leg's audio.
    """
    desk = Line(channel, call.line.voice)
    keys = gevent.spawn(_watch_keys, channel, decision)
    keys.name = f"desk-keys-{channel.uuid}"
    try:
        desk.open()
        if not desk.audio.first_frame(_MEDIA_TIMEOUT_S):
            gone = decision.made.value == GONE
            return TransferResult.DECLINED if gone else TransferResult.NO_MEDIA
        if not decision.made.ready():
            call.log.turn(speaker=Speaker.DESK, text=announcement, source="prompt")
        return _ask(call, desk, announcement, decision)
    finally:
        desk.close()
        keys.kill()


def _ask(call: Call, desk: Line, announcement: str, decision: DeskDecision) -> TransferResult:
    """Say it, and wait for a key; up to twice.

    Patience begins when the announcement has been heard to its end, so a long one costs nobody
    their time to think.
    """
    patience_s = call.config.accept_timeout_s / ANNOUNCEMENTS
    made = decision.made
    for _ in range(ANNOUNCEMENTS):
        if not made.ready():
            spoken = desk.say(announcement)
            gevent.wait([spoken.done, made], timeout=_LONGEST_ANNOUNCEMENT_S, count=1)
            made.wait(patience_s)
        if made.ready():
            return decision.result
        if sends_nothing(call.switch, desk.channel.uuid):
            return TransferResult.NO_MEDIA
    return TransferResult.NO_RESPONSE


def _watch_keys(channel: CallChannel, decision: DeskDecision) -> None:
    """Decide by the first of 1 and 2, or by the desk's being gone."""
    for event in iter(channel.events.get, None):
        name = event.get("Event-Name")
        if name in _HANGUP_EVENTS:
            break
        if name == "DTMF" and event.get("DTMF-Digit") in {ACCEPT, DECLINE}:
            decision.make(event.get("DTMF-Digit", ""))
            return
    decision.make(GONE)
