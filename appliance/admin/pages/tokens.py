"""API tokens: the list, making one, revoking one."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from appliance.admin import api_tokens
from appliance.admin.api.tokens import TokenIn, add_token, revoke_token
from appliance.admin.fields import Model, RequiredLine
from appliance.admin.forms import Form
from appliance.admin.pagination import PageQuery, cut, encode_cursor, id_cursor
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit


class TokenForm(Model):
    """The same as `TokenIn`, from a form."""

    name: RequiredLine
    scopes: Annotated[list[Permission], Field(min_length=1, max_length=len(Permission))]
    days: int = Field(default=90, ge=1, le=365)


class TokenParams(Model):
    """A token."""

    token_id: UUID


async def show(visit: Visit) -> Answer:
    """The list, and the form for a new one."""
    return await _page(visit, visit.query.cursor)


async def add(visit: Visit) -> Answer:
    """Make one, and show its secret this once."""
    if "scopes" not in visit.form.values:
        visit.form.errors["scopes"] = "Choose at least one."
    if not visit.form.ok:
        return await _page(visit, form=visit.form)
    wanted = TokenIn(**visit.body.model_dump())
    made = await visit.database(lambda db: add_token(visit, wanted, db))
    return await _page(visit, secret=made.token, made=made.name)


async def revoke(visit: Visit) -> Answer:
    """End one for good."""
    row = await visit.database(lambda db: revoke_token(visit, visit.params.token_id, db))
    return visit.redirect("tokens", f"The token {row.name} is revoked.")


async def _page(
    visit: Visit, cursor: str = "", form: Form | None = None, secret: str = "", made: str = ""
) -> web.Response:
    after = id_cursor(cursor)
    limit = PageQuery().limit
    rows = await visit.database(
        lambda db: api_tokens.page(db, visit.who.organisation_id, limit + 1, after)
    )
    rows, following = cut(rows, limit, lambda row: encode_cursor(row.created_at, row.id))
    return visit.page(
        "tokens.html", status=422 if form else 200, rows=rows, form=form or Form(), secret=secret,
        made=made, now=visit.now,
        scopes=[scope for scope in Permission if visit.who.may(scope)],
        following=str(visit.url("tokens", {"cursor": following})) if following else "",
    )  # fmt: skip


_MANAGE = may(Permission.TOKENS_MANAGE)
ROUTES = (
    page("GET", "/tokens", "tokens", show, _MANAGE, query=PageQuery),
    page(
        "POST", "/tokens", "add_token", add, _MANAGE, body=TokenForm, audit="token.added",
        object_kind="token",
    ),
    page(
        "POST", "/tokens/{token_id}/revoke", "revoke_token", revoke, _MANAGE, params=TokenParams,
        audit="token.revoked", object_kind="token",
    ),
)  # fmt: skip
