"""From a text to the first of its sound: what a caller waits for once it is known what to say.

Measured at the client, over HTTP, as the controller asks: from the request to the first PCM. Beside
it, for the same texts, what one would wait for the whole of the speech, so that the gain of cutting
a text into clauses can be seen; and how loud the voice is.

``python -m appliance.lab.benchmarks.voice_path [piper FILE.onnx]`` prints the figures as JSON.
"""

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import structlog
import uvloop

from appliance.inference.client import InferenceClient
from appliance.inference.config import InferenceConfig
from appliance.inference.loudness import TARGET_DBOV, active_level_dbov
from appliance.inference.server import serving
from appliance.lab.benchmarks.measurement import Measurement, at_most, percentile
from appliance.lab.benchmarks.report import as_json
from appliance.speech.synthesizer import HttpSynthesizer

TEXTS = (
    "Thank you for calling, how can I help you today? We are open from 8:30 to 17:00.",
    "I am sorry, Dr. Smith is not at his desk, but I can take a message for him. Would you like "
    "to leave one, or shall I try someone else?",
    "I will have you called back on 555-1234. Is that right?",
    "Our accounts department is closed for today and it opens again on Monday, March 3rd at nine.",
    "One moment please, I am connecting you to billing.",
)
_MODULE = "appliance.lab.benchmarks.voice_path"
_RATE_HZ = 8000
_CALLERS = (1, 4, 10)
_TIMEOUT_S = 10.0
_LOAD_S = 60.0
_GOAL_MS = 150.0
"""Of the second that a caller may wait for an answer, what the voice may take."""
_LEVEL_GOAL_DB = 2.0


@dataclass(slots=True)
class Spoken:
    """Times in milliseconds from the request, one for each text spoken; levels in dBov."""

    first_ms: list[float] = field(default_factory=list)
    whole_ms: list[float] = field(default_factory=list)
    levels_dbov: list[float] = field(default_factory=list)


def measure(url: str, voice: str, rounds: int = 10) -> Iterator[Measurement]:
    """The figures of the voice behind ``url``, for 1, 4 and 10 callers at once.

    Args:
        voice: what the figures call it.
        rounds: how often each caller has all texts spoken.
    """
    speak_texts(url, 1, TEXTS)  # connections, and whatever is made on first use
    for callers in _CALLERS:
        spoken = speak_at_once(url, callers, rounds)
        of = f"{voice}, {callers} caller{'s' if callers > 1 else ''}"
        goal = at_most(_GOAL_MS) if callers == 1 else None
        for percent in (50, 95):
            first = percentile(spoken.first_ms, percent)
            yield Measurement(f"first audio after first text, p{percent}, {of}", first, "ms", goal)
        whole = percentile(spoken.whole_ms, 95)
        yield Measurement(f"all audio after first text, p95, {of}", whole, "ms")
        if callers == 1:
            off = max(abs(level - TARGET_DBOV) for level in spoken.levels_dbov)
            goal = at_most(_LEVEL_GOAL_DB)
            yield Measurement(f"loudness off {TARGET_DBOV:g} dBov, worst, {voice}", off, "dB", goal)


def speak_at_once(url: str, callers: int, rounds: int) -> Spoken:
    """Callers who have the texts spoken without a pause, each beginning with another one.

    Raises:
        InferenceError: a text was not spoken.
    """
    with ThreadPoolExecutor(callers, thread_name_prefix="caller") as pool:
        turned = [
            TEXTS[number % len(TEXTS) :] + TEXTS[: number % len(TEXTS)] for number in range(callers)
        ]
        results = list(pool.map(lambda texts: speak_texts(url, rounds, texts), turned))
    together = Spoken()
    for one in results:
        together.first_ms += one.first_ms
        together.whole_ms += one.whole_ms
        together.levels_dbov += one.levels_dbov
    return together


def speak_texts(url: str, rounds: int, texts: Sequence[str]) -> Spoken:
    """One caller's texts, one after the other.

    Raises:
        InferenceError: a text was not spoken.
    """
    client = InferenceClient(url)
    synthesizer = HttpSynthesizer(client)
    spoken = Spoken()
    try:
        for _ in range(rounds):
            for text in texts:
                begun = time.monotonic()
                chunks = synthesizer.speak(text, _RATE_HZ, timeout_s=_TIMEOUT_S)
                pcm = next(chunks)
                spoken.first_ms.append((time.monotonic() - begun) * 1000)
                pcm += b"".join(chunks)
                spoken.whole_ms.append((time.monotonic() - begun) * 1000)
                wave = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
                spoken.levels_dbov.append(active_level_dbov(wave, _RATE_HZ))
    finally:
        client.close()
    return spoken


@contextmanager
def server(voice: str, model: str = "") -> Iterator[str]:
    """The URL of a model server with this voice, in a process of its own, ready.

    Raises:
        RuntimeError: it does not get ready.
    """
    with subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", _MODULE, "serve", voice, model],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"the model server with the voice {voice} does not get ready")
            yield url
        finally:
            process.stdin.close()


def _serve(voice: str, model: str) -> None:
    """Be the server, until standard input ends."""
    # Standard output is a pipe that nobody reads after the first line: it must not fill.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))

    async def until_told() -> None:
        config = InferenceConfig(
            port=0,
            recognizer="instant",
            language_model="rules",
            voice=voice,
            voice_model=model,
            queue_limit=2 * max(_CALLERS),
        )
        async with serving(config) as running:
            ready = await asyncio.to_thread(running.engines.wait_loaded, _LOAD_S)
            print(running.url if ready else "", flush=True)  # noqa: T201
            await asyncio.to_thread(sys.stdin.read)

    uvloop.run(until_told())


def main() -> None:
    """``serve VOICE MODEL``: be the server; otherwise measure and print."""
    if sys.argv[1:2] == ["serve"]:
        _serve(sys.argv[2], sys.argv[3])
        return
    voices = [("espeak-ng", "")]
    if sys.argv[1:2] == ["piper"] and len(sys.argv) == 3:
        voices.append(("piper", sys.argv[2]))
    figures: list[Measurement] = []
    for voice, model in voices:
        with server(voice, model) as url:
            figures += measure(url, voice)
    print(as_json(figures))  # noqa: T201


if __name__ == "__main__":
    main()
