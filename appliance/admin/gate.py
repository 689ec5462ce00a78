"""The one way to a handler: who asks, may they, what do they bring, what do they get.

Every declared route is wrapped by `guarded`; there is no other way to register one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from aiohttp import web
from pydantic import BaseModel

from appliance.admin import api_tokens, cookies, idempotency, sessions
from appliance.admin.addresses import client_address, is_nearby, same_origin
from appliance.admin.credentials import from_token, same
from appliance.admin.forms import CSRF_FIELD
from appliance.admin.inputs import read_inputs
from appliance.admin.principal import Principal
from appliance.admin.problems import CONTENT_TYPE as PROBLEM_JSON
from appliance.admin.problems import Problem, not_found
from appliance.admin.request_keys import VISIT
from appliance.admin.routing import SAFE, Answer, Kind, Route, Who
from appliance.admin.services import SERVICES, Services
from appliance.admin.visit import Visit, see_other
from appliance.calls.errors import StorageError

_BEARER = "bearer "
_CSRF_HEADER = "X-CSRF-Token"
_LONGEST_TOKEN = 200
_BODY_S = 30.0
_SHOWN_ONCE = Problem(
    409, "shown-once",
    "This was carried out already, and what it gave is shown only once. Revoke it and ask with a "
    "fresh Idempotency-Key.",
)  # fmt: skip


def guarded(route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The route's handler behind everything that its declaration demands."""

    async def handle(request: web.Request) -> web.StreamResponse:
        services = request.config_dict[SERVICES]
        visit = Visit(request, route, client_address(request, services.config))
        request[VISIT] = visit
        nearby = is_nearby(request, visit.address, services.config)
        if not (route.rule.who is Who.NEARBY_OR_PERMITTED and nearby):
            await _identify(visit)
        _limit(visit)
        refusal = _refusal(visit, nearby)
        if refusal is not None:
            return refusal
        try:
            async with asyncio.timeout(_BODY_S):
                await _check_csrf(visit)
                await read_inputs(visit)
        except TimeoutError:
            raise Problem(408, "too-slow", "The request did not arrive in time.") from None
        return await _answer(visit)

    return handle


async def still_lets_in(visit: Visit) -> bool:
    """Whether who began this request, which lasts, would be let in now.

    Raises:
        StorageError, Problem: it cannot be found out at this moment.
    """
    before = visit.who
    try:
        await _identify(visit)
    except Problem as problem:
        if problem.status != 401:
            raise
        return False
    who, permission = visit.principal, visit.route.rule.permission
    if who is None or not who.confirmed or who.credential_id != before.credential_id:
        return False
    return permission is None or who.may(permission)


async def _identify(visit: Visit) -> None:
    """Find out who asks; a token that is none is an error, a cookie that is none is not."""
    if visit.route.kind is Kind.PLAIN and visit.route.rule.who is Who.ANYONE:
        return
    request, services = visit.request, visit.services
    authorization = request.headers.get("Authorization", "")
    if visit.route.kind is not Kind.PAGE and authorization:
        visit.principal = await _by_token(services, authorization)
    else:
        visit.principal = await _by_cookie(services, request)
    config = services.config
    if visit.principal is not None:
        who = visit.principal
        visit.csrf = who.csrf
        visit.trace.organisation_id, visit.trace.via = who.organisation_id, who.via
        visit.trace.actor_id = who.account_id if who.via == "session" else who.credential_id
        visit.trace.actor = who.email if who.via == "session" else f"{who.name} ({who.email})"
        structlog.contextvars.bind_contextvars(account=who.email, via=who.via)
    elif visit.route.kind is Kind.PAGE:
        visit.csrf = cookies.visitor_csrf(request, config)
        if not visit.csrf and request.method in SAFE:
            visit.csrf = cookies.fresh_visitor_csrf(request)


