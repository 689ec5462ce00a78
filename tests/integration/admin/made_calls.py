"""Calls of a few seconds with the facts that a test needs, stored as a controller's are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from appliance.calls.decision import Action, Decision, Intent, Priority
from appliance.calls.events import (
    CallEnded,
    CallResumed,
    CallStarted,
    DecisionMade,
    Event,
    Outcome,
    RecordingStarted,
    Speaker,
    TransferEnded,
    TransferStarted,
    TurnTaken,
)
from appliance.events.encoding import encode
from appliance.events.shipper import store_events
from appliance.storage.database import Database

BEGAN = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@dataclass(kw_only=True)
class Made:
    """A call. ``said`` are the caller's turns, a second each; ``delays_ms`` go with the answers.

    ``recordings`` are one for each part of the call; in each of them everything is said once more.
    """

    at: datetime = BEGAN
    number: str = "+4930111"
    name: str = "Bob"
    did: str = "+49305550100"
    said: Sequence[str] = ("sales please",)
    labels: tuple[str, ...] = ()
    priority: Priority = Priority.NORMAL
    target: str = ""
    mode: str = "attended"
    result: str = "connected"
    outcome: Outcome | None = Outcome.CONNECTED
    lasts: timedelta = timedelta(seconds=60)
    confidence: float = 0.9
    delays_ms: dict[str, float] = field(default_factory=dict)
    recordings: Sequence[str] = ()

    def events(self, organisation_id: str) -> list[Event]:
        """What a controller records of it."""
        call_id = str(uuid4())
        found: list[Event] = []

        def add(kind: type[Event], at: datetime = self.at, **facts: Any) -> None:
            found.append(
                kind(
                    call_id=call_id, organisation_id=organisation_id, seq=len(found) + 1, at=at,
                    **facts,
                )
            )  # fmt: skip

        add(
            CallStarted, did=self.did, caller_number=self.number, caller_name=self.name,
            controller="one",
        )  # fmt: skip
        for part in range(1, max(len(self.recordings), 1) + 1):
            if part > 1:
                add(CallResumed, controller="two", reason="take-over")
            if self.recordings:
                add(RecordingStarted, part=part, path=self.recordings[part - 1])
            self._talk(add, part)
        if self.target:
            add(
                TransferStarted, transfer=1, target_id=self.target, target_name="Somebody",
                extensions=("201",), mode=self.mode, leg_id=f"{call_id}-desk",
            )  # fmt: skip
            add(TransferEnded, transfer=1, result=self.result, took_ms=4000)
        if self.outcome is not None:
            add(
                CallEnded, at=self.at + self.lasts, outcome=self.outcome, cause="NORMAL_CLEARING",
                how="hung up", talked_ms=int(self.lasts.total_seconds() * 1000),
            )  # fmt: skip
        return found

    def _talk(self, add: Callable[..., None], part: int) -> None:
        for place, words in enumerate(self.said):
            turn = 2 * ((part - 1) * len(self.said) + place) + 1
            times = {"started_ms": 1000 * place, "ended_ms": 1000 * place + 400}
            add(
                TurnTaken, turn=turn, speaker=Speaker.CALLER, text=words, part=part, **times,
                confidence=self.confidence, delays_ms={"endpoint": 300.0, "transcribe": 50.0},
            )  # fmt: skip
            decision = Decision(
                words, Intent.TRANSFER, Action.TRANSFER, priority=self.priority, labels=self.labels
            )
            add(DecisionMade, turn=turn, decision=decision.as_dict())
            add(
                TurnTaken, turn=turn + 1, speaker=Speaker.APPLIANCE, text="One moment.", part=part,
                started_ms=1000 * place + 500, ended_ms=1000 * place + 900, source="prompt",
                delays_ms={"endpoint": 300.0, "transcribe": 50.0, **self.delays_ms},
            )  # fmt: skip


def store(
    database: Database, organisation_id: object, *calls: Made, split: bool = False
) -> list[str]:
    """Store calls; their ids. ``split``: every event on its own, the last first."""
    ids = []
    for call in calls:
        events = call.events(str(organisation_id))
        lines = [encode(event).rstrip(b"\n") for event in events]
        for batch in [[line] for line in reversed(lines)] if split else [lines]:
            store_events(database, batch)
        ids.append(events[0].call_id)
    return ids
