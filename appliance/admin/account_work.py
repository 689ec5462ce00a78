"""What is done with accounts, by pages and programs alike; in the transaction that is handed in."""

from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from appliance.admin import accounts, sessions
from appliance.admin.fields import Email, Model, RequiredLine
from appliance.admin.problems import Problem, not_found, wrong_value
from appliance.admin.roles import Role, may_manage
from appliance.admin.visit import Visit
from appliance.storage.admin_models import Account
from appliance.storage.database import RefusedRowError
from appliance.storage.models import Person


class AccountIn(Model):
    """What can be chosen about an account."""

    name: RequiredLine
    role: Role
    person_id: UUID | None = Field(
        default=None, description="whose telephone the account answers, and calls out with"
    )
    disabled: bool = Field(default=False, description="may not sign in")


class NewAccountIn(AccountIn):
    """A new account."""

    email: Email


async def add(visit: Visit, wanted: NewAccountIn, password: str) -> Account:
    """Make an account.

    Raises:
        Problem: 422; a value does not fit.
    """
    if not may_manage(visit.who.role, wanted.role):
        raise wrong_value("body.role", "Only an owner makes owners.")
    hashed = await visit.run(lambda: visit.services.passwords.hash(password))

    def work(db: Session) -> Account:
        _check_person(db, visit, wanted.person_id)
        account = accounts.add(
            db, visit.who.organisation_id, email=wanted.email, name=wanted.name, role=wanted.role,
            password_hash=hashed, person_id=wanted.person_id,
        )  # fmt: skip
        account.disabled = wanted.disabled
        visit.trace.write(db, visit.now, object_id=str(account.id), after=accounts.shown(account))
        db.flush()
        db.refresh(account)
        return account

    try:
        return await visit.database(work)
    except RefusedRowError as error:
        if "uq_accounts_email" not in str(error):
            raise
        raise wrong_value("body.email", "This address has an account already.") from None


async def change(visit: Visit, account_id: UUID, wanted: AccountIn) -> Account:
    """Change name, role, person, or whether it may sign in.

    Raises:
        Problem: 404, 403 or 422.
    """

    def work(db: Session) -> Account:
        account = managed(db, visit, account_id)
        if not may_manage(visit.who.role, wanted.role):
            raise wrong_value("body.role", "Only an owner makes owners.")
        stays = wanted.role is Role.OWNER and not wanted.disabled
        _keep_an_owner(db, visit, account, stays=stays)
        _check_person(db, visit, wanted.person_id)
        before = accounts.shown(account)
        account.name, account.role = wanted.name, wanted.role.value
        account.person_id, account.disabled = wanted.person_id, wanted.disabled
        if wanted.disabled:
            sessions.end_all(db, visit.who.organisation_id, account.id)
        visit.trace.write(db, visit.now, before=before, after=accounts.shown(account))
        return account

    return await visit.database(work)


async def reset(visit: Visit, account_id: UUID, password: str) -> Account:
    """Exchange the password; the second factor is off, and all sessions are ended.

    Raises:
        Problem: 404 or 403.
    """
    hashed = await visit.run(lambda: visit.services.passwords.hash(password))

    def work(db: Session) -> Account:
        account = managed(db, visit, account_id)
        account.password_hash, account.password_changed_at = hashed, visit.now
        account.totp_secret = account.totp_last_step = None
        sessions.end_all(db, account.organisation_id, account.id)
        visit.trace.write(db, visit.now)
        return account

    return await visit.database(work)


def managed(db: Session, visit: Visit, account_id: UUID) -> Account:
    """An account, when who asks may change it.

    Raises:
        Problem: there is none, or it is an owner's.
    """
    account = accounts.get(db, visit.who.organisation_id, account_id)
    if account is None:
        raise not_found("account")
    if not may_manage(visit.who.role, Role(account.role)):
        raise Problem(403, "forbidden", "Only an owner changes an owner's account.")
    return account


def _keep_an_owner(db: Session, visit: Visit, account: Account, *, stays: bool) -> None:
    last = accounts.owners(db, visit.who.organisation_id) <= 1
    if account.role == Role.OWNER.value and not account.disabled and not stays and last:
        raise wrong_value("body.role", "Somebody has to be an owner: make another one first.")


def _check_person(db: Session, visit: Visit, person_id: UUID | None) -> None:
    if person_id is not None and db.get(Person, (visit.who.organisation_id, person_id)) is None:
        raise wrong_value("body.person_id", "There is no such person.")
