"""Dialplan applications: what ``sendmsg execute`` and the dialplan can run on a channel."""

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.calls.errors import ConfigurationError
from appliance.lab.clock import FRAME_S
from appliance.lab.sound import frames_of, read_wav, tone
from appliance.lab.switch.channel import State
from appliance.lab.switch.text import holds_reference, is_true, separate
from appliance.lab.switch.wire import Command

if TYPE_CHECKING:
    from appliance.lab.switch.channel import Channel

Application = Callable[["Channel", str], None]


def run_actions(channel: "Channel") -> None:
    """CS_EXECUTE: the dialplan's actions one after the other, then the end of the call."""
    while channel.actions and channel.ready and channel.state is State.CS_EXECUTE:
        action = channel.actions.popleft()
        channel.core.trace(channel, action)
        execute(channel, action.application, action.data)
    if channel.ready and channel.state is State.CS_EXECUTE:
        channel.hang_up("NORMAL_CLEARING")


def execute(
    channel: "Channel", application: str, data: str, app_uuid: str = "", name: str = ""
) -> None:
    """Run one application between its CHANNEL_EXECUTE and CHANNEL_EXECUTE_COMPLETE."""
    run = APPLICATIONS.get(application)
    if run is None:
        channel.core.warn(f"Invalid Application {application}")
        channel.hang_up("DESTINATION_OUT_OF_ORDER")
        return
    argument = channel.expand(data)
    about = {"Application": application}
    if argument:
        about["Application-Data"] = argument
    about["Application-UUID"] = app_uuid or str(uuid.uuid4())
    if name:
        about["Application-UUID-Name"] = name
    channel.set_variable("current_application", application)
    channel.set_variable("current_application_data", argument)
    channel.variables.pop("current_application_response", None)
    channel.fire("CHANNEL_EXECUTE", about)
    run(channel, argument)
    response = channel.variables.get("current_application_response", "_none_")
    channel.fire("CHANNEL_EXECUTE_COMPLETE", about | {"Application-Response": response})


def obey(channel: "Channel", command: Command) -> None:
    """``switch_ivr_parse_event``: one ``sendmsg``."""
    header = command.headers
    match header.get("call-command", "").lower():
        case "execute":
            data = header.get("execute-app-arg", "")
            if not data and header.get("content-type", "").lower() == "text/plain":
                data = command.body
            started = time.perf_counter()
            for _ in range(max(int(header.get("loops", "1") or 1), 1)):
                execute(
                    channel,
                    header.get("execute-app-name", ""),
                    data,
                    header.get("event-uuid", ""),
                    header.get("event-uuid-name", ""),
                )
                if not channel.ready or time.perf_counter() - started < 0.5:
                    break
        case "unicast":
            channel.media.start_unicast(command)
        case "hangup":
            channel.hang_up(channel.core.cause(header.get("hangup-cause", "NORMAL_CLEARING")))
        case other:
            channel.core.warn(f"sendmsg: unknown call-command {other!r}")


def park(channel: "Channel", _argument: str = "") -> None:
    """``switch_ivr_park``: wait, obeying ``sendmsg``, until somebody moves the channel on.

    Losing its controller ends the park of a ``socket`` application.
    """
    if channel.controlled:
        channel.core.warn("Cannot park channels that are under control already.")
        return
    channel.controlled = True
    channel.fire("CHANNEL_PARK")
    channel.idle(None, lambda: not channel.controlled)
    channel.controlled = False
    channel.fire("CHANNEL_UNPARK")
    channel.media.stop_unicast()


def _park(channel: "Channel", argument: str) -> None:
    if not channel.controlled:
        channel.media.fresh_park()
    park(channel, argument)


def _socket(channel: "Channel", argument: str) -> None:
    """Connect to the first controller that takes the call, and park under its control.

    A controller that goes before it has said ``connect`` is waited for all the same, as on the real
    switch, until something else moves the channel on.
    """
    channel.media.fresh_park()
    session = channel.core.dial_controller(channel, argument)
    if session is None:
        return
    channel.idle(None, lambda: session.connected)
    if channel.ready:
        park(channel)
        while channel.commands and channel.ready:
            obey(channel, channel.commands.popleft())


def _answer(channel: "Channel", _argument: str) -> None:
    channel.answer()


def _hangup(channel: "Channel", argument: str) -> None:
    channel.hang_up(channel.core.cause(argument or "NORMAL_CLEARING"))


