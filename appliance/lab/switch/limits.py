"""How many legs use a thing: FreeSWITCH's limits, as mod_hash counts them, without a maximum."""

from collections import Counter
from typing import TYPE_CHECKING

from appliance.lab.switch.text import separate

if TYPE_CHECKING:
    from appliance.lab.switch.channel import Channel
    from appliance.lab.switch.core import Core

_BACKEND, _MODULE = "hash", "mod_hash"
_EXCEEDED = "limit_exceeded"
_SYNTAX = "<uuid> <backend> <realm> <resource> [<max>[/interval]] [number [dialplan [context]]]"


class Limits:
    """The counts of one switch. A leg counts once, whatever it is asked for how often."""

    def __init__(self) -> None:
        """Nothing is counted."""
        self.usage: Counter[str] = Counter()
        self._of: dict[str, set[str]] = {}

    def count(self, channel: "Channel", key: str) -> None:
        """Count a leg, and tell it which of them it is by its variables."""
        counted = self._of.setdefault(channel.uuid, set())
        if key not in counted:
            counted.add(key)
            self.usage[key] += 1
        usage = str(self.usage[key])
        channel.set_variable("limit_usage", usage)
        channel.set_variable(f"limit_usage_{key}", usage)

    def release(self, channel: "Channel", key: str) -> None:
        """Count a leg no more."""
        counted = self._of.get(channel.uuid, set())
        if key in counted:
            counted.remove(key)
            self.usage[key] -= 1

    def release_all(self, channel: "Channel") -> None:
        """The leg ends, or is sent through the dialplan."""
        self.usage.subtract(self._of.pop(channel.uuid, ()))


def uuid_limit(core: "Core", argument: str) -> str:
    """The command of that name. A leg that cannot be counted is sent away, as by a full limit."""
    parts = separate(argument, " ", 8)
    if len(parts) < 4:
        return f"USAGE: uuid_limit {_SYNTAX}\n"
    channel = core.located(parts[0])
    if channel is None:
        return f"-ERR Cannot find session with uuid {parts[0]}\n"
    if len(parts) > 4 and not parts[4].startswith("-"):
        core.warn("uuid_limit: the bench knows no maximum")
    if parts[1] == _BACKEND and _MODULE in core.modules:
        core.limits.count(channel, "_".join(parts[2:4]))
    else:
        extension, dialplan, context = [*parts[5:], "", "", ""][:3]
        channel.transfer(extension or _EXCEEDED, dialplan, context)
    return "+OK"


def uuid_limit_release(core: "Core", argument: str) -> str:
    """The command of that name, for one thing or for all of them."""
    parts = separate(argument, " ", 5)
    if len(parts) < 2:
        return "USAGE: uuid_limit_release <uuid> <backend> [realm] [resource]\n"
    channel = core.located(parts[0])
    if channel is None:
        return f"-ERR Cannot find session with uuid {parts[0]}\n"
    if len(parts) < 4:
        core.limits.release_all(channel)
    else:
        core.limits.release(channel, "_".join(parts[2:4]))
    return "+OK"


def limit_usage(core: "Core", argument: str) -> str:
    """The command of that name."""
    parts = separate(argument, " ", 4)
    if len(parts) < 3:
        return "USAGE: limit_usage <backend> <realm> <id> [rate]\n"
    return str(core.limits.usage["_".join(parts[1:3])])
