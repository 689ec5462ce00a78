"""The record of calls: events, which are only ever added, and what is derived from them.

``appliance.events.projection`` fills the derived tables.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Identity,
    Index,
    text,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from appliance.storage.models import Base, OfOrganisation


class Event(Base):
    """One event, as it was appended. Never changed and never deleted by the application.

    It has no foreign key, to keep adding cheap: the call's own row is written in the same
    transaction and refers to the organisation.

    ``position`` is its place in the organisation's feed: it grows in the order of commits, so that
    who has seen everything up to one has missed nothing. There are gaps between positions.
    """

    __tablename__ = "events"
    __table_args__ = (
        Index(None, "organisation_id", "call_id", "seq"),
        Index(None, "organisation_id", "position"),
    )

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID]
    call_id: Mapped[str]
    seq: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]
    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True))


class Order(OfOrganisation, Base):
    """What somebody at the operators' page, or a program, wants done in a call in progress.

    ``state`` is ``given``, then ``taken`` by the controller that holds the call, then ``done`` or
    ``refused`` with ``words`` that say why. One that is still ``given`` at ``expires_at`` is dead;
    one that is still ``taken`` then was let go by a controller that is gone.
    """

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("state IN ('given', 'taken', 'done', 'refused')", name="state"),
        Index(None, "call_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[str]
    verb: Mapped[str]
    detail: Mapped[dict[str, Any]]
    given_by: Mapped[str]
    given_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default=text("'given'"))
    words: Mapped[str] = mapped_column(server_default=text("''"))


class Call(OfOrganisation, Base):
    """One call from ring to record. Events may come in any order, so all but the id may be open.

    Only the primary key begins with the organisation, on purpose: while a young database has no
    statistics, PostgreSQL may check foreign keys by any index that does, and would then read all
    calls of the organisation for each row it checks.
    """

    __tablename__ = "calls"
    __table_args__ = (
        Index(None, "first_event_at"),
        Index("ix_calls_open", "first_event_at", postgresql_where=text("ended_at IS NULL")),
    )

    call_id: Mapped[str] = mapped_column(primary_key=True)
    first_event_at: Mapped[datetime]
    last_event_at: Mapped[datetime]
    last_seq: Mapped[int]
    started_at: Mapped[datetime | None]
    did: Mapped[str | None]
    caller_number: Mapped[str | None]
    caller_name: Mapped[str | None]
    controller: Mapped[str | None]
    controller_seq: Mapped[int] = mapped_column(server_default=text("0"))
    sample_rate_hz: Mapped[int | None]
    times_resumed: Mapped[int] = mapped_column(server_default=text("0"))
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    cause: Mapped[str | None]
    how: Mapped[str | None]
    talked_ms: Mapped[int | None]


class _OfCall:
    """What belongs to one call, and through it to the organisation."""

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-30)
    call_id: Mapped[str] = mapped_column(primary_key=True, sort_order=-20)

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805
        return (
            ForeignKeyConstraint(
                ["organisation_id", "call_id"],
                ["calls.organisation_id", "calls.call_id"],
                ondelete="CASCADE",
            ),
        )


class Leg(_OfCall, Base):
    """A leg of a call: the caller's (its id is the call's), or a desk's."""

    __tablename__ = "legs"

    leg_id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    extension: Mapped[str] = mapped_column(server_default=text("''"))
    transfer: Mapped[int | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    cause: Mapped[str | None]


class Transfer(_OfCall, Base):
    """One attempt to connect the caller; ``result`` is NULL while the desk rings."""

    __tablename__ = "transfers"

    transfer: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int]
    target_id: Mapped[str | None]
    target_name: Mapped[str | None]
    extensions: Mapped[list[str] | None]
    mode: Mapped[str | None]
    leg_id: Mapped[str | None]
    announcement: Mapped[str | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    result: Mapped[str | None]
    cause: Mapped[str | None]
    took_ms: Mapped[int | None]


class _OfEvent(_OfCall):
    """A row made from exactly one event, and named by it."""

    event_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-10)
    seq: Mapped[int] = mapped_column(sort_order=-9)
    at: Mapped[datetime] = mapped_column(sort_order=-8)


class Turn(_OfEvent, Base):
    """Something said or keyed; fields as in ``appliance.calls.events.TurnTaken``."""

    __tablename__ = "turns"

    turn: Mapped[int]
    speaker: Mapped[str]
    text: Mapped[str]
    source: Mapped[str]
    part: Mapped[int] = mapped_column(server_default="1")
    started_ms: Mapped[int]
    ended_ms: Mapped[int]
    confidence: Mapped[float]
    interrupted: Mapped[bool]
    delays_ms: Mapped[dict[str, Any]]
    model: Mapped[str]


class Recording(_OfEvent, Base):
    """A recording of one part of a call; fields as in ``appliance.calls.events``."""

    __tablename__ = "recordings"

    part: Mapped[int]
    path: Mapped[str]


class Decision(_OfEvent, Base):
    """A decision, whole in ``decision``; the columns beside it are for lists and reports."""

    __tablename__ = "decisions"

    turn: Mapped[int]
    heard: Mapped[str]
    intent: Mapped[str]
    action: Mapped[str]
    target_id: Mapped[str | None]
    priority: Mapped[str]
    confidence: Mapped[float]
    took_ms: Mapped[float]
    model: Mapped[str]
    directory_version: Mapped[str]
    decision: Mapped[dict[str, Any]]


class Message(_OfEvent, Base):
    """A message that a caller left for somebody."""

    __tablename__ = "messages"

    target_id: Mapped[str]
    target_name: Mapped[str]
    caller_name: Mapped[str]
    callback_number: Mapped[str]
    text: Mapped[str]
    urgent: Mapped[bool]
