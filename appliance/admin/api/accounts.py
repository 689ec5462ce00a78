"""Accounts over the API. A password is in the answer that made it, and nowhere else."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import select, tuple_

from appliance.admin import account_work, accounts, passwords
from appliance.admin.account_work import AccountIn, NewAccountIn
from appliance.admin.fields import Model
from appliance.admin.pagination import Page, PageQuery, cut, encode_cursor, id_cursor
from appliance.admin.problems import not_found
from appliance.admin.roles import Permission, Role
from appliance.admin.routing import Answer, api, may
from appliance.admin.visit import Visit
from appliance.storage.admin_models import Account

_MANAGE = may(Permission.ACCOUNTS_MANAGE)


class AccountOut(BaseModel):
    """An account, without its secrets."""

    id: UUID
    email: str
    name: str
    role: Role
    person_id: UUID | None
    second_factor: bool
    disabled: bool
    created_at: datetime

    @classmethod
    def of(cls, row: Account, **more: str) -> Self:
        """From its row."""
        facts = {"id": row.id, "created_at": row.created_at, **accounts.shown(row), **more}
        return cls.model_validate(facts)


class AccountWithPassword(AccountOut):
    """An account whose password was just made."""

    password: str = Field(description="hand it over now; it is not shown again")


class AccountParams(Model):
    """An account."""

    account_id: UUID


async def list_(visit: Visit) -> Answer:
    """Accounts, the newest first."""
    query: PageQuery = visit.query
    after = id_cursor(query.cursor)
    wanted = select(Account).where(Account.organisation_id == visit.who.organisation_id)
    if after is not None:
        wanted = wanted.where(tuple_(Account.created_at, Account.id) < after)
    wanted = wanted.order_by(Account.created_at.desc(), Account.id.desc()).limit(query.limit + 1)
    found = await visit.database(lambda db: list(db.scalars(wanted)))
    rows, following = cut(found, query.limit, lambda row: encode_cursor(row.created_at, row.id))
    return Page[AccountOut](items=[AccountOut.of(row) for row in rows], next_cursor=following)


async def one(visit: Visit) -> Answer:
    """One account."""
    who, account_id = visit.who, visit.params.account_id
    row = await visit.database(lambda db: accounts.get(db, who.organisation_id, account_id))
    if row is None:
        raise not_found("account")
    return AccountOut.of(row)


async def add(visit: Visit) -> Answer:
    """Make one."""
    password = passwords.generated()
    row = await account_work.add(visit, visit.body, password)
    return AccountWithPassword.of(row, password=password)


async def put(visit: Visit) -> Answer:
    """Change one."""
    return AccountOut.of(await account_work.change(visit, visit.params.account_id, visit.body))


async def reset(visit: Visit) -> Answer:
    """A fresh password for one."""
    password = passwords.generated()
    row = await account_work.reset(visit, visit.params.account_id, password)
    return AccountWithPassword.of(row, password=password)


ROUTES = (
    api(
        "GET", "/accounts", "api_accounts", list_, _MANAGE, query=PageQuery,
        response=Page[AccountOut], tag="Accounts", summary="List accounts",
    ),
    api(
        "GET", "/accounts/{account_id}", "api_account", one, _MANAGE, params=AccountParams,
        response=AccountOut, tag="Accounts", summary="Read an account",
    ),
    api(
        "POST", "/accounts", "api_add_account", add, _MANAGE, body=NewAccountIn,
        response=AccountWithPassword, status=201, tag="Accounts", audit="account.added",
        object_kind="account", acts=True, secret=True,
        summary="Make an account; its password is shown this once",
        example={"email": "ann@example.org", "name": "Ann", "role": "receptionist"},
    ),
    api(
        "PUT", "/accounts/{account_id}", "api_put_account", put, _MANAGE, params=AccountParams,
        body=AccountIn, response=AccountOut, tag="Accounts", audit="account.changed",
        object_kind="account", acts=True,
        summary="Change an account's name, role or person, or whether it may sign in",
        example={"name": "Ann", "role": "auditor", "disabled": True},
    ),
    api(
        "POST", "/accounts/{account_id}/reset", "api_reset_account", reset, _MANAGE,
        params=AccountParams, response=AccountWithPassword, tag="Accounts",
        audit="account.password_reset", object_kind="account", acts=True, secret=True,
        summary="Make a new password, shown this once; end all sessions and the second factor",
    ),
)  # fmt: skip
