"""The tables of the admin application: who may come in, and what they did.

Rows belong to an organisation as everywhere. Two tables differ: the audit log has no foreign key,
so that nothing that is deleted takes its traces along, and the guards of sign-in belong to
addresses and e-mail addresses before it is known whose they are.
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
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from appliance.storage.models import Base, OfOrganisation

_NOW = text("now()")


class Account(OfOrganisation, Base):
    """Somebody who may sign in.

    The e-mail address is unique over all organisations, whatever its case: it alone says who signs
    in. ``totp_last_step`` is the newest time step whose code was used, so that none is used twice.
    ``person_id`` names the person whose calls a receptionist takes; it goes when the person does.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        Index("uq_accounts_email", text("lower(email)"), unique=True),
        ForeignKeyConstraint(
            ["organisation_id", "person_id"],
            ["people.organisation_id", "people.id"],
            ondelete="SET NULL (person_id)",
        ),
        CheckConstraint(
            "role IN ('owner', 'administrator', 'supervisor', 'receptionist', 'auditor')",
            name="role",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str]
    totp_secret: Mapped[str | None]
    totp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[UUID | None]
    disabled: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=_NOW)
    password_changed_at: Mapped[datetime] = mapped_column(server_default=_NOW)


def _of_account(column: str = "account_id") -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["organisation_id", column],
        ["accounts.organisation_id", "accounts.id"],
        ondelete="CASCADE",
    )


class BrowserSession(OfOrganisation, Base):
    """A browser that signed in. ``token_hash`` is SHA-256 of what its cookie holds.

    ``confirmed`` is false between the password and the code of accounts that have a second factor.
    """

    __tablename__ = "browser_sessions"
    __table_args__ = (_of_account(), UniqueConstraint("token_hash"))

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    account_id: Mapped[UUID]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    confirmed: Mapped[bool]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    address: Mapped[str]
    agent: Mapped[str]


class ApiToken(OfOrganisation, Base):
    """A token for programs. ``token_hash`` is SHA-256 of its secret; ``scopes`` what it may do."""

    __tablename__ = "api_tokens"
    __table_args__ = (_of_account("created_by"), UniqueConstraint("token_hash"))

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=text("gen_random_uuid()"))
    name: Mapped[str]
    scopes: Mapped[list[str]]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_by: Mapped[UUID]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what, and when. The application may add and read, never change or delete.

    ``actor`` is a name as it was then; ``actor_id`` the account or token. ``before`` and ``after``
    hold what a change changed, without secrets.
    """

    __tablename__ = "audit_log"
    __table_args__ = (
        Index(None, "organisation_id", "object_kind", "object_id"),
        Index(None, "organisation_id", "at"),
    )

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor: Mapped[str]
    via: Mapped[str]
    action: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    address: Mapped[str]
    correlation_id: Mapped[str]


class IdempotencyKey(OfOrganisation, Base):
    """An acting request that was seen, and what it was answered; ``status`` is NULL until then."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (Index(None, "created_at"),)

    principal: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    status: Mapped[int | None]
    content_type: Mapped[str | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)


class SignInGuard(Base):
    """Failed sign-ins of one account or from one address. ``key`` names it, hashed."""

    __tablename__ = "sign_in_guards"

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    last_failed_at: Mapped[datetime]
