"""The ``filter`` command: which events a connection still wants."""

import re
from collections.abc import Mapping


class EventFilter:
    """Header conditions; with any set, an event passes when one holds and no negated one does."""

    def __init__(self) -> None:
        """Without conditions everything passes."""
        self._conditions: list[tuple[str, str]] = []

    def command(self, argument: str) -> str:
        """Obey ``filter ARGUMENT`` and give the reply's text."""
        name, _, value = argument.partition(" ")
        if name.lower() == "delete" and value:
            name, _, value = value.partition(" ")
            self._delete(name, value)
            return f"+OK filter deleted. [{name}][{value}]"
        if name.lower() == "add":
            name, _, value = value.partition(" ")
        if not value:
            return "-ERR invalid syntax"
        self._conditions.append((name, value))
        return f"+OK filter added. [{name}]=[{value}]"

    def _delete(self, name: str, value: str) -> None:
        if name.lower() == "all":
            self._conditions.clear()
            return
        self._conditions = [
            (own, wanted)
            for own, wanted in self._conditions
            if own.lower() != name.lower() or (value and wanted != value)
        ]

    def passes(self, headers: Mapping[str, str]) -> bool:
        """Whether an event with these headers is sent."""
        if not self._conditions:
            return True
        send = False
        lower = {name.lower(): value for name, value in headers.items()}
        for name, wanted in self._conditions:
            value = lower.get(name.lower())
            if value is None:
                continue
            positive = not wanted.startswith("-")
            if send and positive:
                continue
            if _matches(value, wanted.lstrip("+- ")):
                if not positive:
                    return False
                send = True
        return send


def _matches(value: str, wanted: str) -> bool:
    if wanted.startswith("/") and len(wanted) > 1:
        try:
            return re.search(wanted.strip("/"), value) is not None
        except re.error:
            return False
    return value.lower() == wanted.lower()
