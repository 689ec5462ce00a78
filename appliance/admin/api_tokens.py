"""Tokens for programs: shown once, kept as hashes, with scopes and an end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from appliance.admin.credentials import Credential, fresh_credential
from appliance.admin.principal import Principal, permissions_of
from appliance.admin.roles import Permission, Role
from appliance.storage.admin_models import Account, ApiToken
from appliance.storage.models import Organisation

_USED_EVERY = timedelta(seconds=60)


def add(
    session: Session, owner: Principal, *, name: str, scopes: Sequence[Permission],
    expires_at: datetime, now: datetime,
) -> tuple[ApiToken, Credential]:  # fmt: skip
    """A new token, and the secret that is shown this once."""
    credential = fresh_credential(owner.organisation_id)
    token = ApiToken(
        organisation_id=owner.organisation_id, name=name, scopes=sorted(set(scopes)),
        token_hash=credential.token_hash, created_by=owner.account_id, created_at=now,
        expires_at=expires_at,
    )  # fmt: skip
    session.add(token)
    session.flush()
    return token, credential


def find(session: Session, credential: Credential, now: datetime) -> Principal | None:
    """Whose token this is; None when it is over or revoked, or its maker may not sign in."""
    row = session.execute(
        select(ApiToken, Account, Organisation.name, Organisation.timezone)
        .join(Account, Account.id == ApiToken.created_by)
        .join(Organisation, Organisation.organisation_id == ApiToken.organisation_id)
        .where(
            ApiToken.organisation_id == credential.organisation_id,
            Account.organisation_id == credential.organisation_id,
            ApiToken.token_hash == credential.token_hash,
        )
    ).first()
    if row is None:
        return None
    token, account, organisation, timezone = row
    if token.revoked_at is not None or now >= token.expires_at or account.disabled:
        return None
    if token.last_used_at is None or now - token.last_used_at >= _USED_EVERY:
        token.last_used_at = now
    role = Role(account.role)
    return Principal(
        organisation_id=credential.organisation_id, organisation=organisation, timezone=timezone,
        via="token", credential_id=token.id, account_id=account.id, name=token.name,
        email=account.email, role=role, permissions=permissions_of(role, token.scopes),
        person_id=account.person_id,
    )  # fmt: skip


def page(
    session: Session, organisation_id: UUID, limit: int, after: tuple[datetime, UUID] | None
) -> Sequence[ApiToken]:
    """Tokens, the newest first; ``after`` goes on where a page ended."""
    query = select(ApiToken).where(ApiToken.organisation_id == organisation_id)
    if after is not None:
        query = query.where(tuple_(ApiToken.created_at, ApiToken.id) < after)
    query = query.order_by(ApiToken.created_at.desc(), ApiToken.id.desc()).limit(limit)
    return session.scalars(query).all()


def get(session: Session, organisation_id: UUID, token_id: UUID) -> ApiToken | None:
    """One token."""
    return session.get(ApiToken, (organisation_id, token_id))
