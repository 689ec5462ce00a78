"""The tables. Every row names its organisation, and row-level security keeps organisations apart.

The upper half is the directory, which people edit. The lower half is the record of calls: events,
which are only ever added, and what is derived from them (see ``appliance.events.projection``).
"""

from datetime import date, datetime, time
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Text,
    Time,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

_NAMES = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
}
_EMPTY = text("''")
_NOTHING = text("'{}'")
_ATTENDED = text("'attended'")


def _known_mode() -> CheckConstraint:
    return CheckConstraint("transfer_mode IN ('attended', 'blind')", name="transfer_mode")


class Base(DeclarativeBase):
    """Base of all tables: named constraints, times in UTC with zone, text without a length."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        datetime: DateTime(timezone=True),
        date: Date,
        time: Time,
        list[str]: ARRAY(Text),
        dict[str, Any]: JSONB,
    }


class Organisation(Base):
    """A tenant. ``directory_revision`` grows with every change to its directory (by trigger).

    ``operator_id`` and ``emergency_id`` name a person or a department, so they are no foreign
    keys; the directory falls back when one is gone.
    """

    __tablename__ = "organisations"

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    greeting: Mapped[str] = mapped_column(server_default=text("'Hello.'"))
    timezone: Mapped[str] = mapped_column(server_default=text("'UTC'"))
    operator_id: Mapped[UUID | None]
    emergency_id: Mapped[UUID | None]
    directory_revision: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))


class _OfOrganisation:
    """What every other table has: its organisation."""

    @declared_attr
    def organisation_id(cls) -> Mapped[UUID]:  # noqa: N805  (SQLAlchemy hands in the class)
        """The tenant that the row belongs to."""
        return mapped_column(
            ForeignKey("organisations.organisation_id", ondelete="CASCADE"),
            primary_key=True,
            sort_order=-30,
        )


class Did(_OfOrganisation, Base):
    """A number dialled from outside. It leads to one organisation, so it is unique over all."""

    __tablename__ = "dids"
    __table_args__ = (UniqueConstraint("number"),)

    number: Mapped[str] = mapped_column(primary_key=True)
    greeting: Mapped[str] = mapped_column(server_default=_EMPTY)


class Extension(_OfOrganisation, Base):
    """An internal number, and what a phone registers with.

    ``a1_hash`` is MD5(number:domain:password) in hexadecimal, as SIP's digest wants it; no phone
    can register while it is NULL. FreeSWITCH knows a phone as number@domain.
    """

    __tablename__ = "extensions"
    __table_args__ = (UniqueConstraint("domain", "number"),)

    number: Mapped[str] = mapped_column(primary_key=True)
    domain: Mapped[str]
    a1_hash: Mapped[str | None]
    voicemail_password: Mapped[str | None]
    outbound: Mapped[bool] = mapped_column(server_default=text("false"))


class Person(_OfOrganisation, Base):
    """Somebody with a telephone."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("organisation_id", "name"),
        ForeignKeyConstraint(
            ["organisation_id", "extension"],
            ["extensions.organisation_id", "extensions.number"],
            onupdate="CASCADE",
        ),
        _known_mode(),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    name: Mapped[str]
    extension: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(server_default=_NOTHING)
    transfer_mode: Mapped[str] = mapped_column(server_default=_ATTENDED)
    ring_timeout_s: Mapped[int] = mapped_column(server_default=text("20"))


class Department(_OfOrganisation, Base):
    """Phones that ring together. Without ``own_hours`` the organisation's hours hold."""

    __tablename__ = "departments"
    __table_args__ = (UniqueConstraint("organisation_id", "name"), _known_mode())

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    name: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(server_default=_NOTHING)
    topics: Mapped[list[str]] = mapped_column(server_default=_NOTHING)
    transfer_mode: Mapped[str] = mapped_column(server_default=_ATTENDED)
    ring_timeout_s: Mapped[int] = mapped_column(server_default=text("20"))
    own_hours: Mapped[bool] = mapped_column(server_default=text("false"))


def _of_department() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["organisation_id", "department_id"],
        ["departments.organisation_id", "departments.id"],
        ondelete="CASCADE",
    )


class DepartmentMember(_OfOrganisation, Base):
    """One of a department's phones; ``position`` keeps the order they were written in."""

    __tablename__ = "department_members"
    __table_args__ = (
        _of_department(),
        ForeignKeyConstraint(
            ["organisation_id", "extension"],
            ["extensions.organisation_id", "extensions.number"],
            onupdate="CASCADE",
            ondelete="CASCADE",
        ),
    )

    department_id: Mapped[UUID] = mapped_column(primary_key=True)
    extension: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(server_default=text("0"))


class Trunk(_OfOrganisation, Base):
    """A provider's line. The provider wants the password itself, so it is kept as it is.

    ``addresses`` are the networks it calls from; ``outbound_prefixes`` what phones may dial over
    it; trunks are tried in the order of ``position``.
    """

    __tablename__ = "trunks"

    name: Mapped[str] = mapped_column(primary_key=True)
    proxy: Mapped[str]
    realm: Mapped[str] = mapped_column(server_default=_EMPTY)
    username: Mapped[str] = mapped_column(server_default=_EMPTY)
    password: Mapped[str] = mapped_column(server_default=_EMPTY)
    register: Mapped[bool] = mapped_column(server_default=text("false"))
    addresses: Mapped[list[str]] = mapped_column(server_default=_NOTHING)
    outbound_prefixes: Mapped[list[str]] = mapped_column(server_default=_NOTHING)
    emergency: Mapped[bool] = mapped_column(server_default=text("true"))
    position: Mapped[int] = mapped_column(server_default=text("0"))


class OpeningHour(_OfOrganisation, Base):
    """A span of the week; of a department when one is named, else of the organisation."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        _of_department(),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("opens < closes", name="span"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    department_id: Mapped[UUID | None]
    weekday: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]


class HourException(_OfOrganisation, Base):
    """A date that differs from the week. Both times NULL: closed all day."""

    __tablename__ = "hour_exceptions"
    __table_args__ = (
        _of_department(),
        CheckConstraint("(opens IS NULL) = (closes IS NULL) AND opens < closes", name="span"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    department_id: Mapped[UUID | None]
    day: Mapped[date]
    opens: Mapped[time | None]
    closes: Mapped[time | None]


class Event(Base):
    """One event, as it was appended. Never changed and never deleted by the application.

    It has no foreign key, to keep adding cheap: the call's own row is written in the same
    transaction and refers to the organisation.
    """

    __tablename__ = "events"
    __table_args__ = (Index(None, "organisation_id", "call_id", "seq"),)

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    organisation_id: Mapped[UUID]
    call_id: Mapped[str]
    seq: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]


class Call(_OfOrganisation, Base):
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
    recording: Mapped[str | None]
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
    extension: Mapped[str] = mapped_column(server_default=_EMPTY)
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
    started_ms: Mapped[int]
    ended_ms: Mapped[int]
    confidence: Mapped[float]
    interrupted: Mapped[bool]
    delays_ms: Mapped[dict[str, Any]]
    model: Mapped[str]


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