async def _by_token(services: Services, authorization: str) -> Principal:
    refused = Problem(
        401, "bad-token",
        "This token is unknown, revoked or past its end; make a fresh one on the account page.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )  # fmt: skip
    if not authorization.lower().startswith(_BEARER) or len(authorization) > _LONGEST_TOKEN:
        raise refused
    credential = from_token(authorization[len(_BEARER) :].strip())
    if credential is None:
        raise refused
    found = await services.threads.in_organisation(
        credential.organisation_id, lambda db: api_tokens.find(db, credential, services.now())
    )
    if found is None:
        raise refused
    return found


async def _by_cookie(services: Services, request: web.Request) -> Principal | None:
    credential = cookies.session_credential(request, services.config)
    if credential is None:
        return None
    return await services.threads.in_organisation(
        credential.organisation_id,
        lambda db: sessions.find(db, credential, services.now(), services.session_rules),
    )


def _limit(visit: Visit) -> None:
    if visit.principal is None:
        return
    services = visit.services
    wait_s = services.by_account.take(str(visit.principal.account_id), services.clock_s())
    if wait_s > 0:
        raise Problem(
            429, "too-many-requests", "This account asks too often; wait a little.",
            retry_after_s=int(wait_s) + 1,
        )  # fmt: skip


def _refusal(visit: Visit, nearby: bool) -> web.Response | None:
    """Where to send a browser that has to sign in first; None when the visit may go on.

    Raises:
        Problem: 401 or 403.
    """
    rule, who = visit.route.rule, visit.principal
    if rule.who is Who.ANYONE or (rule.who is Who.NEARBY_OR_PERMITTED and nearby):
        return None
    if who is None or not who.confirmed:
        if visit.route.kind is Kind.PAGE:
            return _to_sign_in(visit)
        raise Problem(
            401, "sign-in", "Sign in, or send a token: Authorization: Bearer apl_...",
            headers={"WWW-Authenticate": "Bearer"},
        )  # fmt: skip
    if rule.permission is not None and not who.may(rule.permission):
        visit.services.metrics.refused.labels("forbidden").inc()
        mend = (
            f"It needs a role with {rule.permission.value}; ask an administrator."
            if who.via == "session"
            else f"It needs the scope {rule.permission.value} and an account that has it."
        )
        raise Problem(403, "forbidden", f"You may not do this. {mend}")
    return None


def _to_sign_in(visit: Visit) -> web.Response:
    request = visit.request
    if request.method not in SAFE:
        raise Problem(401, "sign-in", "Your session is over. Sign in and do it again.")
    query = {"next": request.path_qs} if request.path != "/" else None
    return see_other(visit.url("sign_in", query))


async def _check_csrf(visit: Visit) -> None:
    """See that an unsafe request with a cookie, or a WebSocket, comes from one of our pages.

    Raises:
        Problem: 403.
    """
    request, who = visit.request, visit.principal
    by_cookie = visit.route.kind is Kind.PAGE or (who is not None and who.via == "session")
    if not by_cookie:
        return
    if request.method in SAFE:
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        if upgrade and not same_origin(request):
            raise Problem(403, "cross-site", "Only our own pages may open this.")
        return
    given = request.headers.get(_CSRF_HEADER, "")
    if not given and visit.route.kind is Kind.PAGE:
        field = (await request.post()).get(CSRF_FIELD, "")
        given = field if isinstance(field, str) else ""
    if not same_origin(request) or not same(given, visit.csrf):
        visit.services.metrics.refused.labels("csrf").inc()
        raise Problem(
            403, "cross-site",
            "This form was not sent from a fresh page of ours. Load the page again and repeat it"
            f"{'' if visit.route.kind is Kind.PAGE else f' (send {_CSRF_HEADER})'}.",
        )  # fmt: skip


async def _answer(visit: Visit) -> web.StreamResponse:
    route, key = visit.route, visit.request.headers.get(idempotency.HEADER)
    if key is None or not route.acts:
        return await _handled(visit)
    body = await visit.request.read()
    reserved = idempotency.Reservation(
        visit.who.organisation_id, visit.who.key, idempotency.checked_key(key),
        idempotency.fingerprint(visit.request.method, visit.request.path_qs, body),
    )  # fmt: skip
    before = await visit.database(lambda db: idempotency.reserve(db, reserved, visit.now))
    if before is not None:
        return web.Response(
            status=before.status, body=before.body,
            headers={"Content-Type": before.content_type, "Idempotency-Replayed": "true"},
        )  # fmt: skip
    try:
        response = await _handled(visit)
    except Problem as problem:
        details = problem.details(visit.correlation_id).model_dump_json().encode()
        await _keep(visit, reserved, problem.status, PROBLEM_JSON, details)
        raise
    if isinstance(response, web.Response) and isinstance(response.body, bytes | None):
        if route.secret and response.status < 400:
            details = _SHOWN_ONCE.details(visit.correlation_id).model_dump_json().encode()
            await _keep(visit, reserved, _SHOWN_ONCE.status, PROBLEM_JSON, details)
        else:
            media = response.headers.get("Content-Type", "application/json")
            await _keep(visit, reserved, response.status, media, response.body or b"")
    return response


async def _keep(
    visit: Visit, reserved: idempotency.Reservation, status: int, media: str, body: bytes
) -> None:
    answered = idempotency.Answered(status, media, body)
    # The request has acted; that its answer cannot be kept is no reason to call it failed. The
    # key then stays reserved, so that it does not act twice.
    with suppress(StorageError, Problem):
        await visit.database(lambda db: idempotency.answer(db, reserved, answered))


async def _handled(visit: Visit) -> web.StreamResponse:
    response = _response(visit.route, await visit.route.handler(visit))
    trace = visit.trace
    if visit.route.audit and response.status < 400 and not trace.written:
        if trace.organisation_id is None:
            raise not_found()
        await visit.services.threads.in_organisation(
            trace.organisation_id, lambda db: trace.write(db, visit.now)
        )
    if isinstance(response, web.Response) and not response.prepared:
        cookies.greet_visitor(visit.request, response, visit.services.config)
    return response


def _response(route: Route, answer: Answer) -> web.StreamResponse:
    if isinstance(answer, web.StreamResponse):
        return answer
    if isinstance(answer, BaseModel):
        body = answer.model_dump_json().encode()
        return web.Response(status=route.status, body=body, content_type="application/json")
    return web.Response(status=204)
