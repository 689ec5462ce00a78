"""Where a call writes down what happens in it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from appliance.calls.events import Event, RecordingStarted, Speaker, TurnTaken
from appliance.events.encoding import encode
from appliance.storage.spool import Spool

AnyEvent = TypeVar("AnyEvent", bound=Event)


class EventLog:
    """All calls' events of this process, on their way to the spool.

    Args:
        spool: where they go; the shipper takes them from there.
        listeners: called with each event after it was appended, in the caller's greenlet: for a
            live account of calls. They must be quick and must not raise.
    """

    def __init__(self, spool: Spool, listeners: Sequence[Callable[[Event], None]] = ()) -> None:
        self.spool = spool
        self._listeners = tuple(listeners)

    def append(self, event: Event) -> None:
        """Keep one event. Never waits for the database or a disk, and never raises for them."""
        self.spool.append(encode(event))
        for listener in self._listeners:
            listener(event)


class CallLog:
    """One call's events, numbered as they come: from 1, or on from others' (`continue_after`).

    Attributes:
        next_seq: the next event's number.
        part: of the call, as in `TurnTaken`: one more than others have left something of.
        earlier_ms: audio time of the parts before, each to the end of its last turn.
        turns: how many turns were taken so far.
        caller_turn: the number of the caller's last; 0 before they have said or keyed anything.
    """

    def __init__(self, log: EventLog, call_id: str, organisation_id: str) -> None:
        self.call_id = call_id
        self.organisation_id = organisation_id
        self.next_seq = 1
        self.part = 1
        self.earlier_ms = 0
        self.turns = 0
        self.caller_turn = 0
        self._log = log

    def continue_after(self, past: Sequence[Event]) -> None:
        """Number on from what other sessions recorded of this call."""
        self.next_seq = max((event.seq for event in past), default=0) + 1
        heard = (event for event in past if isinstance(event, RecordingStarted | TurnTaken))
        self.part = max((one.part for one in heard), default=0) + 1
        taken = [event for event in past if isinstance(event, TurnTaken)]
        ends = {one.part: one.ended_ms for one in sorted(taken, key=lambda one: one.ended_ms)}
        self.earlier_ms = sum(ends.values())
        self.turns = max((one.turn for one in taken), default=0)
        callers = (one.turn for one in taken if one.speaker is Speaker.CALLER)
        self.caller_turn = max(callers, default=0)

    def turn(self, *, speaker: Speaker, text: str, **fields: Any) -> TurnTaken:
        """Record that somebody said or keyed something; callers' and our turns count together."""
        self.turns += 1
        if speaker is Speaker.CALLER:
            self.caller_turn = self.turns
        return self.record(
            TurnTaken, turn=self.turns, speaker=speaker, text=text, part=self.part, **fields
        )

    def record(self, kind: type[AnyEvent], **fields: Any) -> AnyEvent:
        """Append an event of this call and return it: ``log.record(CallStarted, did=...)``."""
        seq, self.next_seq = self.next_seq, self.next_seq + 1
        event = kind(call_id=self.call_id, organisation_id=self.organisation_id, seq=seq, **fields)
        self._log.append(event)
        return event
