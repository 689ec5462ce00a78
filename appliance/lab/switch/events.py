"""Building events with the headers that FreeSWITCH puts on them."""

import itertools
import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

from appliance.lab.switch.wire import BenchEvent

if TYPE_CHECKING:
    from appliance.lab.switch.channel import Channel

CORE_UUID = "b0000000-0000-4000-8000-00000000be4c"
HOSTNAME = "bench"
_sequence = itertools.count(1)

WITHOUT_VARIABLES = frozenset({"CHANNEL_STATE", "CHANNEL_CALLSTATE", "DTMF", "CHANNEL_OUTGOING"})
"""Channel events on which ``switch_channel_event_set_extended_data`` leaves variables out."""

MY_EVENTS = frozenset(
    {
        "CHANNEL_ANSWER", "CHANNEL_APPLICATION", "CHANNEL_BRIDGE", "CHANNEL_CREATE",
        "CHANNEL_DATA", "CHANNEL_DESTROY", "CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE",
        "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_ORIGINATE", "CHANNEL_UUID",
        "CHANNEL_OUTGOING", "CHANNEL_PARK", "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA",
        "CHANNEL_STATE", "CHANNEL_UNBRIDGE", "CHANNEL_UNPARK", "DETECTED_SPEECH", "DTMF",
        "NOTALK", "TALK",
    }
)  # fmt: skip
"""What ``myevents`` subscribes to."""

KNOWN_EVENTS = MY_EVENTS | {
    "ALL", "API", "BACKGROUND_JOB", "CALL_UPDATE", "CHANNEL_CALLSTATE", "CHANNEL_HOLD",
    "CHANNEL_UNHOLD", "CODEC", "CUSTOM", "HEARTBEAT", "MEDIA_BUG_START", "MEDIA_BUG_STOP",
    "MESSAGE", "MODULE_LOAD", "PLAYBACK_START", "PLAYBACK_STOP", "PRESENCE_IN", "RECORD_START",
    "RECORD_STOP", "RELOADXML", "SHUTDOWN", "STARTUP",
}  # fmt: skip
"""The names that ``event`` accepts; any other is passed over in silence, as on the real switch."""


@lru_cache(maxsize=2)
def _dates(second: int) -> tuple[str, str]:
    """A second of the epoch as local date and as GMT; many events share it."""
    local = datetime.fromtimestamp(second).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return local, formatdate(second, usegmt=True)


def base_headers(name: str) -> dict[str, str]:
    """What every event carries."""
    now = time.time()
    local, gmt = _dates(int(now))
    return {
        "Event-Name": name,
        "Core-UUID": CORE_UUID,
        "FreeSWITCH-Hostname": HOSTNAME,
        "FreeSWITCH-Switchname": HOSTNAME,
        "FreeSWITCH-IPv4": "127.0.0.1",
        "FreeSWITCH-IPv6": "::1",
        "Event-Date-Local": local,
        "Event-Date-GMT": gmt,
        "Event-Date-Timestamp": str(int(now * 1_000_000)),
        "Event-Calling-File": "bench.py",
        "Event-Calling-Function": "fire",
        "Event-Calling-Line-Number": "1",
        "Event-Sequence": str(next(_sequence)),
    }


def profile_headers(channel: "Channel", prefix: str) -> dict[str, str]:
    """``switch_caller_profile_event_set_data``: who calls whom. Empty values are left out."""
    profile = channel.profile
    direction = channel.direction
    values = {
        "Direction": direction,
        "Logical-Direction": direction,
        "Username": profile.caller_id_number,
        "Dialplan": profile.dialplan,
        "Caller-ID-Name": profile.caller_id_name,
        "Caller-ID-Number": profile.caller_id_number,
        "Orig-Caller-ID-Name": profile.caller_id_name,
        "Orig-Caller-ID-Number": profile.caller_id_number,
        "Callee-ID-Name": profile.callee_id_name,
        "Callee-ID-Number": profile.callee_id_number,
        "Network-Addr": "127.0.0.1",
        "ANI": profile.caller_id_number,
        "Destination-Number": profile.destination_number,
        "Unique-ID": channel.uuid,
        "Source": "mod_sofia",
        "Context": profile.context,
        "RDNIS": profile.rdnis,
        "Channel-Name": channel.name,
        "Profile-Index": str(channel.profile_index),
        "Profile-Created-Time": str(channel.created_us),
        "Channel-Created-Time": str(channel.created_us),
        "Channel-Answered-Time": str(channel.answered_us),
        "Channel-Hangup-Time": str(channel.hung_up_us),
        "Channel-Bridged-Time": str(channel.bridged_us),
        "Screen-Bit": "true",
        "Privacy-Hide-Name": "false",
        "Privacy-Hide-Number": "false",
    }
    return {f"{prefix}-{name}": value for name, value in values.items() if value}


def channel_headers(channel: "Channel", *, variables: bool) -> dict[str, str]:
    """``switch_channel_event_set_data``: state, codecs, profiles and, if asked, the variables."""
    rate = str(channel.rate_hz)
    codec = "G722" if channel.rate_hz == 16000 else "PCMU"
    headers = {
        "Channel-State": channel.state.name,
        "Channel-Call-State": channel.call_state,
        "Channel-State-Number": str(channel.state.value),
        "Channel-Name": channel.name,
        "Unique-ID": channel.uuid,
        "Call-Direction": channel.direction,
        "Presence-Call-Direction": channel.direction,
        "Channel-HIT-Dialplan": "true" if channel.direction == "inbound" else "false",
        "Channel-Call-UUID": channel.variables.get("call_uuid", channel.uuid),
        "Answer-State": channel.answer_state,
    }
    if channel.hangup_cause:
        headers["Hangup-Cause"] = channel.hangup_cause
    for side in ("Read", "Write"):
        headers[f"Channel-{side}-Codec-Name"] = codec
        headers[f"Channel-{side}-Codec-Rate"] = rate
        headers[f"Channel-{side}-Codec-Bit-Rate"] = "64000"
    headers |= profile_headers(channel, "Caller")
    other = channel.other_leg
    if other is not None:
        headers["Other-Type"] = "originatee" if other.direction == "outbound" else "originator"
        headers |= profile_headers(other, "Other-Leg")
    if variables:
        headers |= {f"variable_{name}": value for name, value in channel.variables.items()}
    return headers


def channel_event(
    name: str, channel: "Channel", extra: Mapping[str, str] | None = None
) -> BenchEvent:
    """An event about a channel."""
    headers = base_headers(name)
    headers |= channel_headers(channel, variables=name not in WITHOUT_VARIABLES)
    return BenchEvent(headers | dict(extra or {}))
