"""Which requests are let in, and for whom they are: read from the headers, before any handler."""

import re
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from appliance.inference.claim import Claim, acting_for
from appliance.inference.engine_set import EngineSet
from appliance.inference.fair_queue import Urgency
from appliance.inference.headers import (
    ACTIVE_HEADER,
    CALL_HEADER,
    CAPACITY_HEADER,
    SPECULATIVE_HEADER,
)
from appliance.inference.protocols import BadRequestError
from appliance.inference.replies import AtCapacityError

_CALL = re.compile(r"[A-Za-z0-9_.:@-]{1,128}")
_WORK = ("/v1/audio/", "/v1/chat/")


def checked_call(call: str) -> str:
    """The id of a call, as a client wrote it.

    Raises:
        BadRequestError: it is none.
    """
    if not _CALL.fullmatch(call):
        raise BadRequestError(
            f"{CALL_HEADER}: give 1 to 128 characters of A-Z a-z 0-9 _ . : @ -", param=CALL_HEADER
        )
    return call


def admit(engines: EngineSet, call: str) -> None:
    """Let a request of this call in.

    Raises:
        AtCapacityError: there are as many calls as the server sustains, and this is a new one.
    """
    if not engines.admit(call):
        facts = engines.call_facts()
        raise AtCapacityError(
            f"{facts['active']} calls are in progress, and {facts['capacity']} are what this "
            "server sustains"
        )


def admission(engines: EngineSet) -> Middleware:
    """A middleware that turns calls away past the capacity, and says on whose behalf work is done.

    Requests without a call are served: they take part in the queues, and count as no call.
    """

    @web.middleware
    async def admitted(request: web.Request, handler: Handler) -> web.StreamResponse:
        call = request.headers.get(CALL_HEADER, "")
        if not request.path.startswith(_WORK):
            return await handler(request)
        if call:
            admit(engines, checked_call(call))
        speculative = request.headers.get(SPECULATIVE_HEADER, "") == "1"
        urgency = Urgency.SPECULATIVE if speculative else Urgency.FINAL
        with acting_for(Claim(call, urgency)):
            return await handler(request)

    return admitted


def tell_capacity(
    engines: EngineSet,
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """A signal handler that puts the load into every reply's headers."""

    async def tell(_: web.Request, response: web.StreamResponse) -> None:
        facts = engines.call_facts()
        response.headers[ACTIVE_HEADER] = str(facts["active"])
        response.headers[CAPACITY_HEADER] = str(facts["capacity"])

    return tell
