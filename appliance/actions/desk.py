"""The person at the desk: hears who is calling and why, and takes the call with a key, or not."""

import gevent
from gevent.event import AsyncResult

from appliance.actions.call import Call
from appliance.actions.line import Line
from appliance.actions.mute import sends_nothing
from appliance.calls.events import Speaker
from appliance.calls.transfer import TransferResult
from appliance.switch.call_channel import CallChannel

ACCEPT, DECLINE = "1", "2"
ANNOUNCEMENTS = 2
_GONE = ""
_MEDIA_TIMEOUT_S = 3.0
_LONGEST_ANNOUNCEMENT_S = 60.0
_HANGUP_EVENTS = frozenset({"CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"})


def ask_desk(call: Call, channel: CallChannel, announcement: str) -> TransferResult:
    """Announce the call to whoever answered, and wait for their key.

    Returns:
        CONNECTED when they accepted, DECLINED for 2 or a hang-up, NO_RESPONSE when no key came
        after the announcement was said twice, NO_MEDIA when neither a key nor any audio came from
        the phone after it was said once.

    Raises:
        SwitchError: when FreeSWITCH does not let us take the leg's audio.
    """
    desk = Line(channel, call.line.voice)
    pressed: AsyncResult[str] = AsyncResult()
    keys = gevent.spawn(_watch_keys, channel, pressed)
    keys.name = f"desk-keys-{channel.uuid}"
    try:
        desk.open()
        if not desk.audio.first_frame(_MEDIA_TIMEOUT_S):
            return TransferResult.DECLINED if pressed.value == _GONE else TransferResult.NO_MEDIA
        call.log.turn(speaker=Speaker.DESK, text=announcement, source="prompt")
        return _ask(call, desk, announcement, pressed)
    finally:
        desk.close()
        keys.kill()


def _ask(call: Call, desk: Line, announcement: str, pressed: "AsyncResult[str]") -> TransferResult:
    """Say it, and wait for a key; up to twice.

    Patience begins when the announcement has been heard to its end, so a long one costs nobody
    their time to think.
    """
    patience_s = call.config.accept_timeout_s / ANNOUNCEMENTS
    for _ in range(ANNOUNCEMENTS):
        spoken = desk.say(announcement)
        gevent.wait([spoken.done, pressed], timeout=_LONGEST_ANNOUNCEMENT_S, count=1)
        pressed.wait(patience_s)
        if pressed.ready():
            accepted = pressed.value == ACCEPT
            return TransferResult.CONNECTED if accepted else TransferResult.DECLINED
        if sends_nothing(call.switch, desk.channel.uuid):
            return TransferResult.NO_MEDIA
    return TransferResult.NO_RESPONSE


def _watch_keys(channel: CallChannel, pressed: "AsyncResult[str]") -> None:
    """Give ``pressed`` the first of 1 and 2, or nothing but the news that the desk is gone."""
    for event in iter(channel.events.get, None):
        name = event.get("Event-Name")
        if name in _HANGUP_EVENTS:
            break
        if name == "DTMF" and event.get("DTMF-Digit") in {ACCEPT, DECLINE}:
            pressed.set(event.get("DTMF-Digit"))
            return
    pressed.set(_GONE)
