"""My account: password, second factor, sessions."""

from uuid import UUID

import pyotp
from aiohttp import web
from sqlalchemy.orm import Session

from appliance.admin import accounts, sessions
from appliance.admin.fields import Line, Model, Secret
from appliance.admin.forms import Form
from appliance.admin.pages.sign_in import desk_of, wait_words
from appliance.admin.passwords import SHORTEST, fault_of
from appliance.admin.problems import not_found
from appliance.admin.routing import SIGNED_IN, Answer, page
from appliance.admin.signing_in import SignInResult
from appliance.admin.visit import Visit

_TEMPLATE = "account.html"
_SECRET_LENGTH = 32


class PasswordForm(Model):
    """A new password."""

    old_password: Secret
    new_password: Secret
    new_password_again: Secret


class SecondFactorForm(Model):
    """Turning the second factor on: the secret that was shown, and a code made with it."""

    secret: Line
    code: Line
    password: Secret


class PasswordOnly(Model):
    """Something weighty, confirmed with the password."""

    password: Secret


class SessionParams(Model):
    """A session of mine."""

    session_id: UUID


async def show(visit: Visit) -> Answer:
    """The page."""
    return await _account_page(visit)


async def change_password(visit: Visit) -> Answer:
    """Change it, and end all other sessions."""
    form, who = visit.form, visit.who
    if form.ok:
        body = visit.body
        fault = fault_of(body.new_password, who.email, who.name)
        if fault:
            form.refuse("new_password", fault)
        if body.new_password != body.new_password_again:
            form.refuse("new_password_again", "The two are not the same.")
    if form.ok:
        await _confirm(visit, "old_password")
    if not form.ok:
        return await _account_page(visit, password=form)
    hashed = await visit.run(lambda: visit.services.passwords.hash(visit.body.new_password))

    def work(db: Session) -> None:
        account = accounts.get(db, who.organisation_id, who.account_id)
        if account is None:
            raise not_found("account")
        account.password_hash, account.password_changed_at = hashed, visit.now
        ended = sessions.end_all(db, who.organisation_id, who.account_id, but=who.credential_id)
        visit.trace.write(
            db, visit.now, object_id=str(account.id), after={"other_sessions_ended": ended}
        )

    await visit.database(work)
    return visit.redirect("account", "Your password is changed; your other sessions are ended.")


async def turn_on(visit: Visit) -> Answer:
    """Turn the second factor on, once a code shows that the app has the secret."""
    form, who = visit.form, visit.who
    secret = str(form.values.get("secret", ""))
    if form.ok and not _is_secret(secret):
        form.refuse("code", "Begin again: the secret is not the one that was shown.")
    if form.ok and accounts.matching_step(secret, visit.body.code, visit.now) is None:
        form.refuse("code", "That is not the code of the moment; is the phone's clock right?")
    if form.ok:
        await _confirm(visit, "password")
    if not form.ok:
        return await _account_page(visit, second_factor=form)

    def work(db: Session) -> None:
        account = accounts.get(db, who.organisation_id, who.account_id)
        if account is None:
            raise not_found("account")
        account.totp_secret = secret
        account.totp_last_step = accounts.matching_step(secret, visit.body.code, visit.now)
        visit.trace.write(db, visit.now, object_id=str(account.id), after={"second_factor": True})

    await visit.database(work)
    return visit.redirect("account", "From now on you sign in with a code as well.")


async def turn_off(visit: Visit) -> Answer:
    """Turn the second factor off."""
    form, who = visit.form, visit.who
    if form.ok:
        await _confirm(visit, "password")
    if not form.ok:
        return await _account_page(visit, second_factor=form)

    def work(db: Session) -> None:
        account = accounts.get(db, who.organisation_id, who.account_id)
        if account is None:
            raise not_found("account")
        account.totp_secret = account.totp_last_step = None
        visit.trace.write(db, visit.now, object_id=str(account.id), after={"second_factor": False})

    await visit.database(work)
    return visit.redirect("account", "You sign in with the password alone again.", "warning")


async def end_session(visit: Visit) -> Answer:
    """End one of my other sessions."""
    who, session_id = visit.who, visit.params.session_id

    def work(db: Session) -> None:
        if not sessions.end(db, who.organisation_id, who.account_id, session_id):
            raise not_found("session")
        visit.trace.write(db, visit.now)

    await visit.database(work)
    return visit.redirect("account", "That session is ended.")


async def end_others(visit: Visit) -> Answer:
    """End all my sessions but this."""
    who = visit.who

    def work(db: Session) -> int:
        ended = sessions.end_all(db, who.organisation_id, who.account_id, but=who.credential_id)
        visit.trace.write(db, visit.now, object_id=str(who.account_id), after={"ended": ended})
        return ended

    ended = await visit.database(work)
    return visit.redirect("account", f"{ended} other sessions are ended.")


async def _confirm(visit: Visit, field: str) -> None:
    """Ask for the password; what is wrong with it is put into the form."""
    desk, password = desk_of(visit), getattr(visit.body, field)
    attempt = await visit.run(lambda: desk.own_password(visit.who, password))
    if attempt.result is SignInResult.LOCKED:
        visit.form.refuse(field, wait_words(attempt, visit))
    elif attempt.result is not SignInResult.SIGNED_IN:
        visit.form.refuse(field, "That is not your password.")


async def _account_page(
    visit: Visit, password: Form | None = None, second_factor: Form | None = None
) -> web.Response:
    who, rules = visit.who, visit.services.session_rules
    mine = await visit.database(
        lambda db: sessions.of_account(db, who.organisation_id, who.account_id, visit.now, rules)
    )
    second_factor = second_factor or Form()
    secret = str(second_factor.values.get("secret", ""))
    if not _is_secret(secret):
        secret = pyotp.random_base32(_SECRET_LENGTH)
    failed = bool(second_factor.errors or (password and password.errors))
    return visit.page(
        _TEMPLATE, status=422 if failed else 200, password=password or Form(),
        second_factor=second_factor, sessions=mine, secret=secret, shortest=SHORTEST,
        totp_address=accounts.totp_address(secret, who.email),
        totp_picture=accounts.totp_picture(secret, who.email),
    )  # fmt: skip


def _is_secret(text: str) -> bool:
    return len(text) == _SECRET_LENGTH and set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


_MINE = {"object_kind": "account"}
ROUTES = (
    page("GET", "/account", "account", show, SIGNED_IN),
    page(
        "POST", "/account/password", "change_password", change_password, SIGNED_IN,
        body=PasswordForm, audit="account.password_changed", **_MINE,
    ),
    page(
        "POST", "/account/second-factor", "turn_on_second_factor", turn_on, SIGNED_IN,
        body=SecondFactorForm, audit="account.second_factor_on", **_MINE,
    ),
    page(
        "POST", "/account/second-factor/off", "turn_off_second_factor", turn_off, SIGNED_IN,
        body=PasswordOnly, audit="account.second_factor_off", **_MINE,
    ),
    page(
        "POST", "/account/sessions/{session_id}/end", "end_session", end_session, SIGNED_IN,
        params=SessionParams, audit="session.ended", object_kind="session",
    ),
    page(
        "POST", "/account/sessions/end-others", "end_other_sessions", end_others, SIGNED_IN,
        audit="session.others_ended", **_MINE,
    ),
)  # fmt: skip