def _set(channel: "Channel", argument: str) -> None:
    name, _, value = argument.partition("=")
    channel.set_variable(name.strip(), None if holds_reference(value) else value)


def _multiset(channel: "Channel", argument: str) -> None:
    for assignment in separate(argument, " "):
        _set(channel, assignment)


def _unset(channel: "Channel", argument: str) -> None:
    channel.set_variable(argument, None)


def _export(channel: "Channel", argument: str) -> None:
    name, _, value = argument.removeprefix("nolocal:").partition("=")
    if not argument.startswith("nolocal:"):
        channel.set_variable(name, value)
    exported = channel.variables.get("export_vars", "")
    channel.set_variable("export_vars", f"{exported},{name}" if exported else name)


def _sleep(channel: "Channel", argument: str) -> None:
    channel.idle(int(argument or "0") / 1000)


def _sound(argument: str, rate_hz: int) -> bytes:
    if argument.startswith("silence_stream://"):
        milliseconds = int(argument.removeprefix("silence_stream://").split(",")[0])
        return bytes(rate_hz * milliseconds // 1000 * 2)
    if argument.startswith("tone_stream://"):
        return tone(rate_hz, 1.0)
    return read_wav(Path(argument), rate_hz)


def _playback(channel: "Channel", argument: str) -> None:
    """Play a WAV file, ``silence_stream://MS`` or ``tone_stream://``. Ends the unicast for good."""
    channel.media.stop_unicast()
    try:
        pcm = _sound(argument, channel.rate_hz)
    except (ConfigurationError, ValueError):
        channel.set_variable("current_application_response", "FILE NOT FOUND")
        return
    about = {"Playback-File-Path": argument, "Playback-File-Type": "file"}
    channel.answer()
    channel.fire("PLAYBACK_START", about)
    due = time.perf_counter()
    for frame in frames_of(pcm, channel.rate_hz):
        if not channel.ready:
            break
        channel.media.to_phone(frame)
        due += FRAME_S
        channel.idle(max(due - time.perf_counter(), 0.0))
    channel.fire("PLAYBACK_STOP", about | {"Playback-Status": "done"})
    channel.set_variable("current_application_response", "FILE PLAYED")


def _record_session(channel: "Channel", argument: str) -> None:
    channel.media.start_recording(argument.split("+")[0])


def _stop_record_session(channel: "Channel", argument: str) -> None:
    channel.media.stop_recording(argument)


def _bridge(channel: "Channel", argument: str) -> None:
    """Ring phones and connect the first that answers; the caller waits meanwhile."""
    result = channel.core.originate(argument, channel)
    channel.set_variable("originate_disposition", result.cause)
    if result.channel is not None:
        channel.core.bridge(channel, result.channel)
    elif channel.ready and not is_true(channel.variables.get("continue_on_fail")):
        channel.hang_up(result.cause)


def _record(channel: "Channel", argument: str) -> None:
    """Record the caller into ``PATH [SECONDS]``, as voicemail does, until they hang up."""
    path, limit_s = [*separate(argument, " ", 2), "60"][:2]
    channel.media.start_recording(path)
    channel.idle(float(limit_s))
    channel.media.stop_recording(path)


def _sched_transfer(channel: "Channel", argument: str) -> None:
    when, extension, dialplan, context = [*separate(argument, " ", 4), "", "", ""][:4]
    channel.core.schedule(
        channel,
        float(when.removeprefix("+")),
        lambda: channel.transfer(extension, dialplan, context),
    )


def _sched_cancel(channel: "Channel", _argument: str) -> None:
    channel.core.unschedule(channel)


def _transfer(channel: "Channel", argument: str) -> None:
    extension, dialplan, context = [*separate(argument, " ", 3), "", "", ""][:3]
    channel.transfer(extension, dialplan, context)


def _log(channel: "Channel", argument: str) -> None:
    channel.core.warn(f"{channel.uuid}: {argument}")


APPLICATIONS: dict[str, Application] = {
    "answer": _answer,
    "bridge": _bridge,
    "export": _export,
    "hangup": _hangup,
    "log": _log,
    "multiset": _multiset,
    "park": _park,
    "playback": _playback,
    "record": _record,
    "record_session": _record_session,
    "sched_cancel": _sched_cancel,
    "sched_transfer": _sched_transfer,
    "set": _set,
    "sleep": _sleep,
    "socket": _socket,
    "stop_record_session": _stop_record_session,
    "transfer": _transfer,
    "unset": _unset,
}
"""By name. An application that is not here hangs the call up, as an unknown one does."""
