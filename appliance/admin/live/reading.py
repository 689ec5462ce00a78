"""Reading events in the order of the feed. Everything blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from appliance.admin.live.calls import ENDED_STAY, FORGOTTEN_AFTER
from appliance.storage.call_models import Call, Event

PAGE = 500


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a feed begins: what happened so far in calls that go on, up to a position."""

    position: int
    events: Sequence[Event]


def read_beginning(session: Session, organisation_id: UUID, now: datetime) -> Beginning:
    """The newest position, and the events up to it of calls in progress or just ended."""
    position = newest_position(session, organisation_id)
    going_on = select(Call.call_id).where(
        Call.organisation_id == organisation_id,
        or_(
            and_(Call.ended_at.is_(None), Call.first_event_at > now - FORGOTTEN_AFTER),
            and_(
                Call.first_event_at > now - FORGOTTEN_AFTER,
                Call.ended_at > now - ENDED_STAY,
            ),
        ),
    )
    query = (
        select(Event)
        .where(
            Event.organisation_id == organisation_id,
            Event.call_id.in_(going_on),
            Event.position <= position,
        )
        .order_by(Event.position)
    )
    return Beginning(position, session.scalars(query).all())


def newest_position(session: Session, organisation_id: UUID) -> int:
    """Of the organisation's newest event; 0 before the first."""
    query = select(func.max(Event.position)).where(Event.organisation_id == organisation_id)
    return session.scalar(query) or 0


def read_after(
    session: Session, organisation_id: UUID, position: int, limit: int = PAGE
) -> Sequence[Event]:
    """Events after a position, in order."""
    query = (
        select(Event)
        .where(Event.organisation_id == organisation_id, Event.position > position)
        .order_by(Event.position)
        .limit(limit)
    )
    return session.scalars(query).all()


def position_of(session: Session, organisation_id: UUID, event_id: UUID) -> int | None:
    """Of an event, by its id; None when the organisation has none of this id."""
    query = select(Event.position).where(
        Event.organisation_id == organisation_id, Event.event_id == event_id
    )
    return session.scalar(query)
