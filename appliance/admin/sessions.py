"""Sessions of browsers: begun by a sign-in, found by their cookie, listed, ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from appliance.admin.credentials import Credential, fresh_credential
from appliance.admin.principal import Principal, permissions_of
from appliance.admin.roles import Role
from appliance.storage.admin_models import Account, BrowserSession
from appliance.storage.models import Organisation

_SEEN_EVERY = timedelta(seconds=60)
_CODE_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long sessions last: unused for ``idle``, and ``longest`` in any case."""

    idle: timedelta
    longest: timedelta


def begin(
    session: Session, account: Account, now: datetime, rules: SessionRules, *,
    address: str, agent: str, confirmed: bool, link: bool = False,
) -> Credential:  # fmt: skip
    """A new session; what the browser gets as its cookie, or what a link holds in its place.

    One that waits for a second factor's code ends after five minutes, others as the
    rules say.
    """
    credential = fresh_credential(account.organisation_id)
    lasts = rules.longest if confirmed else _CODE_WITHIN
    session.execute(
        delete(BrowserSession).where(
            BrowserSession.organisation_id == account.organisation_id,
            BrowserSession.expires_at < now,
        )
    )
    session.add(
        BrowserSession(
            organisation_id=account.organisation_id, account_id=account.id,
            token_hash=credential.link_hash if link else credential.token_hash,
            confirmed=confirmed, created_at=now,
            last_seen_at=now, expires_at=now + lasts, address=address, agent=agent[:300],
        )
    )  # fmt: skip
    return credential


def find(
    session: Session, credential: Credential, now: datetime, rules: SessionRules, *,
    link: bool = False,
) -> Principal | None:  # fmt: skip
    """Whose cookie (or link) this is; None when its session is over, or its account is."""
    kept = credential.link_hash if link else credential.token_hash
    row = session.execute(
        select(BrowserSession, Account, Organisation.name, Organisation.timezone)
        .join(Account, Account.id == BrowserSession.account_id)
        .join(Organisation, Organisation.organisation_id == BrowserSession.organisation_id)
        .where(
            BrowserSession.organisation_id == credential.organisation_id,
            Account.organisation_id == credential.organisation_id,
            BrowserSession.token_hash == kept,
        )
    ).first()
    if row is None:
        return None
    browser, account, organisation, timezone = row
    over = now >= browser.expires_at or now - browser.last_seen_at >= rules.idle
    if over or account.disabled:
        return None
    if now - browser.last_seen_at >= _SEEN_EVERY:
        browser.last_seen_at = now
    role = Role(account.role)
    return Principal(
        organisation_id=credential.organisation_id, organisation=organisation, timezone=timezone,
        via="session", credential_id=browser.id, account_id=account.id, name=account.name,
        email=account.email, role=role, permissions=permissions_of(role),
        person_id=account.person_id, confirmed=browser.confirmed, csrf=credential.csrf,
        totp=account.totp_secret is not None,
    )  # fmt: skip


def of_account(
    session: Session, organisation_id: UUID, account_id: UUID, now: datetime, rules: SessionRules
) -> Sequence[BrowserSession]:
    """An account's sessions that are not over, the latest used first."""
    return session.scalars(
        select(BrowserSession)
        .where(
            BrowserSession.organisation_id == organisation_id,
            BrowserSession.account_id == account_id,
            BrowserSession.confirmed,
            BrowserSession.expires_at > now,
            BrowserSession.last_seen_at > now - rules.idle,
        )
        .order_by(BrowserSession.last_seen_at.desc())
        .limit(100)
    ).all()


def end(session: Session, organisation_id: UUID, account_id: UUID, session_id: UUID) -> bool:
    """End a session of an account; False when it has none of this id."""
    ended = session.execute(
        delete(BrowserSession)
        .where(
            BrowserSession.organisation_id == organisation_id,
            BrowserSession.account_id == account_id,
            BrowserSession.id == session_id,
        )
        .returning(BrowserSession.id)
    ).all()
    return bool(ended)


def end_all(
    session: Session, organisation_id: UUID, account_id: UUID, *, but: UUID | None = None
) -> int:
    """End an account's sessions, save one; how many were ended."""
    query = delete(BrowserSession).where(
        BrowserSession.organisation_id == organisation_id,
        BrowserSession.account_id == account_id,
    )
    if but is not None:
        query = query.where(BrowserSession.id != but)
    return len(session.execute(query.returning(BrowserSession.id)).all())
