"""Reading records back: the list of calls, one call whole, its events, and calls still open."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.calls.errors import StorageError
from appliance.calls.events import EVENT_TYPES, Event, from_record
from appliance.storage import call_models as models
from appliance.storage.blocking import call_blocking
from appliance.storage.database import Database
from appliance.storage.spool_reader import events_of as spooled_events_of

_log = structlog.get_logger(__name__)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class CallSummary:
    """A line of the list of calls. ``outcome`` and ``ended_at`` are None while the call goes on.

    ``started_at`` is None when the call's first event has not come yet.
    """

    call_id: str
    first_event_at: datetime
    last_event_at: datetime
    last_seq: int
    started_at: datetime | None
    did: str | None
    caller_number: str | None
    caller_name: str | None
    controller: str | None
    times_resumed: int
    ended_at: datetime | None
    outcome: str | None
    cause: str | None
    how: str | None
    talked_ms: int | None


@dataclass(frozen=True, slots=True)
class LegRecord:
    """The caller's leg, or a desk's."""

    leg_id: str
    role: str
    extension: str
    transfer: int | None
    started_at: datetime | None
    ended_at: datetime | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """Something said or keyed; times in milliseconds of audio since its part of the call began."""

    seq: int
    at: datetime
    turn: int
    speaker: str
    text: str
    source: str
    part: int
    started_ms: int
    ended_ms: int
    confidence: float
    interrupted: bool
    delays_ms: dict[str, float]
    model: str


@dataclass(frozen=True, slots=True)
class RecordingRecord:
    """A recording of one part of the call, begun ``at``."""

    at: datetime
    part: int
    path: str


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision; ``decision`` is all of it, with every policy's verdict."""

    seq: int
    at: datetime
    turn: int
    heard: str
    intent: str
    action: str
    target_id: str | None
    priority: str
    confidence: float
    took_ms: float
    model: str
    directory_version: str
    decision: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """An attempt to connect the caller; ``result`` is None while the desk rings."""

    transfer: int
    seq: int
    target_id: str | None
    target_name: str | None
    extensions: list[str] | None
    mode: str | None
    leg_id: str | None
    announcement: str | None
    started_at: datetime | None
    ended_at: datetime | None
    result: str | None
    cause: str | None
    took_ms: int | None


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message left by a caller."""

    call_id: str
    seq: int
    at: datetime
    target_id: str
    target_name: str
    caller_name: str
    callback_number: str
    text: str
    urgent: bool


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call whole, each part in the order it happened."""

    call: CallSummary
    legs: tuple[LegRecord, ...]
    turns: tuple[TurnRecord, ...]
    recordings: tuple[RecordingRecord, ...]
    decisions: tuple[DecisionRecord, ...]
    transfers: tuple[TransferRecord, ...]
    messages: tuple[MessageRecord, ...]


def recent_calls(database: Database, organisation_id: str, *, limit: int = 50) -> list[CallSummary]:
    """The newest calls first.

    Raises:
        StorageError: the database is out of reach. This holds for every function here.
    """
    query = select(models.Call).order_by(models.Call.first_event_at.desc()).limit(limit)
    query = query.where(models.Call.organisation_id == UUID(organisation_id))
    with database.session(organisation_id) as session:
        return _rows(CallSummary, session.scalars(query).all())


def open_calls(database: Database, organisation_id: str) -> list[CallSummary]:
    """Calls without an end, oldest first; whoever reaps them looks at ``last_event_at``."""
    query = (
        select(models.Call)
        .where(models.Call.organisation_id == UUID(organisation_id), models.Call.ended_at.is_(None))
        .order_by(models.Call.first_event_at)
    )
    with database.session(organisation_id) as session:
        return _rows(CallSummary, session.scalars(query).all())


def call_record(database: Database, organisation_id: str, call_id: str) -> CallRecord | None:
    """One call whole; None when there is none of this id in this organisation."""
    with database.session(organisation_id) as session:
        call = session.get(models.Call, (UUID(organisation_id), call_id))
        if call is None:
            return None
        of = _PartsOf(session, organisation_id, call_id)
        return CallRecord(
            call=_rows(CallSummary, [call])[0],
            legs=of.parts(LegRecord, models.Leg, models.Leg.started_at.nulls_first()),
            turns=of.parts(TurnRecord, models.Turn, models.Turn.seq),
            recordings=of.parts(RecordingRecord, models.Recording, models.Recording.seq),
            decisions=of.parts(DecisionRecord, models.Decision, models.Decision.seq),
            transfers=of.parts(TransferRecord, models.Transfer, models.Transfer.transfer),
            messages=of.parts(MessageRecord, models.Message, models.Message.seq),
        )


def stored_events_of(database: Database, organisation_id: str, call_id: str) -> list[Event]:
    """The events of a call that have reached the database, in order.

    Kinds that this version does not know are left out.
    """
    query = (
        select(models.Event)
        .where(
            models.Event.organisation_id == UUID(organisation_id),
            models.Event.call_id == call_id,
            models.Event.kind.in_(EVENT_TYPES),
        )
        .order_by(models.Event.seq, models.Event.at)
    )
    with database.session(organisation_id) as session:
        return [_event(row) for row in session.scalars(query)]


def history(
    database: Database, spool_root: Path, organisation_id: str, call_id: str
) -> list[Event]:
    """All that is known of a call, in order: from the spools on this machine and the database.

    Raises:
        StorageError: the database is out of reach, so what it knows alone is missing.
    """
    # The spools first: what is shipped and deleted meanwhile is then found in the database. They
    # are megabytes, and after a crash all calls of another controller are recalled at once.
    spooled = call_blocking(spooled_events_of, spool_root, call_id)
    return _in_order(spooled, stored_events_of(database, organisation_id, call_id), organisation_id)


def recall(database: Database, spool_root: Path, organisation_id: str, call_id: str) -> list[Event]:
    """The history of a call that is to be taken over, whatever it takes.

    With the database away, what the spools still hold must do; this is logged and never raised.
    """
    try:
        return history(database, spool_root, organisation_id, call_id)
    except StorageError as error:
        _log.warning("recalled_from_spool_only", call_id=call_id, error=str(error))
    return _in_order(call_blocking(spooled_events_of, spool_root, call_id), (), organisation_id)


def _in_order(
    spooled: Iterable[Event], stored: Iterable[Event], organisation_id: str
) -> list[Event]:
    found = {event.event_id: event for event in (*spooled, *stored)}
    mine = (event for event in found.values() if event.organisation_id == organisation_id)
    return sorted(mine, key=lambda event: (event.seq, event.at))


class _PartsOf:
    def __init__(self, session: Session, organisation_id: str, call_id: str) -> None:
        self._session = session
        self._key = (UUID(organisation_id), call_id)

    def parts(self, kind: type[Row], table: type[Any], order: Any) -> tuple[Row, ...]:
        organisation_id, call_id = self._key
        query = (
            select(table)
            .where(table.organisation_id == organisation_id, table.call_id == call_id)
            .order_by(order)
        )
        return tuple(_rows(kind, self._session.scalars(query).all()))


def _rows(kind: type[Row], rows: Sequence[Any]) -> list[Row]:
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return [kind(**{name: getattr(row, name) for name in names}) for row in rows]


def _event(row: models.Event) -> Event:
    return from_record(
        {
            "event_id": str(row.event_id),
            "call_id": row.call_id,
            "organisation_id": str(row.organisation_id),
            "seq": row.seq,
            "at": row.at.isoformat(),
            "kind": row.kind,
            "data": row.data,
        }
    )
