"""Signing in, as one thing after the other. Everything here blocks; call it on a thread."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from appliance.admin import accounts, lock_out, sessions
from appliance.admin.audit import Trace
from appliance.admin.credentials import Credential
from appliance.admin.passwords import Passwords
from appliance.admin.principal import Principal
from appliance.admin.sessions import SessionRules
from appliance.calls.errors import ConfigurationError
from appliance.storage.admin_models import Account
from appliance.storage.database import Database

_NOBODY = UUID(int=0)
_LINK_LASTS = timedelta(minutes=10)


class SignInResult(StrEnum):
    """How an attempt ended."""

    SIGNED_IN = "signed_in"
    CODE_WANTED = "code_wanted"
    REFUSED = "refused"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt.

    Attributes:
        credential: of the session that began, when one did.
        until: when the next attempt may be made, when it is locked.
    """

    result: SignInResult
    credential: Credential | None = None
    until: datetime | None = None


def make_link(database: Database, email: str, now: datetime) -> str:
    """A path that signs in whoever opens it first within ten minutes, for the command line.

    Raises:
        ConfigurationError: nobody has this address, or the account may not sign in.
        StorageError: the database is out of reach.
    """
    found = accounts.find(database, email)
    if found is None:
        raise ConfigurationError(
            f"nobody has the address {email}: make an account with `appliance admin "
            "add-administrator`"
        )
    rules = SessionRules(idle=_LINK_LASTS, longest=_LINK_LASTS)
    with database.session(found.organisation_id) as session:
        account = accounts.get(session, found.organisation_id, found.account_id)
        if account is None or account.disabled:
            raise ConfigurationError(f"the account of {email} may not sign in")
        credential = sessions.begin(
            session,
            account,
            now,
            rules,
            address="",
            agent="Sign-in link",
            confirmed=True,
            link=True,
        )
    return f"/sign-in/with/{credential.as_cookie()}"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where people sign in.

    Attributes:
        trace: of this request; its organisation and actor are filled in once they are known.
        agent: what the browser calls itself.
    """

    database: Database
    passwords: Passwords
    rules: SessionRules
    trace: Trace
    agent: str
    now: datetime

    def with_password(self, email: str, password: str) -> Attempt:
        """The first step. A wrong address and a wrong password take as long and look the same.

        Raises:
            StorageError: the database is out of reach.
        """
        guards = lock_out.keys(email, self.trace.address)
        with self.database.session(_NOBODY) as session:
            until = lock_out.begin_attempt(session, guards, self.now)
        if until is not None:
            return Attempt(SignInResult.LOCKED, until=until)
        found = accounts.find(self.database, email)
        account = self._account(found)
        good = self.passwords.verify(account.password_hash if account else None, password)
        if account is None:
            return Attempt(SignInResult.REFUSED)
        self._name(account)
        if not good or account.disabled:
            self._note(account, "sign_in.refused")
            return Attempt(SignInResult.REFUSED)
        with self.database.session(account.organisation_id) as session:
            current = session.merge(account)
            if self.passwords.outdated(current.password_hash):
                current.password_hash = self.passwords.hash(password)
            confirmed = current.totp_secret is None
            credential = sessions.begin(
                session, current, self.now, self.rules, address=self.trace.address,
                agent=self.agent, confirmed=confirmed,
            )  # fmt: skip
            self.trace.write(
                session, self.now, action="sign_in" if confirmed else "sign_in.password_right"
            )
            if confirmed:
                lock_out.attempt_succeeded(session, guards)
        result = SignInResult.SIGNED_IN if confirmed else SignInResult.CODE_WANTED
        return Attempt(result, credential)

    def with_code(self, who: Principal, code: str) -> Attempt:
        """The second step: the session of the first is exchanged for one that counts.

        Raises:
            StorageError: the database is out of reach.
        """
        guards = lock_out.keys(who.email, self.trace.address)
        with self.database.session(who.organisation_id) as session:
            until = lock_out.begin_attempt(session, guards, self.now)
        if until is not None:
            return Attempt(SignInResult.LOCKED, until=until)
        with self.database.session(who.organisation_id) as session:
            account = accounts.get(session, who.organisation_id, who.account_id)
            if account is None or not accounts.use_code(session, account, code, self.now):
                self.trace.write(session, self.now, action="sign_in.code_refused")
                return Attempt(SignInResult.REFUSED)
            sessions.end(session, who.organisation_id, who.account_id, who.credential_id)
            credential = sessions.begin(
                session, account, self.now, self.rules, address=self.trace.address,
                agent=self.agent, confirmed=True,
            )  # fmt: skip
            self.trace.write(session, self.now, action="sign_in")
            lock_out.attempt_succeeded(session, guards)
        return Attempt(SignInResult.SIGNED_IN, credential)

    def with_link(self, link: Credential) -> Attempt:
        """Exchange the short session that a link holds for one of this browser: it works once.

        Raises:
            StorageError: the database is out of reach.
        """
        with self.database.session(link.organisation_id) as session:
            who = sessions.find(session, link, self.now, self.rules, link=True)
            if who is None or not who.confirmed:
                return Attempt(SignInResult.REFUSED)
            account = accounts.get(session, who.organisation_id, who.account_id)
            if account is None:
                return Attempt(SignInResult.REFUSED)
            if not sessions.end(session, who.organisation_id, who.account_id, who.credential_id):
                return Attempt(SignInResult.REFUSED)  # another browser was quicker
            credential = sessions.begin(
                session, account, self.now, self.rules, address=self.trace.address,
                agent=self.agent, confirmed=True,
            )  # fmt: skip
            self._name(account)
            self.trace.write(session, self.now, action="sign_in.by_link")
        return Attempt(SignInResult.SIGNED_IN, credential)

    def own_password(self, who: Principal, password: str) -> Attempt:
        """Ask somebody who is signed in for the password once more, before something weighty."""
        guards = lock_out.keys(who.email, self.trace.address)
        with self.database.session(who.organisation_id) as session:
            until = lock_out.begin_attempt(session, guards, self.now)
            account = accounts.get(session, who.organisation_id, who.account_id)
        if until is not None:
            return Attempt(SignInResult.LOCKED, until=until)
        if not self.passwords.verify(account.password_hash if account else None, password):
            return Attempt(SignInResult.REFUSED)
        with self.database.session(who.organisation_id) as session:
            lock_out.attempt_succeeded(session, guards)
        return Attempt(SignInResult.SIGNED_IN)

    def _name(self, account: Account) -> None:
        """Tell the trace who it is."""
        self.trace.organisation_id = account.organisation_id
        self.trace.actor_id, self.trace.actor = account.id, account.email
        self.trace.via, self.trace.object_kind = "session", "account"
        self.trace.object_id = str(account.id)

    def _account(self, found: accounts.Found | None) -> Account | None:
        if found is None:
            return None
        with self.database.session(found.organisation_id) as session:
            return accounts.get(session, found.organisation_id, found.account_id)

    def _note(self, account: Account, action: str) -> None:
        with self.database.session(account.organisation_id) as session:
            self.trace.write(session, self.now, action=action)
