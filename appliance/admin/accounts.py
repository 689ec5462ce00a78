"""Accounts in the database. Every function works inside a transaction of the organisation."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pyotp
import segno
from markupsafe import Markup
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from appliance.admin.audit import Trace
from appliance.admin.roles import Role
from appliance.calls.errors import ConfigurationError
from appliance.storage.admin_models import Account
from appliance.storage.database import Database, RefusedRowError

ISSUER = "Appliance"
_STEP_S = 30
_LOOK_UP = text("SELECT organisation_id, account_id FROM appliance_account_of(:email)")


@dataclass(frozen=True, slots=True)
class Found:
    """Whose e-mail address it is."""

    organisation_id: UUID
    account_id: UUID


def find(database: Database, email: str) -> Found | None:
    """Whose e-mail address this is, in whatever organisation; None when nobody's.

    Raises:
        StorageError: the database is out of reach.
    """
    # The nil organisation sees no row; the function looks behind it at accounts alone.
    with database.session(UUID(int=0)) as session:
        row = session.execute(_LOOK_UP, {"email": email.strip()}).first()
    return Found(row.organisation_id, row.account_id) if row else None


def add(
    session: Session, organisation_id: UUID, *, email: str, name: str, role: Role,
    password_hash: str, person_id: UUID | None = None,
) -> Account:  # fmt: skip
    """Add an account; sent to the database at once.

    Raises:
        RefusedRowError: when the transaction ends, if the e-mail address is taken.
    """
    account = Account(
        organisation_id=organisation_id, email=email, name=name, role=role.value,
        password_hash=password_hash, person_id=person_id,
    )  # fmt: skip
    session.add(account)
    session.flush()
    return account


def get(session: Session, organisation_id: UUID, account_id: UUID) -> Account | None:
    """One account of this organisation."""
    return session.get(Account, (organisation_id, account_id))


def owners(session: Session, organisation_id: UUID) -> int:
    """How many owners can sign in; the last one may not go."""
    query = select(Account.id).where(
        Account.organisation_id == organisation_id,
        Account.role == Role.OWNER.value,
        Account.disabled.is_(False),
    )
    return len(session.scalars(query.with_for_update()).all())


def use_code(session: Session, account: Account, code: str, now: datetime) -> bool:
    """Whether this is the account's code of the moment; each code works once.

    Codes of the steps before and after are taken too: clocks differ.
    """
    if account.totp_secret is None:
        return False
    step = matching_step(account.totp_secret, code, now)
    if step is None:
        return False
    # The comparison is the database's, so two requests at once cannot both use the code.
    taken = session.execute(
        update(Account)
        .where(
            Account.organisation_id == account.organisation_id,
            Account.id == account.id,
            (Account.totp_last_step.is_(None)) | (Account.totp_last_step < step),
        )
        .values(totp_last_step=step)
        .returning(Account.id)
    ).all()
    return bool(taken)


def matching_step(secret: str, code: str, now: datetime) -> int | None:
    """The 30-second step that the code belongs to; None when it is no code of now."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return None
    current = int(now.timestamp()) // _STEP_S
    totp = pyotp.TOTP(secret)
    for step in (current - 1, current, current + 1):
        if pyotp.utils.strings_equal(totp.generate_otp(step), digits):
            return step
    return None


def totp_address(secret: str, email: str) -> str:
    """What an authenticator app is given, as a link."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def totp_picture(secret: str, email: str) -> Markup:
    """The same as a QR code, drawn as SVG: black on white whatever the page's colours are."""
    code = segno.make(totp_address(secret, email), micro=False)
    drawn = code.svg_inline(scale=4, light="#fff", svgclass=None, lineclass=None)
    return Markup(drawn)  # noqa: S704  (nothing in it but paths)


def add_owner(
    database: Database, organisation_id: UUID, *, email: str, name: str, password_hash: str,
    now: datetime,
) -> None:  # fmt: skip
    """Make an owner, for the command line.

    Raises:
        ConfigurationError: the e-mail address is taken.
        StorageError: the database is out of reach.
    """
    trace = Trace(
        organisation_id=organisation_id, actor_id=None, actor="command line", via="cli",
        address="", correlation_id="",
    )  # fmt: skip
    try:
        with database.session(organisation_id) as session:
            account = add(
                session, organisation_id, email=email, name=name, role=Role.OWNER,
                password_hash=password_hash,
            )  # fmt: skip
            trace.write(
                session, now, action="account.added", object_kind="account",
                object_id=str(account.id), after=shown(account),
            )  # fmt: skip
    except RefusedRowError as error:
        if "uq_accounts_email" in str(error):
            raise ConfigurationError(
                f"{email} has an account already: sign in with it, or name another address"
            ) from error
        raise


def shown(account: Account) -> dict[str, Any]:
    """An account as the audit log may show it."""
    return {
        "email": account.email,
        "name": account.name,
        "role": account.role,
        "person_id": str(account.person_id) if account.person_id else None,
        "second_factor": account.totp_secret is not None,
        "disabled": account.disabled,
    }
