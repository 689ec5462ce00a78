"""API tokens over the API. A token's secret is in the answer that made it, and nowhere else."""

from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from appliance.admin import api_tokens
from appliance.admin.fields import Model, RequiredLine
from appliance.admin.pagination import Page, PageQuery, cut, encode_cursor, id_cursor
from appliance.admin.problems import not_found, wrong_value
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, api, may
from appliance.admin.visit import Visit
from appliance.storage.admin_models import ApiToken


class TokenOut(BaseModel):
    """A token, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewTokenOut(TokenOut):
    """A token that was just made."""

    token: str = Field(description="send it as Authorization: Bearer; it is not shown again")

    @classmethod
    def of(cls, row: ApiToken, secret: str) -> Self:
        """From its row and its secret."""
        return cls(**TokenOut.model_validate(row).model_dump(), token=secret)


class TokenIn(Model):
    """What a new token is to be."""

    name: RequiredLine
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=len(Permission))]
    days: int = Field(default=90, ge=1, le=365, description="how long it works")


class TokenParams(Model):
    """A token."""

    token_id: UUID


async def list_(visit: Visit) -> Answer:
    """Tokens, the newest first."""
    query: PageQuery = visit.query
    after = id_cursor(query.cursor)
    rows = await visit.database(
        lambda db: api_tokens.page(db, visit.who.organisation_id, query.limit + 1, after)
    )
    rows, following = cut(rows, query.limit, lambda row: encode_cursor(row.created_at, row.id))
    return Page[TokenOut](
        items=[TokenOut.model_validate(row) for row in rows], next_cursor=following
    )


def add_token(visit: Visit, wanted: TokenIn, db: Session) -> NewTokenOut:
    """Make a token, and note it; in the transaction of ``db``.

    Raises:
        Problem: it would be allowed more than who makes it.
    """
    beyond = sorted(set(wanted.scopes) - visit.who.permissions)
    if beyond:
        raise wrong_value("body.scopes", f"You may not give what you lack: {', '.join(beyond)}.")
    row, credential = api_tokens.add(
        db, visit.who, name=wanted.name, scopes=wanted.scopes, now=visit.now,
        expires_at=visit.now + timedelta(days=wanted.days),
    )  # fmt: skip
    visit.trace.write(
        db, visit.now, action="token.added", object_kind="token", object_id=str(row.id),
        after={"name": row.name, "scopes": row.scopes, "expires_at": row.expires_at.isoformat()},
    )  # fmt: skip
    return NewTokenOut.of(row, credential.as_token())


def revoke_token(visit: Visit, token_id: UUID, db: Session) -> ApiToken:
    """End a token for good, and note it; in the transaction of ``db``.

    Raises:
        Problem: there is no such token.
    """
    row = api_tokens.get(db, visit.who.organisation_id, token_id)
    if row is None:
        raise not_found("token")
    if row.revoked_at is None:
        row.revoked_at = visit.now
        visit.trace.write(
            db, visit.now, action="token.revoked", object_kind="token", object_id=str(row.id),
            before={"name": row.name, "scopes": row.scopes},
        )  # fmt: skip
    return row


async def add(visit: Visit) -> Answer:
    """Make one."""
    return await visit.database(lambda db: add_token(visit, visit.body, db))


async def revoke(visit: Visit) -> Answer:
    """Revoke one; doing it twice changes nothing."""
    row = await visit.database(lambda db: revoke_token(visit, visit.params.token_id, db))
    return TokenOut.model_validate(row)


ROUTES = (
    api(
        "GET", "/tokens", "api_tokens", list_, may(Permission.TOKENS_MANAGE), query=PageQuery,
        response=Page[TokenOut], tag="Tokens", summary="List API tokens",
    ),
    api(
        "POST", "/tokens", "api_add_token", add, may(Permission.TOKENS_MANAGE), body=TokenIn,
        response=NewTokenOut, status=201, tag="Tokens", audit="token.added", object_kind="token",
        acts=True, secret=True, summary="Make an API token; its secret is shown this once",
        example={"name": "wall screen", "scopes": ["calls:read", "events:read"], "days": 30},
    ),
    api(
        "POST", "/tokens/{token_id}/revoke", "api_revoke_token", revoke,
        may(Permission.TOKENS_MANAGE), params=TokenParams, response=TokenOut, tag="Tokens",
        audit="token.revoked", object_kind="token", acts=True, summary="Revoke an API token",
    ),
)  # fmt: skip
