"""``POST /v1/audio/transcriptions``: a WAV file in, text out."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from appliance.inference.audio import read_wav
from appliance.inference.engine_set import EngineSet
from appliance.inference.jobs import EngineFailedError
from appliance.inference.protocols import (
    RECOGNIZER_RATE_HZ,
    BadRequestError,
    Transcription,
    TranscriptionRequest,
)
from appliance.inference.replies import time_limit_s

_LARGEST_FILE = 4 * 1024 * 1024
_LARGEST_FIELD = 8 * 1024
_MOST_FIELDS = 16
_LONGEST_AUDIO_S = 60.0
_MOST_HOTWORDS = 200
_FORMATS = ("json", "text", "verbose_json")


@dataclass(slots=True)
class _Form:
    """The fields that were sent; the audio apart."""

    audio: bytes = b""
    fields: dict[str, str] = field(default_factory=dict)


async def _read_form(request: web.Request) -> _Form:
    if not request.content_type.startswith("multipart/form-data"):
        raise BadRequestError("send multipart/form-data with a field named file")
    form = _Form()
    count = 0
    try:
        async for part in await request.multipart():
            count += 1
            if not isinstance(part, BodyPartReader) or count > _MOST_FIELDS:
                raise BadRequestError("too many or nested parts")
            if part.name == "file":
                form.audio = await _read_part(part, _LARGEST_FILE)
            else:
                value = await _read_part(part, _LARGEST_FIELD)
                form.fields[part.name or ""] = value.decode(errors="replace")
    except ValueError as error:
        raise BadRequestError(f"the form cannot be read: {error}") from error
    if not form.audio:
        raise BadRequestError("the field named file is missing or empty", param="file")
    return form


async def _read_part(part: BodyPartReader, limit: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > limit:
            raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=len(data))
    return bytes(data)


async def transcribe(
    request: web.Request, engines: EngineSet, language: str, longest_s: float
) -> web.Response:
    """Handle the request."""
    started = time.perf_counter()
    limit_s = time_limit_s(request, longest_s)
    form = await _read_form(request)
    wanted = form.fields.get("response_format", "json")
    if wanted not in _FORMATS:
        raise BadRequestError(
            f"response_format: one of {', '.join(_FORMATS)}", param="response_format"
        )
    samples = await asyncio.to_thread(read_wav, form.audio, _LONGEST_AUDIO_S)
    host = engines.recognizer.serving()
    hotwords = tuple(w for w in form.fields.get("hotwords", "").split(",") if w.strip())
    work = TranscriptionRequest(
        samples,
        form.fields.get("language") or language,
        form.fields.get("prompt", ""),
        tuple(word.strip() for word in hotwords[:_MOST_HOTWORDS]),
    )
    result = await host.ask(
        lambda engine, cancellation: engine.transcribe(work, cancellation), limit_s
    )
    if result is None:
        raise EngineFailedError(f"{host.name} gave no transcription")
    if wanted == "text":
        return web.Response(text=result.text)
    if wanted == "json":
        return web.json_response({"text": result.text})
    took_ms = (time.perf_counter() - started) * 1000
    return web.json_response(_verbose(result, host.name, work.language, len(samples), took_ms))


def _verbose(
    result: Transcription, model: str, language: str, samples: int, took_ms: float
) -> dict[str, Any]:
    """OpenAI's verbose form, and what it lacks: confidence, doubts, who answered and how fast."""
    return {
        "task": "transcribe",
        "language": language,
        "duration": round(samples / RECOGNIZER_RATE_HZ, 3),
        "text": result.text,
        "normalised": result.normalised or result.text,
        "words": [
            {"word": word.text, "confidence": round(word.confidence, 4)} for word in result.words
        ],
        "segments": [
            {
                "id": number,
                "start": round(segment.start_s, 3),
                "end": round(segment.end_s, 3),
                "text": segment.text,
                "avg_logprob": round(segment.avg_logprob, 4),
                "compression_ratio": round(segment.compression_ratio, 3),
                "no_speech_prob": round(segment.no_speech_prob, 4),
            }
            for number, segment in enumerate(result.segments)
        ],
        "confidence": round(result.confidence, 4),
        "no_speech_prob": round(result.no_speech_prob, 4),
        "dropped": list(result.dropped),
        "model": model,
        "took_ms": round(took_ms, 1),
    }
