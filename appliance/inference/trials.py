"""What an engine must do before it is put in use: one small request of its kind, answered sensibly.

A trial raises whatever the engine raises, and `TrialFailedError` where the answer is no answer. How
well a model hears, decides or speaks is measured when it is chosen, not here.
"""

import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import soxr

from appliance.inference.config import EngineOptions
from appliance.inference.engines import make_voice
from appliance.inference.protocols import (
    RECOGNIZER_RATE_HZ,
    Cancellation,
    ChatEngine,
    ChatMessage,
    ChatRequest,
    RecognizerEngine,
    Samples,
    SpeechRequest,
    TranscriptionRequest,
    VoiceEngine,
)

_SENTENCE = "hello, i would like to speak to billing please"
_DIRECTORY = "open 8 to 18\n201 billing\n202 sales\n"
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "intent": {"type": "string", "enum": ["transfer", "message", "unknown"]},
        "target": {"enum": ["billing", "sales", None]},
        "priority": {"type": "string", "enum": ["low", "normal", "high"]},
    },
    "required": ["intent", "target", "priority"],
}
_SHORTEST_S = 0.1


class TrialFailedError(Exception):
    """The engine answered, and what it answered is of no use."""


def trial_of(kind: str, *, strict: bool) -> Callable[[Any], float]:
    """The trial for a kind of engine; it tells how many seconds the engine took.

    Args:
        kind: ``recognizer``, ``language_model`` or ``voice``.
        strict: also judge the answer, as a model that is to replace a working one deserves. Else
            anything that comes back will do: at start there is nothing to fall back on.
    """

    trials: dict[str, Callable[[Any, bool], float]] = {
        "recognizer": _try_recognizer,
        "language_model": _try_chat,
        "voice": _try_voice,
    }
    trial = trials[kind]
    return lambda engine: trial(engine, strict)


def _try_recognizer(engine: RecognizerEngine, strict: bool) -> float:
    request = TranscriptionRequest(_spoken())
    started = time.perf_counter()
    results = list(engine.transcribe(request, _forever()))
    took_s = time.perf_counter() - started
    if len(results) != 1 or not math.isfinite(results[0].confidence):
        raise TrialFailedError("the recogniser gave no transcription of a spoken sentence")
    if strict and not results[0].text and not results[0].dropped:
        raise TrialFailedError("the recogniser heard nothing in a spoken sentence")
    return took_s


def _try_chat(engine: ChatEngine, strict: bool) -> float:
    messages = (ChatMessage("system", _DIRECTORY), ChatMessage("user", "billing please"))
    request = ChatRequest(messages, _SCHEMA, max_tokens=160)
    started = time.perf_counter()
    pieces = list(engine.chat(request, _forever()))
    took_s = time.perf_counter() - started
    if not pieces:
        raise TrialFailedError("the language model answered nothing")
    if strict:
        _check_proposal("".join(piece.text for piece in pieces))
    return took_s


def _check_proposal(answer: str) -> None:
    try:
        fields = json.loads(answer)
    except ValueError as error:
        raise TrialFailedError(f"the language model wrote no JSON: {answer[:80]!r}") from error
    properties = _SCHEMA["properties"]
    if not isinstance(fields, dict) or any(
        fields.get(name, "missing") not in properties[name]["enum"]
        for name in ("intent", "target", "priority")
    ):
        raise TrialFailedError(f"the language model left the schema: {answer[:80]!r}")


def _try_voice(engine: VoiceEngine, strict: bool) -> float:
    del strict  # a voice that is silent is of no use at any time
    started = time.perf_counter()
    seconds = 0.0
    loud = False
    for piece in engine.speak(SpeechRequest("hello"), _forever()):
        seconds += len(piece.pcm) / 2 / piece.rate_hz
        loud = loud or any(piece.pcm)
    if seconds < _SHORTEST_S or not loud:
        raise TrialFailedError(f"the voice said hello in {seconds:.2f} s of silence")
    return time.perf_counter() - started


def _spoken() -> Samples:
    """A sentence in espeak-ng's voice; a hiss where espeak-ng is not installed."""
    voice = make_voice("espeak-ng", EngineOptions())
    try:
        voice.load()
    except OSError:
        hiss = np.random.default_rng(0).standard_normal(2 * RECOGNIZER_RATE_HZ) * 0.05
        return hiss.astype(np.float32)
    pieces = list(voice.speak(SpeechRequest(_SENTENCE), _forever()))
    pcm = np.frombuffer(b"".join(piece.pcm for piece in pieces), "<i2")
    samples = pcm.astype(np.float32) / 32768.0
    resampled = soxr.resample(samples, pieces[0].rate_hz, RECOGNIZER_RATE_HZ)
    return np.asarray(resampled, dtype=np.float32)


def _forever() -> Cancellation:
    return Cancellation(math.inf)
