"""Reading calls for the list; one call whole comes from ``events.reader``. Everything blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, or_, select, tuple_
from sqlalchemy.orm import Session

from appliance.admin.pagination import cut, encode_cursor
from appliance.calls.decision import Priority
from appliance.calls.events import Outcome
from appliance.storage import call_models as models

_RANKS = {priority: rank for rank, priority in enumerate(Priority)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    """Which calls; what is None does not matter.

    Attributes:
        after, before: bounds of the call's beginning; ``before`` itself is left out.
        number: digits that the caller's number or the DID holds.
        outcome: of calls that are over.
        going_on: only calls that are not over.
    """

    after: datetime | None = None
    before: datetime | None = None
    number: str = ""
    outcome: Outcome | None = None
    going_on: bool = False


@dataclass(frozen=True, slots=True)
class CallLine:
    """A line of the list: the call's row, and what its decisions and transfers say in short.

    Attributes:
        wanted: whom the caller was last connected to, or was to be; empty when nobody.
        heard: what the first decision was made on.
    """

    call: models.Call
    priority: Priority
    wanted: str
    heard: str


def list_calls(
    session: Session, organisation_id: UUID, wanted: CallFilter, limit: int,
    after: tuple[datetime, str] | None,
) -> tuple[list[CallLine], str | None]:  # fmt: skip
    """A page of calls, the newest first, and the cursor of the next page."""
    query = _filtered(organisation_id, wanted)
    if after is not None:
        query = query.where(tuple_(models.Call.first_event_at, models.Call.call_id) < after)
    query = query.order_by(models.Call.first_event_at.desc(), models.Call.call_id.desc())
    found = session.scalars(query.limit(limit + 1)).all()
    calls, following = cut(found, limit, lambda c: encode_cursor(c.first_event_at, c.call_id))
    return _lines(session, organisation_id, calls), following


def _filtered(organisation_id: UUID, wanted: CallFilter) -> Select[models.Call]:
    call = models.Call
    query = select(call).where(call.organisation_id == organisation_id)
    if wanted.after is not None:
        query = query.where(call.first_event_at >= wanted.after)
    if wanted.before is not None:
        query = query.where(call.first_event_at < wanted.before)
    if wanted.number:
        digits = f"%{''.join(c for c in wanted.number if c.isascii() and c.isdigit())}%"
        query = query.where(or_(call.caller_number.like(digits), call.did.like(digits)))
    if wanted.outcome is not None:
        query = query.where(call.outcome == wanted.outcome.value)
    if wanted.going_on:
        query = query.where(call.ended_at.is_(None))
    return query


def _lines(session: Session, organisation_id: UUID, calls: Sequence[models.Call]) -> list[CallLine]:
    ids = [call.call_id for call in calls]
    if not ids:
        return []
    priorities, heard = _decided(session, organisation_id, ids)
    last = (
        select(models.Transfer.call_id, models.Transfer.target_name)
        .where(models.Transfer.organisation_id == organisation_id, models.Transfer.call_id.in_(ids))
        .order_by(models.Transfer.call_id, models.Transfer.transfer)
    )
    targets = {call_id: name or "" for call_id, name in session.execute(last)}
    return [
        CallLine(
            call, priorities.get(call.call_id, Priority.NORMAL), targets.get(call.call_id, ""),
            heard.get(call.call_id, ""),
        )
        for call in calls
    ]  # fmt: skip


def _decided(
    session: Session, organisation_id: UUID, ids: list[str]
) -> tuple[dict[str, Priority], dict[str, str]]:
    """Per call: the most urgent priority, and what the first decision was made on."""
    query = (
        select(models.Decision.call_id, models.Decision.priority, models.Decision.heard)
        .where(models.Decision.organisation_id == organisation_id, models.Decision.call_id.in_(ids))
        .order_by(models.Decision.call_id, models.Decision.seq)
    )
    priorities: dict[str, Priority] = {}
    heard: dict[str, str] = {}
    for call_id, text, words in session.execute(query):
        priority = Priority(text) if text in set(Priority) else Priority.NORMAL
        if _RANKS[priority] > _RANKS.get(priorities.get(call_id, Priority.LOW), 0):
            priorities[call_id] = priority
        priorities.setdefault(call_id, priority)
        heard.setdefault(call_id, words)
    return priorities, heard


def events_after(
    session: Session, organisation_id: UUID, call_id: str, after_seq: int, limit: int
) -> Sequence[models.Event]:
    """Events of a call in order, those after ``after_seq``."""
    query = (
        select(models.Event)
        .where(
            models.Event.organisation_id == organisation_id, models.Event.call_id == call_id,
            models.Event.seq > after_seq,
        )
        .order_by(models.Event.seq)
        .limit(limit)
    )  # fmt: skip
    return session.scalars(query).all()


def call_exists(session: Session, organisation_id: UUID, call_id: str) -> bool:
    """Whether the organisation has such a call."""
    query = select(func.count()).where(
        models.Call.organisation_id == organisation_id, models.Call.call_id == call_id
    )
    return bool(session.scalar(query))
