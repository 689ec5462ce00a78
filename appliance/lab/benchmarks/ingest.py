"""Events into PostgreSQL, beside a plain ``COPY`` of the same rows."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg

from appliance.calls.directory import Directory
from appliance.calls.events import (
    CallEnded,
    CallStarted,
    ConversationSaved,
    DecisionMade,
    Event,
    LegEnded,
    Outcome,
    RecordingStarted,
    Speaker,
    TurnTaken,
)
from appliance.decisions.chain import DecisionChain
from appliance.decisions.policies import standard_policies
from appliance.dialogue.conversation import Conversation
from appliance.dialogue.steps import Decided, Say, Step
from appliance.events.encoding import encode
from appliance.events.shipper import ShipperConfig, store_events
from appliance.lab.benchmarks.engines import HEARD
from appliance.lab.benchmarks.rig import DID, Store
from appliance.storage.directory_store import load_directories
from appliance.storage.urls import libpq_url

_QUESTIONS = 3
_COLUMNS = ("event_id", "organisation_id", "call_id", "seq", "at", "kind", "data")
# A table of the same columns, types and indexes, from which nothing is derived.
_MAKE_PLAIN = "CREATE TABLE plain_events (LIKE events INCLUDING ALL)"
_COPY = r"""
    COPY plain_events (event_id, organisation_id, call_id, seq, at, kind, data)
    FROM STDIN (FORMAT csv, QUOTE e'\x01', DELIMITER e'\x02')
"""


@dataclass(frozen=True)
class Ingest:
    """Events a second: stored with all that is derived from them, and plainly copied."""

    stored_per_s: float
    copied_per_s: float


def ingest(store: Store, events: int) -> Ingest:
    """Store about ``events`` events of whole calls in the shipper's batches, and copy them too.

    Both commit every batch, to the disk.
    """
    directory = next(
        directory
        for directory in load_directories(store.database)
        if directory.organisation_id == store.organisation_id
    )
    found: list[Event] = []
    while len(found) < events:
        found += a_call(directory)
    size = ShipperConfig().batch_lines
    batches = [found[at : at + size] for at in range(0, len(found), size)]
    lines = [[encode(event).rstrip(b"\n") for event in batch] for batch in batches]
    rows = [b"".join(_row(line) + b"\n" for line in batch) for batch in lines]
    # In turns, so that what else goes on in the machine meets both alike.
    stored_s = copied_s = 0.0
    with psycopg.connect(libpq_url(store.url), autocommit=True) as connection:
        connection.execute(_MAKE_PLAIN)
        for batch, plain in zip(lines, rows, strict=True):
            began_at = time.perf_counter()
            _copy(connection, plain)
            copied_at = time.perf_counter()
            store_events(store.database, batch)
            copied_s += copied_at - began_at
            stored_s += time.perf_counter() - copied_at
        connection.execute("DROP TABLE plain_events")
    return Ingest(len(found) / stored_s, len(found) / copied_s)


def a_call(directory: Directory) -> list[Event]:
    """The events of one call with a few questions, as a controller records them."""
    conversation = Conversation(directory, DecisionChain(standard_policies(None)))
    call = _Recorded(directory.organisation_id)
    call.record(
        CallStarted, did=DID, caller_number="+15550123", caller_name="Maria",
        controller="controller-1",
    )  # fmt: skip
    call.record(RecordingStarted, part=1, path=f"var/recordings/{call.call_id}.wav")
    now = datetime.now(UTC)
    call.carry_out(conversation, conversation.begin(now))
    for _ in range(_QUESTIONS):
        call.turn(Speaker.CALLER, HEARD, model="instant")
        call.carry_out(conversation, conversation.heard(HEARD, 0.9, now))
    call.record(LegEnded, leg_id=call.call_id, role="caller", extension="", cause="NORMAL_CLEARING")
    call.record(
        CallEnded, outcome=Outcome.INFORMED, cause="NORMAL_CLEARING", how="the caller hung up",
        talked_ms=20_000,
    )  # fmt: skip
    return call.events


class _Recorded:
    def __init__(self, organisation_id: str) -> None:
        self.call_id = str(uuid4())
        self.events: list[Event] = []
        self._organisation_id = organisation_id
        self._turns = 0

    def record(self, kind: type[Event], **fields: Any) -> None:
        self.events.append(
            kind(
                call_id=self.call_id, organisation_id=self._organisation_id,
                seq=len(self.events) + 1, **fields,
            )
        )  # fmt: skip

    def turn(self, speaker: Speaker, text: str, model: str = "") -> None:
        self._turns += 1
        delays = {"endpoint": 300.0, "transcribe": 12.5, "decide": 0.4}
        self.record(
            TurnTaken, turn=self._turns, speaker=speaker, text=text, delays_ms=delays, model=model
        )

    def carry_out(self, conversation: Conversation, steps: Sequence[Step]) -> None:
        for step in steps:
            if isinstance(step, Decided):
                self.record(DecisionMade, turn=self._turns, decision=step.decision.as_dict())
            elif isinstance(step, Say):
                self.turn(Speaker.APPLIANCE, step.text)
        self.record(ConversationSaved, state=conversation.state())


def _row(line: bytes) -> bytes:
    """The columns of an event's line, in the table's order."""
    record = json.loads(line)
    record["data"] = json.dumps(record["data"], ensure_ascii=False)
    return "\x02".join(str(record[column]) for column in _COLUMNS).encode()


def _copy(connection: psycopg.Connection[Any], rows: bytes) -> None:
    with connection.cursor().copy(_COPY) as copy:
        copy.write(rows)
