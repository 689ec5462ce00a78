"""The server's manners: what it answers while loading, when asked nonsense, when clients leave."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from appliance.calls.errors import ConfigurationError
from appliance.inference import engine_set
from appliance.inference.client import InferenceClient
from appliance.inference.config import EngineOptions, InferenceConfig
from appliance.inference.protocols import (
    Cancellation,
    ChatPiece,
    ChatRequest,
    SpeechPiece,
    SpeechRequest,
)
from appliance.inference.server import create_app
from appliance.speech.recognizer import HttpRecognizer
from appliance.speech.synthesizer import HttpSynthesizer
from tests.integration.inference.model_servers import WAIT_S, model_server

INSTANT = InferenceConfig(
    port=0,
    recognizer="instant",
    recognizer_model="billing please",
    language_model="instant",
    voice="instant",
    queue_limit=1,
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with model_server(INSTANT) as server:
        yield server.url


def post(url: str, path: str, body: object, **headers: str) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = urllib3.request("POST", url + path, body=data, headers=headers, retries=False)
    try:
        return reply.status, json.loads(reply.data)
    except ValueError:
        return reply.status, reply.data


def chat_body(**fields: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": "hello"}], **fields}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/audio/speech", b"{", 400),
        ("/v1/audio/speech", b"\xff\xfe", 400),
        ("/v1/audio/speech", {}, 400),
        ("/v1/audio/speech", {"input": ""}, 400),
        ("/v1/audio/speech", {"input": "x" * 5000}, 400),
        ("/v1/audio/speech", {"input": "x", "response_format": "mp3"}, 400),
        ("/v1/audio/speech", {"input": "x", "sample_rate": 1}, 400),
        ("/v1/audio/speech", {"input": "x", "speed": 1e9}, 400),
        ("/v1/audio/speech", {"input": "x" * 300000}, 413),
        ("/v1/chat/completions", {"messages": []}, 400),
        ("/v1/chat/completions", chat_body(n=2), 400),
        ("/v1/chat/completions", chat_body(max_tokens=0), 400),
        ("/v1/chat/completions", chat_body(response_format={"type": "json_schema"}), 400),
        ("/v1/chat/completions", b"[" * 100000, 400),
        ("/v1/audio/transcriptions", b"x", 400),
        ("/v1/nothing", {}, 404),
        ("/health", {}, 405),
    ],
)
def test_nonsense_is_refused_in_openai_words(
    url: str, path: str, body: object, status: int
) -> None:
    answered, reply = post(url, path, body)
    assert answered == status
    assert set(reply["error"]) == {"message", "type", "param", "code"}
    assert reply["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"file": "text, no file"},
        {"file": ("a.wav", b"", "audio/wav")},
        {"file": ("a.wav", b"RIFFxxxx", "audio/wav")},
        {"file": ("a.wav", bytes(5 * 1024 * 1024), "audio/wav")},
        {"prompt": "x" * 100000},
        {f"field{number}": "x" for number in range(40)},
        {"file": ("a.wav", b"RIFF", "audio/wav"), "response_format": "srt"},
    ],
)
def test_a_form_that_is_no_recording_is_refused(url: str, fields: dict[str, Any]) -> None:
    reply = urllib3.request("POST", url + "/v1/audio/transcriptions", fields=fields, retries=False)
    assert reply.status in (400, 413)
    assert "error" in json.loads(reply.data)


@pytest.mark.parametrize("deadline", ["0", "-5", "soon", "1e3", "9" * 30, "٣"])
def test_a_deadline_is_a_number_of_milliseconds(url: str, deadline: str) -> None:
    raw = {"X-Deadline-Ms": deadline.encode().decode("latin-1")}
    assert post(url, "/v1/chat/completions", chat_body(), **raw)[0] == 400


def test_the_bench_engines_answer_at_once(url: str) -> None:
    client = InferenceClient(url)
    assert HttpRecognizer(client).transcribe(bytes(1600), 8000).text == "billing please"
    assert b"".join(HttpSynthesizer(client).speak("hello", 8000))
    client.close()


def test_models_and_health_are_told(url: str) -> None:
    client = InferenceClient(url)
    models = client.get_json("/v1/models", WAIT_S)
    assert {model["id"] for model in models["data"]} == {"instant", "rules", "espeak-ng:en-us"}
    health = client.get_json("/health", WAIT_S)
    assert health["status"] == "ready"
    assert health["engines"]["voice"]["state"] == "ready"
    client.close()


def test_chat_streams_as_server_sent_events(url: str) -> None:
    _, body = post(url, "/v1/chat/completions", chat_body(stream=True))
    events = [line.removeprefix("data: ") for line in body.decode().split("\n\n") if line]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == "{}"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_speech_may_come_as_a_wav_file(url: str) -> None:
    body = {"input": "hello", "response_format": "wav", "sample_rate": 16000}
    status, data = post(url, "/v1/audio/speech", body)
    assert status == 200
    assert data[:4] == b"RIFF"
    assert int.from_bytes(data[24:28], "little") == 16000


def test_it_serves_on_a_unix_socket_and_takes_a_dead_one_over(tmp_path: Path) -> None:
    path = tmp_path / "inference.sock"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    config = InferenceConfig(
        recognizer="instant", language_model="rules", voice="instant", socket_path=path
    )
    with model_server(config) as server:
        client = InferenceClient(server.url)
        assert client.get_json("/health", WAIT_S)["status"] == "ready"
        assert client.get_json("/health", WAIT_S)["status"] == "ready"
        client.close()


def test_without_its_models_it_degrades_and_says_so(tmp_path: Path) -> None:
    config = InferenceConfig(
        port=0,
        recognizer_model=str(tmp_path),
        language_model_file=str(tmp_path / "none.gguf"),
        voice="piper",
        voice_model=str(tmp_path / "none.onnx"),
    )
    with model_server(config) as server:
        reply = urllib3.request("GET", server.url + "/health")
        health = json.loads(reply.data)
        assert (reply.status, health["status"]) == (503, "failed")
        assert "no Whisper model" in health["engines"]["recognizer"]["reason"]
        assert health["engines"]["language_model"]["serving"] == "rules"
        status, reply = post(server.url, "/v1/chat/completions", chat_body())
        assert (status, reply["model"]) == (200, "rules")
        status, audio = post(server.url, "/v1/audio/speech", {"input": "hello"})
        assert status == 200
        assert len(audio) > 1000


def test_an_unknown_engine_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="choose one of"):
        create_app(InferenceConfig(recognizer="ears"))


def test_it_runs_until_it_is_told_to_stop() -> None:
    script = (
        "from appliance.inference.config import InferenceConfig\n"
        "from appliance.inference.server import run\n"
        "config = InferenceConfig(port=0, recognizer='instant', language_model='rules',"
        " voice='instant')\n"
        "run(config, lambda: print('listening', flush=True))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        process.terminate()
        assert process.wait(WAIT_S) == 0


class SlowEngine:
    """Chats and speaks one piece, then, once it has passed its trials, waits until cancelled."""

    name = "slow"

    def __init__(self, _: EngineOptions) -> None:
        self.begun = threading.Event()
        self.cancelled = threading.Event()
        self.tried: set[str] = set()

    def load(self) -> None:
        """Nothing to read."""

    def chat(self, _: ChatRequest, cancellation: Cancellation) -> Iterator[ChatPiece]:
        yield ChatPiece("once")
        self._wait("chat", cancellation)

    def speak(self, _: SpeechRequest, cancellation: Cancellation) -> Iterator[SpeechPiece]:
        yield SpeechPiece(b"\1\0" * 800, 8000)
        self._wait("speak", cancellation)

    def _wait(self, what: str, cancellation: Cancellation) -> None:
        if what not in self.tried:
            self.tried.add(what)
            return
        self.begun.set()
        gone = threading.Event()
        while not cancellation.requested:
            gone.wait(0.005)
        self.cancelled.set()
        cancellation.check()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, SlowEngine]]:
    """A server whose language model and voice are one that never ends by itself."""
    engine = SlowEngine(EngineOptions())
    monkeypatch.setattr(engine_set, "make_language_model", lambda *_: engine)
    monkeypatch.setattr(
        engine_set,
        "make_voice",
        lambda *_: engine,
    )
    config = InferenceConfig(port=0, recognizer="instant", stand_ins=False, queue_limit=0)
    with model_server(config) as server:
        yield server.url, engine


def test_a_client_that_hangs_up_cancels_the_work(slow: tuple[str, SlowEngine]) -> None:
    url, engine = slow
    client = InferenceClient(url)
    chunks = HttpSynthesizer(client).speak("hello", 8000, timeout_s=WAIT_S)
    next(chunks)
    del chunks
    assert engine.cancelled.wait(WAIT_S)
    client.close()


def test_a_deadline_is_kept(slow: tuple[str, SlowEngine]) -> None:
    url, engine = slow
    started = time.monotonic()
    status, reply = post(url, "/v1/chat/completions", chat_body(), **{"X-Deadline-Ms": "80"})
    assert (status, reply["error"]["code"]) == (504, "deadline_exceeded")
    assert time.monotonic() - started < 2
    assert engine.cancelled.wait(WAIT_S)


def test_a_stream_that_breaks_says_so(slow: tuple[str, SlowEngine]) -> None:
    url, _ = slow
    _, body = post(url, "/v1/chat/completions", chat_body(stream=True), **{"X-Deadline-Ms": "80"})
    assert b'"deadline_exceeded"' in body
    assert body.rstrip().endswith(b"[DONE]")


def test_past_the_queue_clients_are_told_at_once(slow: tuple[str, SlowEngine]) -> None:
    url, engine = slow
    client = InferenceClient(url)
    with client.post_stream("/v1/chat/completions", chat_body(stream=True), WAIT_S):
        assert engine.begun.wait(WAIT_S)
        status, reply = post(url, "/v1/chat/completions", chat_body())
        assert (status, reply["error"]["code"]) == (503, "queue_full")
    client.close()
