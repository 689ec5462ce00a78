"""The model server on the starter models: what its scheduling costs, what a cached prompt saves,
and what twenty callers get where ten can be served.

Engines are compared in turns, on the same work, and by the faster half of the rounds: on a machine
that does other things besides, one long run after another would measure those.

``python -m appliance.lab.benchmarks.serving`` prints the figures as JSON.
"""

import asyncio
import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import soxr
import urllib3

from appliance.inference.audio import wav_bytes
from appliance.inference.config import EngineOptions, InferenceConfig
from appliance.inference.engines import make_language_model, make_recognizer, make_voice
from appliance.inference.headers import CALL_HEADER, DEADLINE_HEADER
from appliance.inference.host import EngineHost
from appliance.inference.protocols import (
    RECOGNIZER_RATE_HZ,
    Cancellation,
    ChatEngine,
    ChatMessage,
    ChatRequest,
    Engine,
    Samples,
    SpeechRequest,
    TranscriptionRequest,
)
from appliance.inference.server import run
from appliance.lab.benchmarks.measurement import Measurement, at_least, at_most, percentile
from appliance.lab.benchmarks.report import as_json

_STARTER = Path(__file__).resolve().parents[3] / "models" / "starter"
WHISPER = str(_STARTER / "whisper")
DECIDER = str(_STARTER / "decider.gguf")

_MODULE = "appliance.lab.benchmarks.serving"
_SENTENCES = (
    "i would like to speak to billing please",
    "what are your opening hours",
    "can you put me through to sales",
    "yes please",
)
_PROMPT_TOKENS = 500
_AT_ONCE = 4
_LOAD_S = 60.0
_WITHIN_MS = 3000
"""What the controller waits for a transcription before it does without."""
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "intent": {"type": "string", "enum": ["transfer", "message", "hours", "unknown"]},
        "target": {"enum": ["billing", "sales", None]},
        "priority": {"type": "string", "enum": ["low", "normal", "high"]},
        "say": {"type": "string", "pattern": "^[a-z ,.?'!-]{1,80}$"},
    },
}
_MESSAGES = [
    {"role": "system", "content": "open 8 to 18\n201 billing\n202 sales\n"},
    {"role": "user", "content": _SENTENCES[0]},
]
_FOREVER = Cancellation(float("inf"))


def measure(
    rounds: int = 12, callers: int = 20, capacity: int = 10, turns: int = 3
) -> Iterator[Measurement]:
    """All figures of this module.

    Args:
        rounds: of each comparison.
        callers: who call at the same moment.
        capacity: of them, how many the server is told to take.
        turns: each served caller has.
    """
    yield Measurement(
        "recogniser under our scheduling, beside called directly",
        scheduled_share(*recognizer_work(), rounds, requests=4), "times", at_least(0.95),
    )  # fmt: skip
    yield Measurement(
        "decider under our scheduling, beside called directly",
        scheduled_share(*decider_work(), rounds, requests=32), "times", at_least(0.95),
    )  # fmt: skip
    prefix = prefix_times(rounds)
    yield Measurement(f"cold prompt of {prefix.tokens} tokens", prefix.cold_ms, "ms")
    yield Measurement("the same, warmed when the call began", prefix.warm_ms, "ms")
    yield Measurement("the same, copied from another call", prefix.copied_ms, "ms")
    share = prefix.warm_ms / prefix.cold_ms
    yield Measurement("cached prompt beside a cold one", share, "times", at_most(0.3))
    yield from _told(crowd(callers, capacity, turns), callers, capacity)


def scheduled_share(
    make: Callable[[], Any], work: Callable[[Any, Cancellation], Iterator[Any]],
    rounds: int, requests: int,
) -> float:  # fmt: skip
    """Throughput through `EngineHost`, four requests at a time, as a share of that
    of the engine called in a loop.
    """
    direct = make()
    direct.load()
    host: EngineHost[Engine] = EngineHost("bench", make, queue_limit=8)
    host.start()
    try:
        if not host.wait_loaded(_LOAD_S) or not host.ready:
            raise RuntimeError(host.health().reason)
        direct_s, scheduled_s = asyncio.run(_in_turns(direct, host, work, rounds, requests))
    finally:
        host.stop()
    return _faster_half(direct_s) / _faster_half(scheduled_s)


async def _in_turns(
    direct: Any, host: EngineHost[Any], work: Callable[[Any, Cancellation], Iterator[Any]],
    rounds: int, requests: int,
) -> tuple[list[float], list[float]]:  # fmt: skip
    """Seconds that so many requests take, directly and scheduled, round by round."""
    direct_s, scheduled_s = [], []

    async def client() -> None:
        for _ in range(requests // _AT_ONCE):
            await host.ask(work, _LOAD_S)

    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(requests):
            list(work(direct, _FOREVER))
        direct_s.append(time.perf_counter() - started)
        started = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(_AT_ONCE)))
        scheduled_s.append(time.perf_counter() - started)
    return direct_s, scheduled_s


