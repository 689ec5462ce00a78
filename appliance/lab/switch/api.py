"""The commands behind ``api`` and ``bgapi``, with the replies of mod_commands."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from appliance.lab.switch.limits import limit_usage, uuid_limit, uuid_limit_release
from appliance.lab.switch.originate import originate_command
from appliance.lab.switch.text import separate
from appliance.lab.switch.wire import Command

if TYPE_CHECKING:
    from appliance.lab.switch.channel import Channel
    from appliance.lab.switch.core import Core

Api = Callable[["Core", str], str]

VERSION = "1.10.12-bench"
_NO_CHANNEL = "-ERR No such channel!\n"
_COLUMNS = (
    "uuid", "direction", "created", "created_epoch", "name", "state", "cid_name", "cid_num",
    "ip_addr", "dest", "application", "application_data", "dialplan", "context", "read_codec",
    "read_rate", "read_bit_rate", "write_codec", "write_rate", "write_bit_rate", "secure",
    "hostname", "presence_id", "presence_data", "accountcode", "callstate", "callee_name",
    "callee_num", "callee_direction", "call_uuid", "sent_callee_name", "sent_callee_num",
    "initial_cid_name", "initial_cid_num", "initial_ip_addr", "initial_dest", "initial_dialplan",
    "initial_context",
)  # fmt: skip


def run_api(core: "Core", line: str) -> str:
    """Run ``COMMAND ARGUMENTS`` and give what it prints."""
    name, _, argument = line.partition(" ")
    command = COMMANDS.get(name)
    if command is None:
        return f"-ERR {name} Command not found!\n"
    return command(core, argument.strip())


def _status(core: "Core", _argument: str) -> str:
    seconds = int(time.perf_counter() - core.started_at)
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    return (
        f"UP 0 years, {days} days, {hours} hours, {minutes} minutes, {seconds} seconds, "
        "0 milliseconds, 0 microseconds\n"
        f"FreeSWITCH (Version {VERSION}) is ready\n"
        f"{core.total_channels} session(s) since startup\n"
        f"{len(core.channels)} session(s) - peak {core.peak_channels}, "
        f"last 5min {core.peak_channels} \n"
        "0 session(s) per Sec out of max 1000, peak 0, last 5min 0 \n"
        "10000 session(s) max\n"
        "min idle cpu 0.00/99.00\n"
    )


def _version(_core: "Core", argument: str) -> str:
    return "1.10.12\n" if argument == "short" else f"FreeSWITCH Version {VERSION} (bench)\n"


def _bridge(core: "Core", argument: str) -> str:
    uuids = separate(argument, " ", 4)
    if len(uuids) < 2:
        return "-USAGE: <uuid> <other_uuid>\n"
    for other in uuids[1:3]:
        if core.uuid_bridge(uuids[0], other):
            return f"+OK {other}\n"
    return "-ERR Invalid uuid\n"


def _transfer(core: "Core", argument: str) -> str:
    parts = separate(argument, " ", 5)
    if len(parts) < 2:
        return "-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n"
    channel = core.located(parts[0])
    if channel is None:
        return _NO_CHANNEL
    targets = [channel]
    if parts[1].startswith("-"):
        option = parts.pop(1).lower()
        other = channel.other_leg if channel.bridge is not None else None
        if other is not None and option in ("-bleg", "-both"):
            targets = [other] if option == "-bleg" else [other, channel]
    extension, dialplan, context = [*parts[1:], "", "", ""][:3]
    for target in targets:
        target.transfer(extension, dialplan, context)
    return "+OK\n"


def _kill(core: "Core", argument: str) -> str:
    uuid, _, cause = argument.partition(" ")
    channel = core.located(uuid)
    if channel is None:
        return _NO_CHANNEL
    channel.hang_up(core.cause(cause or "NORMAL_CLEARING"))
    return "+OK\n"


def _setvar(core: "Core", argument: str) -> str:
    parts = separate(argument, " ", 3)
    if len(parts) < 2:
        return "-USAGE: <uuid> <var> [value]\n"
    channel = core.located(parts[0])
    if channel is None:
        return _NO_CHANNEL
    channel.set_variable(parts[1], parts[2] if len(parts) == 3 else None)
    return "+OK\n"


def _setvar_multi(core: "Core", argument: str) -> str:
    uuid, _, assignments = argument.partition(" ")
    channel = core.located(uuid)
    if channel is None:
        return _NO_CHANNEL
    for assignment in separate(assignments, ";"):
        name, _, value = assignment.partition("=")
        channel.set_variable(name, value)
    return "+OK\n"


def _getvar(core: "Core", argument: str) -> str:
    parts = separate(argument, " ", 4)
    if len(parts) < 2:
        return "-USAGE: <uuid> <var>\n"
    channel = core.located(parts[0])
    if channel is None:
        return _NO_CHANNEL
    value = channel.variable(parts[1])
    return "_undef_" if value is None else value


def _exists(core: "Core", argument: str) -> str:
    return "true" if core.located(argument) is not None else "false"


def _module_exists(core: "Core", argument: str) -> str:
    return "true" if argument in core.modules else "false"


def _set_media_stats(core: "Core", argument: str) -> str:
    channel = core.located(argument)
    if channel is None:
        return f"-ERR No such channel {argument}!\n"
    packets = str(channel.media.packets)
    channel.set_variable("rtp_audio_in_media_packet_count", packets)
    return "+OK:\n"


def _record(core: "Core", argument: str) -> str:
    parts = separate(argument, " ", 5)
    if len(parts) < 3:
        return "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]\n"
    channel = core.located(parts[0])
    if channel is None:
        return "-ERR Cannot locate session!\n"
    if parts[1] == "start":
        if channel.media.start_recording(parts[2]):
            return "+OK Success\n"
        return "-ERR Cannot record session!\n"
    if parts[1] == "stop":
        if channel.media.stop_recording(parts[2]):
            return "+OK Success\n"
        return "-ERR Cannot stop record session!\n"
    return "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]\n"


def _broadcast(core: "Core", argument: str) -> str:
    parts = separate(argument, " ", 3)
    if len(parts) < 2:
        return "-USAGE: <uuid> <path> [aleg|bleg|holdb|both]\n"
    channel = core.located(parts[0])
    if channel is None:
        return "-ERR invalid uuid\n"
    application, separator, data = parts[1].partition("::")
    if not separator:
        application, data = "playback", parts[1]
    headers = {
        "call-command": "execute",
        "execute-app-name": application,
        "execute-app-arg": data,
    }
    channel.queue(Command("sendmsg", headers))
    return "+OK Message sent\n"


def _park(core: "Core", argument: str) -> str:
    channel = core.located(argument)
    if channel is None:
        return _NO_CHANNEL
    core.park(channel)
    return "+OK\n"


def _reloadxml(core: "Core", _argument: str) -> str:
    core.fire_plain("RELOADXML")
    return "+OK [Success]\n"


def _show(core: "Core", argument: str) -> str:
    words = argument.split()
    if not words or words[0] not in ("channels", "calls"):
        return "-USAGE: codec|endpoint|...|channels|calls|registrations [as ...]\n"
    rows = [_row(channel) for channel in core.channels.values()]
    count_only = "count" in words
    if words[-1] == "json":
        if count_only:
            return json.dumps({"row_count": len(rows)})
        return json.dumps({"row_count": len(rows), "rows": rows} if rows else {"row_count": 0})
    if count_only:
        return f"\n{len(rows)} total.\n"
    lines = [",".join(row[column] for column in _COLUMNS) for row in rows]
    table = "\n".join([",".join(_COLUMNS), *lines]) + "\n" if rows else ""
    return f"{table}\n{len(rows)} total.\n"


def _row(channel: "Channel") -> dict[str, str]:
    profile = channel.profile
    row = dict.fromkeys(_COLUMNS, "")
    row |= {
        "uuid": channel.uuid,
        "direction": channel.direction,
        "created_epoch": str(channel.created_us // 1_000_000),
        "name": channel.name,
        "state": channel.state.name,
        "cid_name": profile.caller_id_name,
        "cid_num": profile.caller_id_number,
        "ip_addr": "127.0.0.1",
        "dest": profile.destination_number,
        "application": channel.variables.get("current_application", ""),
        "application_data": channel.variables.get("current_application_data", ""),
        "dialplan": profile.dialplan,
        "context": profile.context,
        "read_codec": channel.variables.get("read_codec", ""),
        "read_rate": str(channel.rate_hz),
        "write_codec": channel.variables.get("read_codec", ""),
        "write_rate": str(channel.rate_hz),
        "hostname": "bench",
        "callstate": channel.call_state,
        "call_uuid": channel.variables.get("call_uuid", ""),
    }
    return row


COMMANDS: dict[str, Api] = {
    "limit_usage": limit_usage,
    "module_exists": _module_exists,
    "originate": originate_command,
    "reloadxml": _reloadxml,
    "show": _show,
    "status": _status,
    "uuid_bridge": _bridge,
    "uuid_broadcast": _broadcast,
    "uuid_exists": _exists,
    "uuid_getvar": _getvar,
    "uuid_kill": _kill,
    "uuid_limit": uuid_limit,
    "uuid_limit_release": uuid_limit_release,
    "uuid_park": _park,
    "uuid_record": _record,
    "uuid_set_media_stats": _set_media_stats,
    "uuid_setvar": _setvar,
    "uuid_setvar_multi": _setvar_multi,
    "uuid_transfer": _transfer,
    "version": _version,
}
