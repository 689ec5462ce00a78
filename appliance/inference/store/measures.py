"""How fast a model is on this box, and how fast the box itself is; measured, nothing assumed.

Runs in a process of its own, like the checks.
"""

import statistics
import time
from collections.abc import Sequence

import numpy as np

from appliance.inference.protocols import (
    RECOGNIZER_RATE_HZ,
    ChatEngine,
    ChatMessage,
    ChatRequest,
    RecognizerEngine,
    SpeechRequest,
    TranscriptionRequest,
    VoiceEngine,
)
from appliance.inference.store.checks import FOREVER, PHRASE, Facts, Question, spoken

_ROUNDS = 5
_SENTENCES = (
    "Good morning. How can I help you today?",
    "One moment, I will put you through to the billing department.",
    "Sorry, nobody is answering there. Shall I take a message?",
    "Thank you for calling. Goodbye.",
    "We are open from eight in the morning until six in the evening.",
)
_MATRIX = 1024
_COPIED_BYTES = 128 * 2**20


def measure_recognizer(engine: RecognizerEngine, language: str) -> Facts:
    """Seconds for one sentence of a caller, and that as a share of the speech's own length."""
    samples = spoken(PHRASE)
    took = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        list(engine.transcribe(TranscriptionRequest(samples, language), FOREVER))
        took.append(time.perf_counter() - began)
    seconds = statistics.median(took)
    length = len(samples) / RECOGNIZER_RATE_HZ
    return {"sentence_s": seconds, "speech_s": length, "real_time_factor": seconds / length}


def measure_language_model(engine: ChatEngine, questions: Sequence[Question]) -> Facts:
    """Tokens a second while it answers, and seconds for a whole decision.

    The first question is asked once before: what stays the same of a prompt is then in the cache,
    as it is in a call.
    """
    rates, decisions = [], []
    for turn, question in enumerate([questions[0], *questions]):
        request = ChatRequest(
            (ChatMessage("system", question["system"]), ChatMessage("user", question["user"])),
            question["schema"],
        )
        began = time.perf_counter()
        arrived = [time.perf_counter() for piece in engine.chat(request, FOREVER) if piece.text]
        if turn == 0:
            continue
        decisions.append(arrived[-1] - began)
        if len(arrived) > 1:
            rates.append((len(arrived) - 1) / max(1e-6, arrived[-1] - arrived[0]))
    facts: Facts = {"decision_s": statistics.median(decisions)}
    return {**facts, "tokens_per_s": statistics.median(rates)} if rates else facts


def measure_voice(engine: VoiceEngine) -> Facts:
    """Seconds until the first audio of a sentence, and work as a share of the speech's length."""
    first, shares = [], []
    for sentence in _SENTENCES:
        began = time.perf_counter()
        length = 0.0
        for number, piece in enumerate(engine.speak(SpeechRequest(sentence), FOREVER)):
            if number == 0:
                first.append(time.perf_counter() - began)
            length += len(piece.pcm) / 2 / piece.rate_hz
        shares.append((time.perf_counter() - began) / max(0.01, length))
    return {
        "first_audio_s": statistics.median(first),
        "real_time_factor": statistics.median(shares),
    }


def measure_box() -> Facts:
    """Arithmetic in 10^9 operations a second and memory in 10^9 bytes a second, at the process's
    number of threads; and which engines could use a GPU.
    """
    left = np.ones((_MATRIX, _MATRIX), np.float32)
    blocks = np.ones(_COPIED_BYTES // 4, np.float32)
    target = np.empty_like(blocks)
    products, copies = [], []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        left @ left
        products.append(2 * _MATRIX**3 / (time.perf_counter() - began) / 1e9)
        began = time.perf_counter()
        np.copyto(target, blocks)
        copies.append(2 * _COPIED_BYTES / (time.perf_counter() - began) / 1e9)
    return {"gflops": max(products), "memory_gb_per_s": max(copies), "cuda": _cuda()}


def _cuda() -> dict[str, bool]:
    """Which engines can use an NVIDIA GPU here: built for it, and one is there."""
    import ctranslate2
    import llama_cpp
    import onnxruntime  # type: ignore[import-untyped]

    devices = ctranslate2.get_cuda_device_count()
    return {
        "faster-whisper": devices > 0,
        "llama-cpp": bool(llama_cpp.llama_supports_gpu_offload()) and devices > 0,
        "piper": "CUDAExecutionProvider" in onnxruntime.get_available_providers() and devices > 0,
    }
