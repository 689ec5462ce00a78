"""The person at the desk hears who is calling and why, and presses a key to be connected."""

import time

from gevent.queue import Empty

from appliance.actions.call import Call
from appliance.actions.line import Line
from appliance.calls.events import Speaker
from appliance.calls.transfer import TransferResult
from appliance.media.playback import Playback
from appliance.switch.call_channel import CallChannel

ACCEPT, DECLINE = "1", "2"
ANNOUNCEMENTS = 2
_MEDIA_TIMEOUT_S = 3.0
_POLL_S = 0.25
_HANGUP_EVENTS = frozenset({"CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE"})


def ask_desk(call: Call, channel: CallChannel, announcement: str) -> TransferResult:
    """Announce the call to whoever answered, and wait for their key.

    Returns:
        CONNECTED when they accepted, DECLINED for 2 or a hang-up, NO_RESPONSE when no key came
        after the announcement was said twice, NO_MEDIA when no audio came from the phone.

    Raises:
        SwitchError: when the leg is gone before its audio could be taken.
    """
    desk = Line(channel, call.line.voice)
    desk.open()
    try:
        if not desk.audio.first_frame(_MEDIA_TIMEOUT_S):
            return TransferResult.NO_MEDIA
        call.log.turn(speaker=Speaker.DESK, text=announcement, source="prompt")
        patience_s = call.config.accept_timeout_s / ANNOUNCEMENTS
        for _ in range(ANNOUNCEMENTS):
            key = _key(channel, desk.say(announcement), patience_s)
            if key is not None:
                return TransferResult.CONNECTED if key == ACCEPT else TransferResult.DECLINED
        return TransferResult.NO_RESPONSE
    finally:
        desk.close()


def _key(channel: CallChannel, spoken: Playback, patience_s: float) -> str | None:
    """The first of 1 and 2; empty when the desk hung up; None when nothing came in time.

    Patience begins when the announcement has been heard to its end, so a long one costs nobody
    their time to think.
    """
    deadline: float | None = None
    while deadline is None or time.monotonic() < deadline:
        if deadline is None and spoken.done.is_set():
            deadline = time.monotonic() + patience_s
        try:
            event = channel.events.get(timeout=_POLL_S)
        except Empty:
            continue
        if event is None or event.get("Event-Name") in {
            "CHANNEL_HANGUP",
            "CHANNEL_HANGUP_COMPLETE",
        }:
            return ""
        if event.get("Event-Name") == "DTMF" and event.get("DTMF-Digit") in {ACCEPT, DECLINE}:
            return str(event.get("DTMF-Digit"))
    return None