def recognizer_work(
    model: str = WHISPER,
) -> tuple[Callable[[], Any], Callable[[Any, Cancellation], Iterator[Any]]]:
    """How to make the recogniser, and one utterance for it."""
    request = TranscriptionRequest(spoken(_SENTENCES[0]))
    return (
        lambda: make_recognizer("faster-whisper", EngineOptions(model)),
        lambda engine, cancellation: engine.transcribe(request, cancellation),
    )


def decider_work(
    model: str = DECIDER,
) -> tuple[Callable[[], Any], Callable[[Any, Cancellation], Iterator[Any]]]:
    """How to make the language model, and one decision for it, in one piece as the server asks."""
    messages = tuple(ChatMessage(m["role"], m["content"]) for m in _MESSAGES)
    request = ChatRequest(messages, _SCHEMA, call="bench")

    def decide(engine: Any, cancellation: Cancellation) -> Iterator[str]:
        yield "".join(piece.text for piece in engine.chat(request, cancellation))

    return lambda: make_language_model("llama-cpp", EngineOptions(model)), decide


@dataclass(frozen=True, slots=True)
class PrefixTimes:
    """Milliseconds from asking to the first piece of the answer, in the faster half of the rounds.

    Attributes:
        tokens: of the prompt.
        cold_ms: nothing of it was evaluated before.
        warm_ms: all but the caller's turn was.
        copied_ms: it was, for another call.
    """

    tokens: int
    cold_ms: float
    warm_ms: float
    copied_ms: float


def prefix_times(rounds: int, model: str = DECIDER) -> PrefixTimes:
    """What a cached system prompt of some 500 tokens saves."""
    engine = make_language_model("llama-cpp", EngineOptions(model))
    engine.load()
    found: dict[str, list[float]] = {"cold": [], "warm": [], "copied": []}
    tokens = 0
    for number in range(rounds):
        system = _system_prompt(engine, random.Random(number))
        for what, call, turn in (
            ("cold", f"first-{number}", "i would like to speak to billing please"),
            ("warm", f"first-{number}", "can you tell me when you are open"),
            ("copied", f"second-{number}", "put me through to sales"),
        ):
            messages = (ChatMessage("system", system), ChatMessage("user", turn))
            request = ChatRequest(messages, _SCHEMA, max_tokens=1, call=call)
            started = time.perf_counter()
            pieces = engine.chat(request, _FOREVER)
            next(pieces)
            found[what].append((time.perf_counter() - started) * 1000)
            tokens = list(pieces)[-1].prompt_tokens
    times = {what: _faster_half(each) for what, each in found.items()}
    return PrefixTimes(tokens, times["cold"], times["warm"], times["copied"])


def _system_prompt(engine: ChatEngine, chance: random.Random) -> str:
    """A directory that begins like no other one, and comes to `_PROMPT_TOKENS` with the turn."""
    first = f"open {chance.randrange(1, 24)} to {chance.randrange(1, 24)}\n"
    rest = ""
    while True:
        for _ in range(8):
            name = f"{chance.choice(_NAMES)} {chance.choice(_NAMES)}"
            rest += f"{chance.randrange(200, 999)} {name}\n"
        # Counted with another beginning, so that nothing of the prompt itself gets evaluated.
        messages = (ChatMessage("system", f"closed\n{rest}"), ChatMessage("user", "yes"))
        request = ChatRequest(messages, max_tokens=1, call="count")
        if list(engine.chat(request, _FOREVER))[-1].prompt_tokens >= _PROMPT_TOKENS:
            return first + rest


_NAMES = ("anna", "john", "mary", "peter", "smith", "jones", "brown", "miller", "billing", "sales")


@dataclass(slots=True)
class Crowd:
    """What callers who all call at once got.

    Attributes:
        turns_ms: each served turn: transcribed, decided, and the answer's first sound.
        refusals_ms: how long each refusal took.
        served: callers all of whose turns were answered in time.
        failed: requests with any other outcome, in words.
        sustained: how many calls the server says it sustains, from what it measured.
    """

    turns_ms: list[float] = field(default_factory=list)
    refusals_ms: list[float] = field(default_factory=list)
    served: int = 0
    failed: list[str] = field(default_factory=list)
    sustained: int = 0


