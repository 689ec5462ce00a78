"""``POST /v1/chat/completions``: messages in, text out, at once or as server-sent events."""

import json
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from appliance.inference.claim import CLAIM
from appliance.inference.engine_set import EngineSet
from appliance.inference.jobs import EngineFailedError, TooLateError
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    ChatMessage,
    ChatPiece,
    ChatRequest,
)
from appliance.inference.replies import describe, time_limit_s

_Text = Annotated[str, StringConstraints(max_length=65536)]


class _Message(BaseModel):
    role: Literal["system", "user", "assistant"]
    content: _Text


class _JsonSchema(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    name: str = ""
    schema_: dict[str, Any] = Field(alias="schema")


class _ResponseFormat(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: _JsonSchema | None = None
    # llama.cpp's own server takes the schema here.
    schema_: dict[str, Any] | None = Field(None, alias="schema")

    def as_schema(self) -> dict[str, Any] | None:
        if self.type == "text":
            return None
        if self.type == "json_schema" and self.json_schema is None:
            raise BadRequestError("json_schema is missing", param="response_format")
        return self.json_schema.schema_ if self.json_schema else self.schema_ or {"type": "object"}


class _Body(BaseModel):
    messages: list[_Message] = Field(min_length=1, max_length=100)
    max_tokens: int = Field(256, ge=1, le=2048)
    temperature: float = Field(0.0, ge=0.0, le=2.0)
    seed: int | None = Field(None, ge=0, lt=2**31)
    stream: bool = False
    n: Literal[1] = 1
    response_format: _ResponseFormat = Field(default_factory=lambda: _ResponseFormat(schema=None))

    def as_request(self, call: str) -> ChatRequest:
        return ChatRequest(
            tuple(ChatMessage(m.role, m.content) for m in self.messages),
            self.response_format.as_schema(),
            self.max_tokens,
            self.temperature,
            self.seed,
            call,
        )


def first_fault(error: ValidationError) -> BadRequestError:
    """The first thing that is wrong with a body."""
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "body"
    return BadRequestError(f"{where}: {fault['msg']}", param=where)


async def complete(
    request: web.Request, engines: EngineSet, longest_s: float
) -> web.StreamResponse:
    """Handle the request."""
    limit_s = time_limit_s(request, longest_s)
    try:
        body = _Body.model_validate_json(await request.read())
    except ValidationError as error:
        raise first_fault(error) from error
    work = body.as_request(CLAIM.get().call)
    host = engines.language_model.serving()
    head = {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "created": int(time.time()),
        "model": host.name,
    }
    if body.stream:
        pieces = host.run(lambda engine, cancellation: engine.chat(work, cancellation), limit_s)
        async with aclosing(pieces):
            return await _streamed(request, head, pieces)
    answer = await host.ask(lambda engine, stop: _whole(engine.chat(work, stop), stop), limit_s)
    assert answer is not None  # by `_whole`
    text, last = answer
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": last.finish_reason or "stop",
    }
    usage = {
        "prompt_tokens": last.prompt_tokens,
        "completion_tokens": last.completion_tokens,
        "total_tokens": last.prompt_tokens + last.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": last.cached_tokens},
    }
    return web.json_response(
        {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    )


def _whole(
    pieces: Iterator[ChatPiece], cancellation: Cancellation
) -> Iterator[tuple[str, ChatPiece]]:
    """The whole text and the last piece, at once: a token is not worth waking the server for."""
    text = ""
    last = ChatPiece("", "stop")
    for last in pieces:
        text += last.text
        cancellation.check()
    yield text, last


async def _streamed(
    request: web.Request, head: dict[str, Any], pieces: AsyncIterator[ChatPiece]
) -> web.StreamResponse:
    # The first piece decides whether the reply has an error's status.
    piece: ChatPiece | None = await anext(pieces, None)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)

    async def send(content: object) -> None:
        await response.write(f"data: {json.dumps(content)}\n\n".encode())

    delta: dict[str, str] = {"role": "assistant"}
    try:
        while piece is not None:
            if piece.text:
                delta = {**delta, "content": piece.text}
            choice = {"index": 0, "delta": delta, "finish_reason": piece.finish_reason}
            await send({**head, "object": "chat.completion.chunk", "choices": [choice]})
            delta = {}
            piece = await anext(pieces, None)
    except (BadRequestError, EngineFailedError, TooLateError) as error:
        _, body = describe(error) or (500, {})
        await send(body)
    await response.write(b"data: [DONE]\n\n")
    await response.write_eof()
    return response
