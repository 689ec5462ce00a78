"""``/v1/calls/{id}/begin`` and ``/end``: a call tells the server that it has begun, and is over.

A call may begin with the messages that all its chat requests will begin with; they are evaluated
before the caller has said a word. Neither is needed: the first request begins a call, and silence
ends it.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from appliance.inference.admission import admit, checked_call
from appliance.inference.chat import first_fault
from appliance.inference.claim import Claim, acting_for
from appliance.inference.engine_set import EngineSet
from appliance.inference.fair_queue import Urgency
from appliance.inference.jobs import (
    EngineFailedError,
    NotReadyError,
    OverloadedError,
    TooLateError,
)
from appliance.inference.protocols import (
    Cancellation,
    ChatMessage,
    ChatRequest,
    PrefixEngine,
    Warmed,
)
from appliance.inference.replies import time_limit_s

log = logging.getLogger(__name__)


class _Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: Annotated[str, StringConstraints(max_length=65536)]


class _Begin(BaseModel):
    model_config = ConfigDict(extra="forbid")

    messages: list[_Message] = Field(default_factory=list, max_length=100)


async def begin(request: web.Request, engines: EngineSet, longest_s: float) -> web.Response:
    """Handle ``POST /v1/calls/{id}/begin``; the body may be empty.

    Raises:
        BadRequestError: the id or the body is not one.
        AtCapacityError: the call is not taken.
    """
    started = time.perf_counter()
    limit_s = time_limit_s(request, longest_s)
    call = checked_call(request.match_info["call"])
    try:
        body = _Begin.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        raise first_fault(error) from error
    admit(engines, call)
    warmed = None
    if body.messages:
        messages = tuple(ChatMessage(m.role, m.content) for m in body.messages)
        # Nobody waits for it yet, so whoever is spoken to goes first.
        with acting_for(Claim(call, Urgency.SPECULATIVE)):
            warmed = await _warmed(engines, ChatRequest(messages, call=call), limit_s)
    took_ms = (time.perf_counter() - started) * 1000
    facts = asdict(warmed or Warmed(0, 0))
    return web.json_response({"id": call, **facts, "took_ms": round(took_ms, 1)})


async def _warmed(engines: EngineSet, work: ChatRequest, limit_s: float) -> Warmed | None:
    """What the language model made of the messages; None when it keeps nothing, or had no time:
    the call has begun all the same.
    """
    host = engines.language_model.serving()
    if not host.ready or not isinstance(host.engine, PrefixEngine):
        return None
    try:
        return await host.ask(lambda engine, stop: _warm(engine, work, stop), limit_s)
    except (NotReadyError, OverloadedError, TooLateError, EngineFailedError) as error:
        log.warning("the prompt of call %s is not ready: %s", work.call, error)
        return None


def _warm(engine: object, work: ChatRequest, cancellation: Cancellation) -> Iterator[Warmed]:
    """Asked again on the engine's thread: it may be another engine by the time it is its turn."""
    return engine.warm(work, cancellation) if isinstance(engine, PrefixEngine) else iter(())


async def end(request: web.Request, engines: EngineSet) -> web.Response:
    """Handle ``POST /v1/calls/{id}/end``; ``was_active`` tells whether the call was in progress."""
    call = checked_call(request.match_info["call"])
    return web.json_response({"id": call, "was_active": engines.end_call(call)})
