"""What a model must do before it is put in use, one check for each kind.

They run in a process of their own (`appliance.inference.store.model_process`): a broken model may
take the process that loads it with it.
"""

import json
import math
import re
from collections.abc import Sequence
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
    VoiceEngine,
)

PHRASE = "i have a question about my invoice"
"""Said to a recogniser; every word of it is one that the starter model knows."""
SENTENCE = "Good morning. How can I help you today?"
"""Said by a voice: nine syllables and a pause."""

_MOST_WORDS = 4 * len(PHRASE.split())
_SHORTEST_S, _LONGEST_S = 0.8, 12.0
_QUIETEST_DB, _LOUDEST_DB = -50.0, -3.0
_ANSWER_TOKENS = 256
FOREVER = Cancellation(math.inf)

Facts = dict[str, Any]
Question = dict[str, Any]
"""``system``, ``user``, ``schema`` and ``right``: the values that each key may have."""


class CheckFailedError(Exception):
    """The model loaded, and what it then did is not what such a model does."""


def check_recognizer(engine: RecognizerEngine, language: str) -> Facts:
    """Have it hear a sentence that espeak-ng says."""
    from appliance.inference.protocols import TranscriptionRequest

    request = TranscriptionRequest(spoken(PHRASE), language)
    heard = next(iter(engine.transcribe(request, FOREVER)))
    words = re.findall(r"[\w']+", heard.text.lower())
    if not words:
        dropped = f"; not believed: {heard.dropped[0][:80]}" if heard.dropped else ""
        raise CheckFailedError(f"it heard nothing in a spoken sentence{dropped}")
    if len(words) > _MOST_WORDS:
        raise CheckFailedError(
            f"it heard {len(words)} words in {len(PHRASE.split())}: {words[:12]}"
        )
    if not 0.0 <= heard.confidence <= 1.0 or not math.isfinite(heard.no_speech_prob):
        raise CheckFailedError(f"its confidence is {heard.confidence}")
    said = PHRASE.split()
    return {
        "heard": heard.text[:200],
        "words right": f"{sum(word in words for word in said)} of {len(said)}",
    }


def check_language_model(engine: ChatEngine, questions: Sequence[Question]) -> Facts:
    """Have it answer plain turns of callers; each in the schema, one at least with sense."""
    right = 0
    wrong = ""
    for question in questions:
        answer = answered(engine, question)
        if all(answer.get(key) in values for key, values in question["right"].items()):
            right += 1
        else:
            given = {key: answer.get(key) for key in question["right"]}
            wrong = wrong or f"{question['user']!r} gave {given}"
    if not right:
        raise CheckFailedError(f"it answered none of {len(questions)} plain turns right: {wrong}")
    facts: Facts = {"right": f"{right} of {len(questions)} plain turns"}
    return {**facts, "first wrong": wrong} if wrong else facts


def answered(engine: ChatEngine, question: Question) -> Facts:
    """Its answer to a question, which must match the schema's required keys and enums."""
    request = ChatRequest(
        (ChatMessage("system", question["system"]), ChatMessage("user", question["user"])),
        question["schema"],
        _ANSWER_TOKENS,
    )
    pieces = list(engine.chat(request, FOREVER))
    text = "".join(piece.text for piece in pieces)
    try:
        answer = json.loads(text)
    except ValueError as error:
        reason = pieces[-1].finish_reason if pieces else "nothing came"
        raise CheckFailedError(f"its answer is not JSON ({reason}): {text[:120]!r}") from error
    schema = question["schema"]
    for key in schema.get("required", ()):
        values = schema["properties"][key].get("enum")
        if not isinstance(answer, dict) or key not in answer:
            raise CheckFailedError(f"its answer lacks {key!r}: {text[:120]!r}")
        if values is not None and answer[key] not in values:
            raise CheckFailedError(f"its answer has {answer[key]!r} for {key!r}")
    return dict(answer)


def check_voice(engine: VoiceEngine) -> Facts:
    """Have it say a sentence: as long and as loud as speech is."""
    pieces = list(engine.speak(SpeechRequest(SENTENCE), FOREVER))
    samples = np.frombuffer(b"".join(piece.pcm for piece in pieces), dtype="<i2")
    if not len(samples):
        raise CheckFailedError("it says nothing")
    seconds = len(samples) / pieces[0].rate_hz
    level = 20 * math.log10(max(1e-6, float(np.sqrt(np.mean(np.square(samples / 32768.0))))))
    if not _SHORTEST_S <= seconds <= _LONGEST_S:
        raise CheckFailedError(f"it takes {seconds:.1f} s for a sentence of some 2.5 s")
    if not _QUIETEST_DB <= level <= _LOUDEST_DB:
        raise CheckFailedError(f"its speech is at {level:.0f} dBFS; speech is at -30 to -10")
    return {"seconds": round(seconds, 2), "level dBFS": round(level, 1)}


def spoken(text: str, voice: str = "en-us") -> Samples:
    """A sentence in espeak-ng's voice, at the recognisers' rate.

    Raises:
        OSError: espeak-ng is not installed.
    """
    engine = make_voice("espeak-ng", EngineOptions(voice))
    pieces = list(engine.speak(SpeechRequest(text), FOREVER))
    pcm = np.frombuffer(b"".join(piece.pcm for piece in pieces), dtype="<i2")
    samples = pcm.astype(np.float32) / 32768.0
    return np.asarray(soxr.resample(samples, pieces[0].rate_hz, RECOGNIZER_RATE_HZ), np.float32)
