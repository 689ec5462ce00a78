"""Speech to text: what the appliance needs of it, and the client for a model server."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from appliance.calls.errors import InferenceError
from appliance.inference.audio import wav_bytes
from appliance.inference.client import InferenceClient
from appliance.inference.work import current_work
from appliance.media.pcm import SAMPLE_BYTES
from appliance.speech.plausible_text import implausible
from appliance.speech.vocabulary import MOST_WORDS

_PATH = "/v1/audio/transcriptions"


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard in one turn.

    Attributes:
        confidence: 0 to 1; 0 when nothing was heard.
        no_speech_prob: 0 to 1.
        took_ms: from the request to the parsed reply.
        model: what the server says it is; empty when it does not say.
    """

    text: str
    confidence: float
    no_speech_prob: float
    took_ms: float
    model: str


class Recognizer(Protocol):
    """Hears one turn at a time."""

    def transcribe(
        self,
        pcm: bytes,
        rate_hz: int,
        *,
        hotwords: Sequence[str] = (),
        timeout_s: float = 5.0,
    ) -> Transcript:
        """What is said in ``pcm`` (16-bit signed little-endian mono at ``rate_hz``).

        Args:
            hotwords: names that are likely to be said; see `appliance.speech.vocabulary`.

        Raises:
            InferenceError: no transcript, and why.
        """
        ...


class HttpRecognizer:
    """A `Recognizer` behind ``/v1/audio/transcriptions``.

    Args:
        model: sent along for servers that run several; empty leaves the choice to them.
        language: as Whisper names it, for work that names none.
    """

    def __init__(self, client: InferenceClient, *, model: str = "", language: str = "en") -> None:
        self._client = client
        self._model = model
        self._language = language

    def transcribe(
        self,
        pcm: bytes,
        rate_hz: int,
        *,
        hotwords: Sequence[str] = (),
        timeout_s: float = 5.0,
    ) -> Transcript:
        """See `Recognizer.transcribe`."""
        if not pcm:
            return Transcript("", 0.0, 1.0, 0.0, "")
        started = time.monotonic()
        words = ",".join(" ".join(word.replace(",", " ").split()) for word in hotwords[:MOST_WORDS])
        reply = self._client.post_form(
            _PATH,
            {
                "file": ("turn.wav", wav_bytes(pcm, rate_hz), "audio/wav"),
                "model": self._model or "default",
                "language": current_work().language or self._language,
                "hotwords": words,
                "response_format": "verbose_json",
            },
            timeout_s,
        )
        took_ms = (time.monotonic() - started) * 1000
        return _transcript(reply, took_ms, len(pcm) / SAMPLE_BYTES / rate_hz)


def _transcript(reply: Any, took_ms: float, sound_s: float) -> Transcript:
    """Read a reply; servers that are not ours give no confidence but their segments'."""
    if not isinstance(reply, dict) or not isinstance(reply.get("text"), str):
        raise InferenceError("the transcription has no text")
    given = reply["text"]
    fault = implausible(given, sound_s)
    if fault:
        raise InferenceError(f"the transcription is rubbish: {fault}")
    said = "".join(char if char.isprintable() else " " for char in given)
    text = " ".join(said.split())
    segments = reply.get("segments")
    segments = [s for s in segments if isinstance(s, dict)] if isinstance(segments, list) else []
    confidence = _number(reply, "confidence")
    if confidence is None:
        logprobs = [_number(segment, "avg_logprob") for segment in segments]
        known = [logprob for logprob in logprobs if logprob is not None]
        confidence = math.exp(min(0.0, sum(known) / len(known))) if known else 1.0
    no_speech = _number(reply, "no_speech_prob")
    if no_speech is None:
        no_speech = max((_number(s, "no_speech_prob") or 0.0 for s in segments), default=0.0)
    return Transcript(
        text,
        min(1.0, max(0.0, confidence)) if text else 0.0,
        min(1.0, max(0.0, no_speech)),
        took_ms,
        str(reply.get("model", ""))[:200],
    )


def _number(fields: Mapping[str, Any], key: str) -> float | None:
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer too long for any float
        return None
    return number if math.isfinite(number) else None
