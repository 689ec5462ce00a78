"""``POST /v1/audio/speech``: text in, PCM out, from the first clause on.

What an engine is given is the text as it is read, see `appliance.inference.reading`.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from appliance.inference.audio import resampled, wav_bytes
from appliance.inference.chat import first_fault
from appliance.inference.engine_set import EngineSet
from appliance.inference.jobs import EngineFailedError, TooLateError
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    SpeechPiece,
    SpeechRequest,
    VoiceEngine,
)
from appliance.inference.reading.pronunciations import load
from appliance.inference.reading.reader import Reader
from appliance.inference.replies import time_limit_s

RATE_HEADER = "X-Sample-Rate"
READER: web.AppKey[Reader] = web.AppKey("reader", Reader)
"""Who reads texts for the application's voices; plain English where none is set."""
_PLAIN_READER = Reader()
_LARGEST_WRITE = 16000  # bytes: half a second at 16 kHz


class _Body(BaseModel):
    input: Annotated[str, StringConstraints(min_length=1, max_length=4096)]
    voice: Annotated[str, StringConstraints(max_length=64)] = ""
    response_format: Literal["pcm", "wav"] = "pcm"
    speed: float = Field(1.0, ge=0.25, le=4.0)
    sample_rate: int | None = Field(None, ge=8000, le=48000)


def make_reader(language: str, pronunciations: Path | None = None) -> Reader:
    """A reader for a language, with a site's names.

    Raises:
        ConfigurationError: the file of names cannot be read, or one of its lines is wrong.
    """
    return Reader(language, load(pronunciations) if pronunciations else ())


async def speak(request: web.Request, engines: EngineSet, longest_s: float) -> web.StreamResponse:
    """Handle the request."""
    limit_s = time_limit_s(request, longest_s)
    try:
        body = _Body.model_validate_json(await request.read())
    except ValidationError as error:
        raise first_fault(error) from error
    reader = request.app.get(READER, _PLAIN_READER)
    host = engines.voice.serving()
    pieces = host.run(
        lambda engine, cancellation: _spoken(engine, body, reader, cancellation), limit_s
    )
    async with aclosing(pieces):
        # The first piece decides the status and tells the rate.
        first = await anext(pieces, None)
        if first is None:
            raise BadRequestError("input: there is nothing to say in it", param="input")
        headers = {RATE_HEADER: str(first.rate_hz), "X-Engine": host.engine.name}
        if body.response_format == "wav":
            pcm = first.pcm + b"".join([piece.pcm async for piece in pieces])
            return web.Response(
                body=wav_bytes(pcm, first.rate_hz), content_type="audio/wav", headers=headers
            )
        return await _streamed(request, headers, first, pieces)


def voices(engines: EngineSet) -> web.Response:
    """Handle ``GET /v1/audio/voices``: whom a request may name as its ``voice``."""
    engine = engines.voice.serving().engine
    return web.json_response({"voices": list(getattr(engine, "voices", ()))})


def _spoken(
    engine: VoiceEngine, body: _Body, reader: Reader, cancellation: Cancellation
) -> Iterator[SpeechPiece]:
    text = reader.read(body.input, phonemes=getattr(engine, "takes_phonemes", False))
    work = SpeechRequest(text, body.voice, body.speed)
    return resampled(engine.speak(work, cancellation), body.sample_rate)


async def _streamed(
    request: web.Request,
    headers: dict[str, str],
    first: SpeechPiece,
    rest: AsyncIterator[SpeechPiece],
) -> web.StreamResponse:
    response = web.StreamResponse(headers={**headers, "Content-Type": "audio/pcm"})
    await response.prepare(request)
    piece: SpeechPiece | None = first
    try:
        while piece is not None:
            for start in range(0, len(piece.pcm), _LARGEST_WRITE):
                await response.write(piece.pcm[start : start + _LARGEST_WRITE])
            piece = await anext(rest, None)
    except (EngineFailedError, TooLateError):
        # The status is sent. A body that breaks off is how the client learns that it is not whole.
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response
