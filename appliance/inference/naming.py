"""Every request has a name, and what is logged while it is worked on has it and the call's."""

import re
import time
from uuid import uuid4

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from appliance.inference.admission import checked_call
from appliance.inference.headers import CALL_HEADER, CORRELATION_HEADER
from appliance.inference.protocols import BadRequestError

log = structlog.get_logger(__name__)

NAME: web.RequestKey[str] = web.RequestKey("correlation_id", str)
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


@web.middleware
async def named(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request its name; jobs for engines take the context along that has it."""
    given = request.headers.get(CORRELATION_HEADER, "")
    name = request[NAME] = given if _NAME.fullmatch(given) else uuid4().hex
    # A connection's requests come one after the other in one context: nothing of the last stays.
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(correlation_id=name, **_call_of(request))
    started = time.perf_counter()
    response = await handler(request)
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else "none"
    log.debug("request", path=path, status=response.status, took_ms=took_ms)
    return response


async def tell_name(request: web.Request, response: web.StreamResponse) -> None:
    """A signal handler that puts the name into every reply's headers."""
    response.headers[CORRELATION_HEADER] = request.get(NAME, "")


def _call_of(request: web.Request) -> dict[str, str]:
    call = request.match_info.get("call", "") or request.headers.get(CALL_HEADER, "")
    try:
        return {"call_id": checked_call(call)}
    except BadRequestError:
        return {}  # none, or one that the request is refused for
