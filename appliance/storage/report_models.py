"""What lists, search and figures are read from: derived from calls, and kept as events arrive.

``appliance.events.reports`` keeps them in the transaction that stores the events; the database's
function ``appliance_recount()`` makes them anew from the calls of one organisation.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Double, Index, SmallInteger, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage.call_models import _OfCall
from appliance.storage.models import Base, OfOrganisation


class CallListing(_OfCall, Base):
    """One call as the list of calls and the search need it.

    The application finds rows through the function ``appliance_find_calls``: row-level security
    keeps PostgreSQL from using indexes for operators that it does not know to be leakproof, and
    those of text search and arrays are not.

    Attributes:
        at: the call's ``first_event_at``.
        outcome: NULL while the call goes on.
        priority: 0 low to 3 emergency, the most urgent of its decisions; NULL before the first.
        caller_tail: digits of the caller's number, the last first: numbers are asked for by how
            they end.
        target_ids: whom a transfer or a message was for.
        words: of transcripts and messages; the caller's name weighs most (A), what the caller
            said more (B) than what the appliance did (D).
    """

    __tablename__ = "call_list"
    __table_args__ = (
        *_OfCall.__table_args__,
        Index("ix_call_list_at", "organisation_id", "at", "call_id"),
        Index("ix_call_list_caller_tail", "organisation_id", "caller_tail"),
        Index("ix_call_list_did", "organisation_id", "did", "at", "call_id"),
        Index(
            "ix_call_list_found_by", "words",
            text("appliance_facets(organisation_id, at, outcome, priority, target_ids, labels)"),
            postgresql_using="gin", postgresql_with={"gin_pending_list_limit": 512},
        ),
    )  # fmt: skip

    at: Mapped[datetime]
    outcome: Mapped[str | None]
    priority: Mapped[int | None] = mapped_column(SmallInteger)
    did: Mapped[str] = mapped_column(server_default=text("''"))
    caller_tail: Mapped[str] = mapped_column(Text(collation="C"), server_default=text("''"))
    target_ids: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    labels: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default=text("'{}'"))
    words: Mapped[Any] = mapped_column(TSVECTOR, server_default=text("''"), deferred=True)


class Label(OfOrganisation, Base):
    """A label that some call has or had: what the filter offers."""

    __tablename__ = "labels"

    label: Mapped[str] = mapped_column(primary_key=True)


class CallNote(_OfCall, Base):
    """What somebody wrote about a call. What was removed is in the audit log."""

    __tablename__ = "call_notes"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    at: Mapped[datetime]
    author_id: Mapped[UUID]
    author: Mapped[str]
    text: Mapped[str]


class Figure(OfOrganisation, Base):
    """A count over an hour, a day or a week of the organisation's own time, or over a minute.

    Attributes:
        grain: ``minute``, ``hour``, ``day`` or ``week``; ``at`` is when it begins.
        measure, key: what is counted; ``appliance.admin.figures`` reads them:
            calls that ``began``, by the hour of their day; that ``ended``, by outcome (``total``:
            ms talked); ``transfers`` by ``mode:result`` (``total``: ms rung), and the ``ring`` of
            those that a person took, by bucket; ``delay`` by ``stage:bucket`` and ``confidence``
            by bucket; ``load``, by minute only: calls that began (``n``) and ended (``total``).
    """

    __tablename__ = "figures"

    grain: Mapped[str] = mapped_column(primary_key=True)
    measure: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[float] = mapped_column(Double, server_default=text("0"))