def crowd(callers: int, capacity: int, turns: int, pause_s: float = 4.0) -> Crowd:
    """Callers who all call at the same moment, at a server that takes ``capacity`` calls.

    Args:
        turns: each has, ``pause_s`` after the answer to the one before.
    """
    with _server(capacity) as url:
        utterances = [_wav(sentence) for sentence in _SENTENCES]
        result = Crowd()
        begin = threading.Barrier(callers)
        threads = [
            threading.Thread(
                target=_call, name=f"caller-{number}",
                args=(url, f"call-{number}", utterances, turns, pause_s, begin, result),
            )
            for number in range(callers)
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        result.sustained = _sustained(url)
    return result


def _call(
    url: str, call: str, utterances: Sequence[bytes], turns: int, pause_s: float,
    begin: threading.Barrier, result: Crowd,
) -> None:  # fmt: skip
    """One caller, from the first word to the last answer, or to the refusal."""
    client = urllib3.PoolManager(
        headers={CALL_HEADER: call, DEADLINE_HEADER: str(_WITHIN_MS)}, retries=False
    )
    begin.wait()
    for turn in range(turns):
        started = time.perf_counter()
        status, said = _turn(client, url, utterances[turn % len(utterances)])
        took_ms = (time.perf_counter() - started) * 1000
        if status == 429:
            result.refusals_ms.append(took_ms)
            return
        if status != 200:
            result.failed.append(f"{status}: {said}")
            return
        result.turns_ms.append(took_ms)
        if turn + 1 < turns:
            time.sleep(pause_s)
    result.served += 1
    client.request("POST", f"{url}/v1/calls/{call}/end")


def _turn(client: urllib3.PoolManager, url: str, utterance: bytes) -> tuple[int, str]:
    """Transcribe, decide and begin to speak; the status that ended it and its body."""
    heard = client.request(
        "POST", f"{url}/v1/audio/transcriptions",
        fields={"file": ("turn.wav", utterance, "audio/wav")},
    )  # fmt: skip
    if heard.status != 200:
        return heard.status, heard.data.decode()
    schema = {"type": "json_schema", "json_schema": {"schema": _SCHEMA}}
    decided = client.request(
        "POST", f"{url}/v1/chat/completions",
        json={"messages": _MESSAGES, "response_format": schema},
    )  # fmt: skip
    if decided.status != 200:
        return decided.status, decided.data.decode()
    spoken = client.request(
        "POST", f"{url}/v1/audio/speech", preload_content=False,
        json={"input": "Putting you through to billing.", "sample_rate": 8000},
    )  # fmt: skip
    first = spoken.read(320)
    spoken.drain_conn()
    spoken.release_conn()
    return spoken.status, "" if spoken.status == 200 else first.decode(errors="replace")


def _sustained(url: str) -> int:
    """What the same server would take by its own measurement."""
    facts = json.loads(urllib3.request("GET", f"{url}/v1/capacity").data)
    return int(facts["measured"])


def _told(result: Crowd, callers: int, capacity: int) -> Iterator[Measurement]:
    of = f"{callers} callers at capacity {capacity}"
    yield Measurement(f"served in time, {of}", result.served, "callers", at_least(capacity))
    refused = len(result.refusals_ms)
    goal = at_least(callers - capacity)
    yield Measurement(f"refused at once, {of}", refused, "callers", goal)
    yield Measurement(f"anything else, {of}", len(result.failed), "callers", at_most(0))
    worst = max(result.turns_ms, default=float("nan"))
    yield Measurement(f"turn, p50, {of}", percentile(result.turns_ms, 50), "ms")
    yield Measurement(f"turn, slowest, {of}", worst, "ms", at_most(_WITHIN_MS))
    slowest = max(result.refusals_ms, default=float("nan"))
    yield Measurement(f"refusal, slowest, {of}", slowest, "ms", at_most(1000))
    yield Measurement("calls sustained, as the server measured", result.sustained, "calls")


@contextmanager
def _server(capacity: int) -> Iterator[str]:
    """A model server with the starter models, in a process of its own, ready."""
    command = [sys.executable, "-m", _MODULE, "serve", str(capacity)]
    with subprocess.Popen(  # noqa: S603 - our own module
        command, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            deadline = time.monotonic() + _LOAD_S
            while urllib3.request("GET", f"{url}/health").status != 200:
                if time.monotonic() > deadline:
                    raise RuntimeError("the model server does not get ready")
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def _serve(capacity: int) -> None:
    config = InferenceConfig(
        port=_free_port(), recognizer_model=WHISPER, language_model_file=DECIDER, calls=capacity,
        queue_limit=2 * capacity,
    )  # fmt: skip
    run(config, lambda: print(f"http://127.0.0.1:{config.port}", flush=True))  # noqa: T201


def _free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def spoken(text: str) -> Samples:
    """A sentence in espeak-ng's voice, at `RECOGNIZER_RATE_HZ`."""
    voice = make_voice("espeak-ng", EngineOptions())
    voice.load()
    pieces = list(voice.speak(SpeechRequest(text), _FOREVER))
    pcm = np.frombuffer(b"".join(piece.pcm for piece in pieces), "<i2")
    samples = pcm.astype(np.float32) / 32768.0
    resampled = soxr.resample(samples, pieces[0].rate_hz, RECOGNIZER_RATE_HZ)
    return np.asarray(resampled, dtype=np.float32)


def _wav(text: str) -> bytes:
    pcm = (spoken(text) * 32767).astype("<i2").tobytes()
    return wav_bytes(pcm, RECOGNIZER_RATE_HZ)


def _faster_half(times: Sequence[float]) -> float:
    return median(sorted(times)[: max(1, len(times) // 2)])


def main() -> None:
    """``serve N``: be the server of `crowd`; otherwise measure and print."""
    if sys.argv[1:2] == ["serve"]:
        _serve(int(sys.argv[2]))
    else:
        print(as_json(list(measure())))  # noqa: T201


if __name__ == "__main__":
    main()
