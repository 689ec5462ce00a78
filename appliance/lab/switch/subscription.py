"""What an Event Socket connection wants to be told, by ``event``, ``myevents`` and ``filter``."""

from appliance.lab.switch.events import KNOWN_EVENTS, MY_EVENTS
from appliance.lab.switch.filters import EventFilter
from appliance.lab.switch.wire import BenchEvent, Command, command_reply

_FORMATS = ("plain", "json", "xml")


class Subscription:
    """The events of one connection, their format and their filters.

    Attributes:
        of_channel: only events of this channel, and of jobs it began; empty for any.
    """

    def __init__(self) -> None:
        """Nothing is wanted yet."""
        self.of_channel = ""
        self._names: set[str] = set()
        self._subclasses: set[str] = set()
        self._listening = False
        self._format = "plain"
        self._filter = EventFilter()

    def wants(self, event_name: str, channel_uuid: str, owner_uuid: str) -> bool:
        """Whether such an event may have to be sent; without looking at its headers."""
        if not self._listening or not ({"ALL", event_name} & self._names):
            return False
        return not self.of_channel or self.of_channel in (channel_uuid, owner_uuid)

    def passes(self, event: BenchEvent) -> bool:
        """Whether an event that :meth:`wants` let through gets past its subclass and filters."""
        subclass = event.headers.get("Event-Subclass")
        if subclass and "ALL" not in self._names and subclass not in self._subclasses:
            return False
        return self._filter.passes(event.headers)

    def encode(self, event: BenchEvent) -> bytes:
        """The event in the format that was asked for."""
        return event.json if self._format == "json" else event.plain

    def on_filter(self, command: Command) -> bytes:
        """``filter``."""
        return command_reply(self._filter.command(command.argument))

    def my_events(self, channel_uuid: str, argument: str) -> bytes:
        """``myevents`` for a channel."""
        if self.of_channel:
            return command_reply("-ERR aready enabled.")
        if "json" in argument.lower():
            self._format = "json"
        self._names |= MY_EVENTS
        self.of_channel = channel_uuid
        self._listening = True
        return command_reply("+OK Events Enabled")

    def on_event(self, command: Command) -> bytes:
        """``event``: names that are unknown are passed over."""
        words = command.argument.split()
        if words and words[0].lower() in _FORMATS:
            self._format = words.pop(0).lower()
        known = 0
        for index, word in enumerate(words):
            if word.upper() not in KNOWN_EVENTS:
                continue
            known += 1
            self._names.add(word.upper())
            if word.upper() == "CUSTOM":
                self._subclasses |= set(words[index + 1 :])
                break
        if not known:
            return command_reply("-ERR no keywords supplied")
        self._listening = True
        return command_reply(f"+OK event listener enabled {self._format}")

    def on_nixevent(self, command: Command) -> bytes:
        """``nixevent``."""
        words = {word.upper() for word in command.argument.split()} & KNOWN_EVENTS
        if not words:
            return command_reply("-ERR no keywords supplied")
        if "ALL" in self._names:
            self._names = set(KNOWN_EVENTS) - {"ALL"}
        self._names -= KNOWN_EVENTS if "ALL" in words else words
        return command_reply("+OK events nixed")

    def on_noevents(self, _command: Command) -> bytes:
        """``noevents``."""
        if not self._listening:
            return command_reply("-ERR not listening for events")
        self._listening = False
        self._names.clear()
        self._subclasses.clear()
        return command_reply("+OK no longer listening for events")
