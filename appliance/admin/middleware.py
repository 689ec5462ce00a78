"""What happens around every request: its name, its limits, its headers, and its errors."""

import re
import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import structlog
from aiohttp import web

from appliance.admin.addresses import asked_host, client_address
from appliance.admin.problems import CONTENT_TYPE, Problem
from appliance.admin.rendering import error_page
from appliance.admin.request_keys import CORRELATION_ID, VISIT
from appliance.admin.services import SERVICES
from appliance.admin.visit import Visit
from appliance.calls.errors import StorageError
from appliance.storage.database import RefusedRowError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = structlog.get_logger(__name__)

CORRELATION = "X-Correlation-Id"
LONGEST_LINE = 64 * 1024
"""What aiohttp is to read of a line. Past it, it answers itself: in plain text, without our headers
and out of our reach; that is left for those who do not speak HTTP."""
_LONGEST_PATH = 8 * 1024
_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_TLS_ONLY = "max-age=31536000"


@web.middleware
async def named(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request a name that is in its logs and its answer, and count it."""
    given = request.headers.get(CORRELATION, "")
    name = given if _CORRELATION_ID.fullmatch(given) else uuid4().hex
    request[CORRELATION_ID] = name
    started = time.perf_counter()
    # A connection's requests come one after the other in one context: nothing of the last stays.
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=name)
    response = await handler(request)
    if response.content_type == "text/html":
        # Lengths may tell a CSRF token to who can guess at it (BREACH); it opens nothing alone,
        # since unsafe requests have to come from our own pages too.
        response.enable_compression()
        response.headers["Vary"] = "Accept-Encoding"
    took_s = time.perf_counter() - started
    visit: Visit | None = request.get(VISIT)
    route = visit.route.name if visit else "none"
    metrics = request.config_dict[SERVICES].metrics
    metrics.requests.labels(route, request.method, response.status).inc()
    if isinstance(response, web.Response):  # streams last as long as somebody looks
        metrics.seconds.labels(route).observe(took_s)
    log.info(
        "request", method=request.method, route=route, status=response.status,
        took_ms=round(took_s * 1000, 1),
    )  # fmt: skip
    return response


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever went wrong into problem details, or into a page with the same words."""
    try:
        return await handler(request)
    except Problem as problem:
        return _answer(request, problem)
    except RefusedRowError as error:
        log.info("refused_row", error=str(error))
        detail = "The database refuses these values; one is taken, too long, or belongs together "
        return _answer(request, Problem(422, "refused", detail + "with something that is gone."))
    except StorageError as error:
        log.error("storage", error=str(error))
        detail = "The database is out of reach. Calls go on; this page comes back with it."
        return _answer(request, Problem(503, "database-away", detail, retry_after_s=5))
    except web.HTTPException as error:
        return _answer(request, _problem_of(error))
    except Exception:
        log.exception("request_failed")
        detail = "Something went wrong here; the logs tell what, under this correlation id."
        return _answer(request, Problem(500, "internal", detail))


@web.middleware
async def doors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn away who asks for another host, too often, or at too great length."""
    services = request.config_dict[SERVICES]
    config = services.config
    if not config.serves(asked_host(request)):
        raise Problem(
            421, "wrong-host",
            "This page is not served under that name. An administrator can add it to the setting "
            "admin.hosts.",
        )  # fmt: skip
    address = client_address(request, config)
    wait_s = services.by_address.take(address, services.clock_s())
    if wait_s > 0:
        services.metrics.refused.labels("rate").inc()
        raise Problem(
            429, "too-many-requests", "Your address asks too often; wait a little.",
            retry_after_s=int(wait_s) + 1,
        )  # fmt: skip
    if len(request.raw_path) > _LONGEST_PATH:
        raise Problem(414, "address-too-long", "This address is too long; send less in its query.")
    if any(len(value) > _LONGEST_PATH for _, value in request.raw_headers):
        raise Problem(
            431, "header-too-long", "A header is too long; delete this site's cookies, if it is "
            "theirs.",
        )  # fmt: skip
    return await handler(request)


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Put on the headers of every answer, streams and errors too (``on_response_prepare``)."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers[CORRELATION] = str(request.get(CORRELATION_ID, ""))
    if request.config_dict[SERVICES].config.secure:
        response.headers["Strict-Transport-Security"] = _TLS_ONLY
    response.headers["Server"] = "appliance"


def is_api(request: web.Request) -> bool:
    """Whether the answer to this request is for programs, errors too."""
    return request.path.startswith("/api/")


def _answer(request: web.Request, problem: Problem) -> web.Response:
    if not is_api(request):
        response = error_page(request, problem)
    else:
        details = problem.details(str(request.get(CORRELATION_ID, "")))
        body = details.model_dump_json().encode()
        response = web.Response(status=problem.status, body=body, content_type=CONTENT_TYPE)
    response.headers.update(problem.all_headers())
    return response


def _problem_of(error: web.HTTPException) -> Problem:
    if error.status == 404:
        return Problem(404, "not-found", "There is no such page.")
    if error.status == 405:
        allowed = error.headers.get("Allow", "")
        return Problem(
            405, "method-not-allowed", f"Use one of: {allowed}.", headers={"Allow": allowed}
        )
    if error.status == 413:
        return Problem(413, "too-large", "This is more than is taken at once; send less.")
    status = error.status if error.status >= 400 else 500
    return Problem(status, "refused", "This request cannot be understood; mend it.")
