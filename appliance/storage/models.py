"""The tables of the directory, which people edit; those of calls are in ``call_models``.

Every row of either names its organisation, and row-level security keeps organisations apart.
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
    keys, and nor is ``persona_id``; the directory falls back when one is gone.
    """

    __tablename__ = "organisations"

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    persona_id: Mapped[UUID | None]
    timezone: Mapped[str] = mapped_column(server_default=text("'UTC'"))
    operator_id: Mapped[UUID | None]
    emergency_id: Mapped[UUID | None]
    directory_revision: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))


class OfOrganisation:
    """What every other table has: its organisation."""

    @declared_attr
    def organisation_id(cls) -> Mapped[UUID]:  # noqa: N805  (SQLAlchemy hands in the class)
        """The tenant that the row belongs to."""
        return mapped_column(
            ForeignKey("organisations.organisation_id", ondelete="CASCADE"),
            primary_key=True,
            sort_order=-30,
        )


class Persona(OfOrganisation, Base):
    """Who the appliance is on a call; an empty text leaves the appliance's own sentence."""

    __tablename__ = "personas"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    name: Mapped[str]
    house: Mapped[str] = mapped_column(server_default=_EMPTY)
    greeting: Mapped[str]
    voice: Mapped[str] = mapped_column(server_default=_EMPTY)
    language: Mapped[str] = mapped_column(server_default=text("'en'"))
    help: Mapped[str] = mapped_column(server_default=_EMPTY)
    closed_help: Mapped[str] = mapped_column(server_default=_EMPTY)
    introduction: Mapped[str] = mapped_column(server_default=_EMPTY)
    anything_else: Mapped[str] = mapped_column(server_default=_EMPTY)
    goodbye: Mapped[str] = mapped_column(server_default=_EMPTY)


class Did(OfOrganisation, Base):
    """A number dialled from outside. It leads to one organisation, so it is unique over all.

    With and without ``+`` it is the same number: that is how calls are led. The organisation's
    persona answers where ``persona_id`` names none.
    """

    __tablename__ = "dids"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("uq_dids_digits", text("ltrim(number, '+')"), unique=True),
        ForeignKeyConstraint(
            ["organisation_id", "persona_id"], ["personas.organisation_id", "personas.id"]
        ),
    )

    number: Mapped[str] = mapped_column(primary_key=True)
    persona_id: Mapped[UUID | None]


class Extension(OfOrganisation, Base):
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


class Person(OfOrganisation, Base):
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


class Department(OfOrganisation, Base):
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


class DepartmentMember(OfOrganisation, Base):
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


class Trunk(OfOrganisation, Base):
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


class OpeningHour(OfOrganisation, Base):
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


class HourException(OfOrganisation, Base):
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
