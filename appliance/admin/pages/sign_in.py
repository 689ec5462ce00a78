"""Signing in and out."""

from typing import Annotated

from aiohttp import web
from pydantic import Field
from sqlalchemy.orm import Session

from appliance.admin import cookies, sessions
from appliance.admin.credentials import from_cookie
from appliance.admin.fields import Email, Line, Model, Secret
from appliance.admin.routing import ANYONE, Answer, page
from appliance.admin.signing_in import Attempt, Desk, SignInResult
from appliance.admin.visit import Visit, see_other

_TEMPLATE = "sign_in.html"
_NOTICES = {"out": "You are signed out.", "link": "That link was used, or its time is over."}


class SignInQuery(Model):
    """Where to go afterwards, and a notice of ours to show."""

    next: Annotated[str, Field(max_length=2000)] = ""
    notice: Line = ""


class SignInForm(Model):
    """The first step."""

    email: Email
    password: Secret
    next: Annotated[str, Field(max_length=2000)] = ""


class CodeForm(Model):
    """The second step."""

    code: Line
    next: Annotated[str, Field(max_length=2000)] = ""


class LinkParams(Model):
    """What a link holds."""

    key: Line


def safe_next(address: str) -> str:
    """Where to go after signing in: a page of ours, or the first one."""
    ours = address.startswith("/") and not address.startswith(("//", "/\\", "/api/", "/sign-"))
    return address if ours and address.isprintable() and "\\" not in address else "/"


def desk_of(visit: Visit) -> Desk:
    """The desk for this request."""
    services = visit.services
    return Desk(
        services.threads.database, services.passwords, services.session_rules, visit.trace,
        visit.request.headers.get("User-Agent", ""), visit.now,
    )  # fmt: skip


def wait_words(attempt: Attempt, visit: Visit) -> str:
    """How long a lock lasts, in words."""
    seconds = (attempt.until - visit.now).total_seconds() if attempt.until else 0
    if seconds < 90:
        return f"Too many attempts failed. Try again in {max(1, round(seconds))} seconds."
    return f"Too many attempts failed. Try again in {round(seconds / 60)} minutes."


async def show(visit: Visit) -> Answer:
    """The form, for the step that is due."""
    if visit.principal is not None and visit.principal.confirmed:
        return see_other(safe_next(visit.query.next))
    return visit.page(
        _TEMPLATE, form=visit.form, next=safe_next(visit.query.next),
        notice=_NOTICES.get(visit.query.notice, ""), code_wanted=visit.principal is not None,
    )  # fmt: skip


async def take_password(visit: Visit) -> Answer:
    """The first step."""
    if not visit.form.ok:
        return _again(visit, code_wanted=False)
    desk, body = desk_of(visit), visit.body
    attempt = await visit.run(lambda: desk.with_password(body.email, body.password))
    visit.services.metrics.sign_ins.labels(attempt.result.value).inc()
    if attempt.credential is None:
        visit.form.refuse("", _refusal(attempt, visit, "That address or password is wrong."))
        return _again(visit, code_wanted=False, status=_status(attempt))
    if attempt.result is SignInResult.CODE_WANTED:
        target = visit.url("sign_in", {"next": safe_next(body.next)})
        response = see_other(target)
    else:
        response = see_other(safe_next(body.next))
    cookies.set_session(response, attempt.credential, visit.services.config)
    return response


async def take_code(visit: Visit) -> Answer:
    """The second step."""
    who = visit.principal
    if who is None or who.confirmed:
        return see_other(visit.url("sign_in"))
    if not visit.form.ok:
        return _again(visit, code_wanted=True)
    desk, body = desk_of(visit), visit.body
    attempt = await visit.run(lambda: desk.with_code(who, body.code))
    visit.services.metrics.sign_ins.labels(attempt.result.value).inc()
    if attempt.credential is None:
        visit.form.refuse("code", _refusal(attempt, visit, "That is not the code of the moment."))
        return _again(visit, code_wanted=True, status=_status(attempt))
    response = see_other(safe_next(body.next))
    cookies.set_session(response, attempt.credential, visit.services.config)
    return response


async def by_link(visit: Visit) -> Answer:
    """Signed in by a link that the command line made."""
    credential = from_cookie(visit.params.key)
    if credential is None:
        return see_other(visit.url("sign_in", {"notice": "link"}))
    desk = desk_of(visit)
    attempt = await visit.run(lambda: desk.with_link(credential))
    visit.services.metrics.sign_ins.labels(attempt.result.value).inc()
    if attempt.credential is None:
        return see_other(visit.url("sign_in", {"notice": "link"}))
    response = see_other("/")
    cookies.set_session(response, attempt.credential, visit.services.config)
    return response


async def sign_out(visit: Visit) -> Answer:
    """End the session, whatever state it is in."""
    who = visit.principal
    if who is not None:

        def work(db: Session) -> None:
            sessions.end(db, who.organisation_id, who.account_id, who.credential_id)
            visit.trace.write(db, visit.now, action="sign_out", object_kind="account")

        await visit.database(work)
    response = see_other(visit.url("sign_in", {"notice": "out"}))
    cookies.forget_session(response, visit.services.config)
    return response


def _refusal(attempt: Attempt, visit: Visit, otherwise: str) -> str:
    return wait_words(attempt, visit) if attempt.result is SignInResult.LOCKED else otherwise


def _status(attempt: Attempt) -> int:
    return 429 if attempt.result is SignInResult.LOCKED else 422


def _again(visit: Visit, *, code_wanted: bool, status: int = 422) -> web.Response:
    following = safe_next(str(visit.form.values.get("next", "")))
    return visit.page(
        _TEMPLATE, status=status, form=visit.form, next=following, notice="",
        code_wanted=code_wanted,
    )  # fmt: skip


ROUTES = (
    page("GET", "/sign-in", "sign_in", show, ANYONE, query=SignInQuery),
    page("POST", "/sign-in", "take_password", take_password, ANYONE, body=SignInForm),
    page("POST", "/sign-in/code", "take_code", take_code, ANYONE, body=CodeForm),
    page("GET", "/sign-in/with/{key}", "sign_in_by_link", by_link, ANYONE, params=LinkParams),
    page("POST", "/sign-out", "sign_out", sign_out, ANYONE),
)
