"""Callers who all call a model server at the same moment, and what each of them gets."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import urllib3

from appliance.inference.audio import wav_bytes
from appliance.inference.config import EngineOptions, InferenceConfig
from appliance.inference.engines import make_voice
from appliance.inference.headers import CALL_HEADER, DEADLINE_HEADER
from appliance.inference.protocols import (
    RECOGNIZER_RATE_HZ,
    Cancellation,
    Samples,
    SpeechRequest,
)
from appliance.inference.server import run
from appliance.storage.child import start_child

_STARTER = Path(__file__).resolve().parents[3] / "models" / "starter"
WHISPER = str(_STARTER / "whisper")
DECIDER = str(_STARTER / "decider.gguf")
VOICE = str(_STARTER / "voice" / "starter.onnx")

SENTENCES = (
    "i would like to speak to billing please",
    "what are your opening hours",
    "can you put me through to sales",
    "yes please",
)
LOAD_S = 60.0
WITHIN_MS = 3000
"""What the controller waits for a transcription before it does without."""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "intent": {"type": "string", "enum": ["transfer", "message", "hours", "unknown"]},
        "target": {"enum": ["billing", "sales", None]},
        "priority": {"type": "string", "enum": ["low", "normal", "high"]},
    },
}
MESSAGES = [
    {"role": "system", "content": "open 8 to 18\n201 billing\n202 sales\n"},
    {"role": "user", "content": SENTENCES[0]},
]

_MODULE = "appliance.lab.benchmarks.crowd"


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
        utterances = [_wav(sentence) for sentence in SENTENCES]
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
        headers={CALL_HEADER: call, DEADLINE_HEADER: str(WITHIN_MS)}, retries=False
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
    schema = {"type": "json_schema", "json_schema": {"schema": SCHEMA}}
    decided = client.request(
        "POST", f"{url}/v1/chat/completions",
        json={"messages": MESSAGES, "response_format": schema},
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
    facts = json.loads(urllib3.request("GET", f"{url}/v1/capacity", timeout=LOAD_S).data)
    return int(facts["measured"])


@contextmanager
def _server(capacity: int) -> Iterator[str]:
    """A model server with the starter models, in a process of its own, ready."""
    command = [sys.executable, "-m", _MODULE, str(capacity)]
    with start_child(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().decode().strip()
            deadline = time.monotonic() + LOAD_S
            while urllib3.request("GET", f"{url}/health", timeout=LOAD_S).status != 200:
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
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def spoken(text: str) -> Samples:
    """A sentence in espeak-ng's voice, at `RECOGNIZER_RATE_HZ`."""
    voice = make_voice("espeak-ng", EngineOptions())
    voice.load()
    pieces = list(voice.speak(SpeechRequest(text), Cancellation(float("inf"))))
    pcm = np.frombuffer(b"".join(piece.pcm for piece in pieces), "<i2")
    samples = pcm.astype(np.float32) / 32768.0
    resampled = soxr.resample(samples, pieces[0].rate_hz, RECOGNIZER_RATE_HZ)
    return np.asarray(resampled, dtype=np.float32)


def _wav(text: str) -> bytes:
    pcm = (spoken(text) * 32767).astype("<i2").tobytes()
    return wav_bytes(pcm, RECOGNIZER_RATE_HZ)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
