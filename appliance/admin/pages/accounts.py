"""Who may come in: the accounts of the organisation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BeforeValidator
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.admin import account_work, passwords
from appliance.admin.account_work import AccountIn, NewAccountIn, managed
from appliance.admin.api.accounts import AccountParams
from appliance.admin.forms import Form
from appliance.admin.problems import Problem
from appliance.admin.roles import Permission, Role, may_manage
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit
from appliance.storage.admin_models import Account
from appliance.storage.models import Person

_NO_PERSON = BeforeValidator(lambda value: None if value == "" else value)


class AccountForm(AccountIn):
    """As a browser sends it: it leaves an unticked box out, and nobody is an empty text."""

    person_id: Annotated[UUID | None, _NO_PERSON] = None


class NewAccountForm(AccountForm, NewAccountIn):
    """A new account."""


async def show(visit: Visit) -> Answer:
    """The list, and the form for a new one."""
    return await _list(visit)


async def add(visit: Visit) -> Answer:
    """Make one, with a password that is shown this once."""
    form, secret = visit.form, passwords.generated()
    if form.ok:
        with _told_in(form):
            made = await account_work.add(visit, visit.body, secret)
            return await _list(visit, secret=secret, made=made.email)
    return await _list(visit, form)


async def show_one(visit: Visit) -> Answer:
    """One account."""
    return await _one(visit)


async def change(visit: Visit) -> Answer:
    """Change name, role, person, or whether it may sign in."""
    form = visit.form
    if form.ok:
        with _told_in(form):
            changed = await account_work.change(visit, visit.params.account_id, visit.body)
            return visit.redirect("accounts", f"The account of {changed.name} is changed.")
    return await _one(visit, form)


async def reset(visit: Visit) -> Answer:
    """A new password, shown this once; the second factor is off, and all sessions are ended."""
    secret = passwords.generated()
    account = await account_work.reset(visit, visit.params.account_id, secret)
    return await _list(visit, secret=secret, made=account.email)


@contextmanager
def _told_in(form: Form) -> Iterator[None]:
    """Put into the form what is wrong with one of its fields."""
    try:
        yield
    except Problem as problem:
        if not problem.errors:
            raise
        fault = problem.errors[0]
        form.refuse(fault.field.removeprefix("body."), fault.message)


def _people(db: Session, visit: Visit) -> Sequence[Person]:
    query = select(Person).where(Person.organisation_id == visit.who.organisation_id)
    return db.scalars(query.order_by(Person.name)).all()


async def _list(
    visit: Visit, form: Form | None = None, secret: str = "", made: str = ""
) -> web.Response:
    def work(db: Session) -> tuple[Sequence[Account], Sequence[Person]]:
        query = select(Account).where(Account.organisation_id == visit.who.organisation_id)
        return db.scalars(query.order_by(Account.name, Account.email)).all(), _people(db, visit)

    rows, people = await visit.database(work)
    return visit.page(
        "accounts.html", status=422 if form else 200, rows=rows,
        role_options=_role_options(visit), person_options=_person_options(people),
        names={person.id: person.name for person in people}, form=form or Form(), secret=secret,
        made=made,
    )  # fmt: skip


async def _one(visit: Visit, form: Form | None = None) -> web.Response:
    def work(db: Session) -> tuple[Account, Sequence[Person]]:
        return managed(db, visit, visit.params.account_id), _people(db, visit)

    account, people = await visit.database(work)
    shown = form or Form(
        {
            "name": account.name, "role": account.role, "person_id": str(account.person_id or ""),
            "disabled": "true" if account.disabled else "",
        }
    )  # fmt: skip
    return visit.page(
        "one_account.html", status=422 if form else 200, account=account, form=shown,
        role_options=_role_options(visit), person_options=_person_options(people),
    )  # fmt: skip


def _role_options(visit: Visit) -> list[tuple[str, str]]:
    return [(role.value, role.value.title()) for role in Role if may_manage(visit.who.role, role)]


def _person_options(people: Sequence[Person]) -> list[tuple[str, str]]:
    return [("", "Nobody"), *((str(person.id), person.name) for person in people)]


_MANAGE = may(Permission.ACCOUNTS_MANAGE)
ROUTES = (
    page("GET", "/accounts", "accounts", show, _MANAGE),
    page(
        "POST", "/accounts", "add_account", add, _MANAGE, body=NewAccountForm,
        audit="account.added", object_kind="account",
    ),
    page("GET", "/accounts/{account_id}", "one_account", show_one, _MANAGE, params=AccountParams),
    page(
        "POST", "/accounts/{account_id}", "change_account", change, _MANAGE, params=AccountParams,
        body=AccountForm, audit="account.changed", object_kind="account",
    ),
    page(
        "POST", "/accounts/{account_id}/reset", "reset_account", reset, _MANAGE,
        params=AccountParams, audit="account.password_reset", object_kind="account",
    ),
)  # fmt: skip
