"""Errors as OpenAI's API words them, and what every endpoint reads from a request's headers."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from appliance.inference.engine_set import ModelRefusedError, SwapInProgressError
from appliance.inference.headers import (
    AT_CAPACITY,
    DEADLINE_HEADER,
    MODEL_REFUSED,
    NOT_READY,
    QUEUE_FULL,
    SWAP_IN_PROGRESS,
)
from appliance.inference.jobs import (
    EngineFailedError,
    NotReadyError,
    OverloadedError,
    TooLateError,
)
from appliance.inference.protocols import BadRequestError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger(__name__)

_HUNG_UP = 499
_FAILED = "Something went wrong here; the log tells what, under X-Correlation-Id."
_RETRY_AFTER_S = {429: "5", 503: "1"}


class AtCapacityError(Exception):
    """As many calls are in progress as the server sustains, and this is a new one."""


_OURS = (
    BadRequestError,
    NotReadyError,
    OverloadedError,
    TooLateError,
    EngineFailedError,
    AtCapacityError,
    ModelRefusedError,
    SwapInProgressError,
)
_DESCRIBED: dict[type[Exception], tuple[int, str, str]] = {
    NotReadyError: (503, "server_error", NOT_READY),
    OverloadedError: (503, "server_error", QUEUE_FULL),
    TooLateError: (504, "server_error", "deadline_exceeded"),
    EngineFailedError: (500, "server_error", "engine_failed"),
    AtCapacityError: (429, "rate_limit_error", AT_CAPACITY),
    ModelRefusedError: (422, "invalid_request_error", MODEL_REFUSED),
    SwapInProgressError: (409, "invalid_request_error", SWAP_IN_PROGRESS),
}


def error_body(message: str, kind: str, code: str, param: str | None = None) -> dict[str, Any]:
    """The body of an error reply."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def describe(error: Exception) -> tuple[int, dict[str, Any]] | None:
    """Status and body for an error of ours; None for any other."""
    text = str(error)
    if isinstance(error, BadRequestError):
        return 400, error_body(text, "invalid_request_error", error.code, error.param)
    if type(error) in _DESCRIBED:
        status, kind, code = _DESCRIBED[type(error)]
        return status, error_body(text, kind, code)
    return None


@web.middleware
async def errors_as_openai(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error with a body that OpenAI's clients understand."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        kind = "invalid_request_error" if error.status < 500 else "server_error"
        body = error_body(error.text or error.reason, kind, f"http_{error.status}")
        return web.json_response(body, status=error.status)
    except _OURS as error:
        status, body = describe(error) or (500, {})
        wait_s = _RETRY_AFTER_S.get(status)
        headers = {"Retry-After": wait_s} if wait_s else {}
        return web.json_response(body, status=status, headers=headers)
    except ConnectionResetError:
        # The client hung up while it was written to. There is nobody to tell.
        return web.Response(status=_HUNG_UP)
    except Exception:
        log.exception("a request failed")
        return web.json_response(error_body(_FAILED, "server_error", "internal"), status=500)


def time_limit_s(request: web.Request, longest_s: float) -> float:
    """How long the client waits: its ``X-Deadline-Ms``, at most ``longest_s``.

    Raises:
        BadRequestError: the header is not a positive number.
    """
    given = request.headers.get(DEADLINE_HEADER)
    if given is None:
        return longest_s
    if not given.isascii() or not given.isdigit() or len(given) > 9 or int(given) == 0:
        raise BadRequestError(f"{DEADLINE_HEADER}: give milliseconds, more than 0")
    return min(longest_s, int(given) / 1000)
