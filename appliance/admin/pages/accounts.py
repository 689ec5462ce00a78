"""Who may come in: the accounts of the organisation."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import BeforeValidator
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.admin import accounts, passwords, sessions
from appliance.admin.fields import Email, Model, RequiredLine
from appliance.admin.forms import Form
from appliance.admin.problems import Problem, not_found, wrong_value
from appliance.admin.roles import Permission, Role, may_manage
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit
from appliance.storage.admin_models import Account
from appliance.storage.database import RefusedRowError
from appliance.storage.models import Person

_NO_PERSON = BeforeValidator(lambda value: None if value == "" else value)


class AccountForm(Model):
    """What can be chosen about an account; a browser leaves an unticked box out."""

    name: RequiredLine
    role: Role
    person_id: Annotated[UUID | None, _NO_PERSON] = None
    disabled: bool = False


class NewAccountForm(AccountForm):
    """A new account."""

    email: Email


class AccountParams(Model):
    """An account."""

    account_id: UUID


async def show(visit: Visit) -> Answer:
    """The list, and the form for a new one."""
    return await _list(visit)


async def add(visit: Visit) -> Answer:
    """Make one, with a password that is shown this once."""
    form, who = visit.form, visit.who
    if form.ok and not may_manage(who.role, visit.body.role):
        form.refuse("role", "Only an owner makes owners.")
    if not form.ok:
        return await _list(visit, form)
    body: NewAccountForm = visit.body
    secret = passwords.generated()
    hashed = await visit.run(lambda: visit.services.passwords.hash(secret))

    def work(db: Session) -> None:
        _check_person(db, visit, body.person_id)
        account = accounts.add(
            db, who.organisation_id, email=body.email, name=body.name, role=body.role,
            password_hash=hashed, person_id=body.person_id,
        )  # fmt: skip
        account.disabled = body.disabled
        visit.trace.write(db, visit.now, object_id=str(account.id), after=accounts.shown(account))

    try:
        await visit.database(work)
    except RefusedRowError as error:
        if "uq_accounts_email" not in str(error):
            raise
        form.refuse("email", "This address has an account already.")
        return await _list(visit, form)
    return await _list(visit, secret=secret, made=body.email)


async def show_one(visit: Visit) -> Answer:
    """One account."""
    return await _one(visit)


async def change(visit: Visit) -> Answer:
    """Change name, role, person, or whether it may sign in."""
    form, who = visit.form, visit.who
    if not form.ok:
        return await _one(visit, form)
    body: AccountForm = visit.body

    def work(db: Session) -> None:
        account = _managed(db, visit)
        if not may_manage(who.role, body.role):
            raise wrong_value("role", "Only an owner makes owners.")
        _keep_an_owner(db, visit, account, stays=body.role is Role.OWNER and not body.disabled)
        _check_person(db, visit, body.person_id)
        before = accounts.shown(account)
        account.name, account.role = body.name, body.role.value
        account.person_id, account.disabled = body.person_id, body.disabled
        if body.disabled:
            sessions.end_all(db, who.organisation_id, account.id)
        visit.trace.write(db, visit.now, before=before, after=accounts.shown(account))

    try:
        await visit.database(work)
    except Problem as problem:
        if not problem.errors:
            raise
        form.refuse(problem.errors[0].field, problem.errors[0].message)
        return await _one(visit, form)
    return visit.redirect("accounts", f"The account of {body.name} is changed.")


async def reset(visit: Visit) -> Answer:
    """A new password, shown this once; the second factor is off, and all sessions are ended."""
    secret = passwords.generated()
    hashed = await visit.run(lambda: visit.services.passwords.hash(secret))

    def work(db: Session) -> str:
        account = _managed(db, visit)
        account.password_hash, account.password_changed_at = hashed, visit.now
        account.totp_secret = account.totp_last_step = None
        sessions.end_all(db, account.organisation_id, account.id)
        visit.trace.write(db, visit.now)
        return account.email

    email = await visit.database(work)
    return await _list(visit, secret=secret, made=email)


def _managed(db: Session, visit: Visit) -> Account:
    """The account of the path, when who asks may change it.

    Raises:
        Problem: there is none, or it is an owner's.
    """
    account = accounts.get(db, visit.who.organisation_id, visit.params.account_id)
    if account is None:
        raise not_found("account")
    if not may_manage(visit.who.role, Role(account.role)):
        raise Problem(403, "forbidden", "Only an owner changes an owner's account.")
    return account


def _keep_an_owner(db: Session, visit: Visit, account: Account, *, stays: bool) -> None:
    last = accounts.owners(db, visit.who.organisation_id) <= 1
    if account.role == Role.OWNER.value and not account.disabled and not stays and last:
        raise wrong_value("role", "Somebody has to be an owner: make another one first.")


def _check_person(db: Session, visit: Visit, person_id: UUID | None) -> None:
    if person_id is not None and db.get(Person, (visit.who.organisation_id, person_id)) is None:
        raise wrong_value("person_id", "There is no such person.")


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
        return _managed(db, visit), _people(db, visit)

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
