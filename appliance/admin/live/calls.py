"""Calls in progress, put together from what happens in them. Pure: it reads no clock."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from appliance.admin.live.happenings import Happening

ENDED_STAY = timedelta(seconds=45)
FORGOTTEN_AFTER = timedelta(hours=6)
"""A call of which nothing was heard for so long is no call in progress, whatever became of it."""
_TURNS_KEPT = 60


@dataclass(slots=True)
class Attempt:
    """A desk that rings, or rang; ``result`` is empty while it does."""

    transfer: int
    target: str = ""
    extensions: tuple[str, ...] = ()
    announcement: str = ""
    result: str = ""


@dataclass(slots=True)
class LiveCall:
    """One call as a card shows it.

    Attributes:
        name, number: as the network gave them: hostile text.
        given_name: as the caller introduced himself; empty until then.
        turns, notes: happenings, by their ``seq``; notes are what is neither said nor decided.
        hearing: what was understood of a turn that goes on.
        saying: what the appliance says now, until it is a turn.
        decision: the newest.
        last_seq: the largest so far.
    """

    call_id: str
    first_at: datetime
    last_at: datetime
    name: str = ""
    number: str = ""
    did: str = ""
    controller: str = ""
    given_name: str = ""
    topic: str = ""
    priority: str = "normal"
    turns: list[Happening] = field(default_factory=list)
    notes: list[Happening] = field(default_factory=list)
    hearing: str = ""
    saying: str = ""
    decision: Happening | None = None
    attempts: dict[int, Attempt] = field(default_factory=dict)
    ended_at: datetime | None = None
    outcome: str = ""
    how: str = ""
    last_seq: int = 0
    _saved_seq: int = 0

    def take(self, happening: Happening) -> None:
        """Something happened; also late, out of order."""
        at = datetime.fromisoformat(happening["at"])
        self.first_at, self.last_at = min(self.first_at, at), max(self.last_at, at)
        self.last_seq = max(self.last_seq, happening["seq"])
        match happening["kind"]:
            case "call_started":
                self.name, self.number = happening["name"], happening["number"]
                self.did, self.controller = happening["did"], happening["controller"]
            case "call_resumed":
                self.controller = happening["controller"]
                self._note(happening)
            case "words_heard":
                self._hears(happening)
            case "turn_taken":
                self._turn(happening)
            case "decision_made":
                self._decided(happening)
            case "conversation_saved":
                self._saved(happening)
            case "transfer_started" | "transfer_ended":
                self._transfer(happening)
            case "call_ended":
                self.ended_at, self.saying, self.hearing = at, "", ""
                self.outcome, self.how = happening["outcome"], happening["how"]
            case _:
                self._note(happening)

    @property
    def who(self) -> str:
        """The best name there is for the caller."""
        return self.given_name or self.name or self.number or "Unknown number"

    @property
    def ringing(self) -> Attempt | None:
        """The desk that rings now."""
        open_ones = [attempt for attempt in self.attempts.values() if not attempt.result]
        return open_ones[-1] if open_ones and self.ended_at is None else None

    @property
    def connected_to(self) -> str:
        """Whom the caller is with; empty when with the appliance."""
        with_whom = [a.target for a in self.attempts.values() if a.result == "connected"]
        return with_whom[-1] if with_whom else ""

    @property
    def wanted(self) -> str:
        """The caller's newest words."""
        said = [turn["text"] for turn in self.turns if turn["speaker"] == "caller"]
        return str(said[-1]) if said else ""

    @property
    def tried(self) -> list[Attempt]:
        """Desks that were rung in vain."""
        return [a for a in self.attempts.values() if a.result not in ("", "connected")]

    @property
    def delays(self) -> dict[str, float]:
        """Stage to milliseconds, of the newest answer to something that the caller said."""
        for turn in reversed(self.turns):
            if turn["speaker"] == "appliance" and "endpoint" in turn["delays"]:
                return dict(turn["delays"])
        return {}

    @property
    def state(self) -> str:
        """Where the call is: ``ended``, ``connected``, ``ringing`` or ``talking``."""
        if self.ended_at is not None:
            return "ended"
        if self.ringing is not None:
            return "ringing"
        return "connected" if self.connected_to else "talking"

    def rings_at(self, extensions: Collection[str]) -> bool:
        """Whether it is coming to somebody who has one of these extensions."""
        ringing = self.ringing
        return ringing is not None and any(n in extensions for n in ringing.extensions)

    def _hears(self, happening: Happening) -> None:
        later = any(t["speaker"] == "caller" and t["seq"] > happening["seq"] for t in self.turns)
        if not later and self.ended_at is None:
            self.hearing = happening["text"]

    def _turn(self, happening: Happening) -> None:
        _insert(self.turns, happening)
        if happening["speaker"] == "caller":
            self.hearing = ""
        if happening["speaker"] == "appliance" and happening["seq"] > self._saved_seq:
            self.saying = ""

    def _decided(self, happening: Happening) -> None:
        if self.decision is None or happening["seq"] > self.decision["seq"]:
            self.decision = happening
            self.priority = happening["priority"]

    def _saved(self, happening: Happening) -> None:
        if happening["seq"] < self._saved_seq:
            return
        self._saved_seq = happening["seq"]
        self.given_name = happening["name"] or self.given_name
        self.topic = happening["topic"] or self.topic
        said = any(
            turn["speaker"] == "appliance" and turn["seq"] > happening["seq"] for turn in self.turns
        )
        self.saying = "" if said or self.ended_at else happening["saying"]

    def _transfer(self, happening: Happening) -> None:
        number = happening["transfer"]
        attempt = self.attempts.setdefault(number, Attempt(number))
        if happening["kind"] == "transfer_ended":
            attempt.result = happening["result"] or "failed"
            return
        attempt.target = happening["target"]
        attempt.extensions = tuple(happening["extensions"])
        attempt.announcement = happening["announcement"]

    def _note(self, happening: Happening) -> None:
        _insert(self.notes, happening)


class LiveCalls:
    """The calls in progress of one organisation, and those that have just ended."""

    def __init__(self) -> None:
        self._calls: dict[str, LiveCall] = {}

    def take(self, happening: Happening) -> None:
        """Something happened in a call."""
        call_id = happening["call"]
        call = self._calls.get(call_id)
        if call is None:
            at = datetime.fromisoformat(happening["at"])
            call = self._calls[call_id] = LiveCall(call_id, at, at)
        call.take(happening)

    def get(self, call_id: str) -> LiveCall | None:
        """A call that is in progress or has just ended."""
        return self._calls.get(call_id)

    def shown(self, now: datetime) -> list[LiveCall]:
        """What a page shows: those in progress, the oldest first, then those that just ended."""
        self._forget(now)
        calls = sorted(self._calls.values(), key=lambda call: call.first_at)
        return sorted(calls, key=lambda call: call.ended_at is not None)

    def _forget(self, now: datetime) -> None:
        for call_id, call in list(self._calls.items()):
            over = call.ended_at is not None and now - call.ended_at > ENDED_STAY
            if over or now - call.last_at > FORGOTTEN_AFTER:
                del self._calls[call_id]


def _insert(items: list[Happening], happening: dict[str, Any]) -> None:
    """Keep items in the order of ``seq``, each once, the newest of them."""
    if any(item["seq"] == happening["seq"] for item in items):
        return
    items.append(happening)
    items.sort(key=lambda item: int(item["seq"]))
    del items[:-_TURNS_KEPT]
