"""Calls that begin, are counted, turned away and end; models that change under them."""

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from appliance.inference import engine_set
from appliance.inference.config import EngineOptions, InferenceConfig
from appliance.inference.engines import make_language_model
from appliance.inference.headers import ACTIVE_HEADER, CALL_HEADER, CAPACITY_HEADER
from appliance.inference.protocols import (
    Cancellation,
    ChatPiece,
    ChatRequest,
    SpeechPiece,
    SpeechRequest,
)
from appliance.inference.server import RunningServer
from tests.integration.inference.model_servers import STARTER_DECIDER, WAIT_S, model_server

CAPACITY = 3


class Named:
    """A language model and a voice that say their model's name; some models are broken."""

    def __init__(self, options: EngineOptions) -> None:
        self.model = options.model or "first"
        self.name = f"named:{self.model}"

    def load(self) -> None:
        if self.model == "unloadable":
            raise MemoryError("it does not fit")

    def chat(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[ChatPiece]:
        target = "nobody" if self.model == "rubbish" else None
        if self.model == "babbling":
            yield ChatPiece("one two three")
            return
        answer = {"intent": "unknown", "target": target, "priority": "low", "say": self.model}
        yield ChatPiece(json.dumps(answer))
        yield ChatPiece("", "stop")

    def speak(self, request: SpeechRequest, cancellation: Cancellation) -> Iterator[SpeechPiece]:
        yield SpeechPiece(bytes(8000) if self.model == "silent" else b"\1\0" * 4000, 8000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    monkeypatch.setattr(engine_set, "make_language_model", lambda _, options: Named(options))
    monkeypatch.setattr(engine_set, "make_voice", lambda _, options: Named(options))
    config = InferenceConfig(
        port=0, recognizer="instant", language_model="instant", stand_ins=False, calls=CAPACITY
    )
    with model_server(config) as running:
        yield running


@pytest.fixture
def ask(server: RunningServer) -> Callable[..., tuple[int, Any]]:
    """POST or GET; the status and what came back."""

    def send(path: str, body: Any = None, call: str = "", **headers: str) -> tuple[int, Any]:
        sent = {"Content-Type": "application/json", **headers}
        if call:
            sent[CALL_HEADER] = call
        method = "GET" if body is None else "POST"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = urllib3.request(
            method, server.url + path, body=None if body is None else data, headers=sent,
            retries=False, timeout=WAIT_S,
        )  # fmt: skip
        return reply.status, json.loads(reply.data) if reply.data[:1] in b"{[" else reply

    return send


CHAT = {"messages": [{"role": "user", "content": "hello"}]}


def says(ask: Callable[..., tuple[int, Any]], call: str = "") -> str:
    """The model that answers the call."""
    status, reply = ask("/v1/chat/completions", CHAT, call)
    assert status == 200, reply
    return str(json.loads(reply["choices"][0]["message"]["content"])["say"])


def use(ask: Callable[..., tuple[int, Any]], model: str, kind: str = "language_model") -> Any:
    return ask("/v1/models/use", {"kind": kind, "engine": "instant", "model": model})


def test_calls_past_the_capacity_are_told_so_and_the_others_go_on(
    ask: Callable[..., tuple[int, Any]], server: RunningServer
) -> None:
    outcomes = [ask("/v1/chat/completions", CHAT, f"call-{n}")[0] for n in range(2 * CAPACITY)]
    assert outcomes == [200] * CAPACITY + [429] * CAPACITY
    status, reply = ask("/v1/audio/speech", {"input": "hello"}, "one-more")
    assert (status, reply["error"]["code"]) == (429, "at_capacity")
    assert "3 calls are in progress" in reply["error"]["message"]
    assert ask("/v1/calls/one-more/begin", {})[0] == 429
    assert says(ask, "call-0") == "first"
    assert says(ask) == "first", "a request of no call counts as none"
    assert ask("/v1/calls/call-0/end", {}) == (200, {"id": "call-0", "was_active": True})
    assert ask("/v1/calls/call-0/end", {}) == (200, {"id": "call-0", "was_active": False})
    assert ask("/v1/calls/one-more/begin", {})[0] == 200
    facts = ask("/v1/capacity")[1]
    assert (facts["active"], facts["capacity"]) == (3, 3)
    assert facts["refused"] == CAPACITY + 2
    assert ask("/health")[1]["calls"]["active"] == 3


def test_every_reply_tells_the_load(server: RunningServer) -> None:
    for path in ("/health", "/nothing"):
        reply = urllib3.request("GET", server.url + path, retries=False)
        assert (reply.headers[ACTIVE_HEADER], reply.headers[CAPACITY_HEADER]) == ("0", "3")


@pytest.mark.parametrize("call", ["x" * 129, "a b", "a/b", "ü"])
def test_a_call_has_an_id(ask: Callable[..., tuple[int, Any]], call: str) -> None:
    raw = call.encode().decode("latin-1")
    assert ask("/v1/chat/completions", CHAT, raw)[0] == 400


@pytest.mark.parametrize(
    "body", [b"{", {"messages": "hello"}, {"messages": [{"role": "x", "content": ""}]}, {"x": 1}]
)
def test_what_a_call_begins_with_is_checked(
    ask: Callable[..., tuple[int, Any]], body: object
) -> None:
    assert ask("/v1/calls/a/begin", body)[0] == 400
    assert ask("/v1/capacity")[1]["active"] == 0


def test_a_call_begins_with_an_engine_that_keeps_nothing(
    ask: Callable[..., tuple[int, Any]],
) -> None:
    status, reply = ask("/v1/calls/a/begin", CHAT)
    assert (status, reply["prompt_tokens"], reply["cached_tokens"]) == (200, 0, 0)
    assert ask("/v1/calls/b/begin", b"")[0] == 200, "the messages may be left out"
    assert ask("/v1/capacity")[1]["active"] == 2


def test_a_new_model_takes_new_calls_and_leaves_the_others_theirs(
    ask: Callable[..., tuple[int, Any]], server: RunningServer
) -> None:
    assert says(ask, "before") == "first"
    assert use(ask, "second") == (
        200, {"kind": "language_model", "engine": "instant", "state": "ready"}
    )  # fmt: skip
    assert says(ask, "before") == "first"
    assert says(ask, "after") == "second"
    assert says(ask) == "second"
    health = ask("/health")[1]["engines"]["language_model"]
    assert health["retiring"] == [{"engine": "named:first", "calls": 1}]
    ask("/v1/calls/before/end", {})
    assert says(ask, "before") == "second"


@pytest.mark.parametrize(
    ("kind", "model", "why"),
    [
        ("language_model", "unloadable", "does not fit"),
        ("language_model", "babbling", "no JSON"),
        ("language_model", "rubbish", "left the schema"),
        ("voice", "silent", "silence"),
    ],
)
def test_a_model_that_fails_is_never_put_in_use(
    ask: Callable[..., tuple[int, Any]], kind: str, model: str, why: str
) -> None:
    status, reply = use(ask, model, kind)
    assert (status, reply["error"]["code"]) == (422, "model_refused")
    assert why in reply["error"]["message"]
    assert says(ask, "a") == "first"
    assert ask("/health")[1]["status"] == "ready"
    assert use(ask, "second")[0] == 200, "the next one may be tried at once"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        {},
        {"kind": "ears", "engine": "instant"},
        {"kind": "voice", "engine": "os"},
        {"kind": "voice", "engine": "faster-whisper", "model": "/tmp"},
        {"kind": "voice", "engine": "instant", "more": 1},
        {"kind": "language_model", "engine": "llama-cpp", "model": "relative.gguf"},
        {"kind": "language_model", "engine": "llama-cpp", "model": "/no/such.gguf"},
        {"kind": "language_model", "engine": "llama-cpp", "model": "/dev/zero"},
        {"kind": "language_model", "engine": "llama-cpp", "model": "/tmp\0.gguf"},
        {"kind": "recognizer", "engine": "faster-whisper", "model": "/etc/passwd"},
    ],
)
def test_what_is_no_model_is_not_even_tried(
    ask: Callable[..., tuple[int, Any]], body: object
) -> None:
    status, reply = ask("/v1/models/use", body)
    assert (status, reply["error"]["type"]) == (400, "invalid_request_error")


def test_only_this_machine_chooses_models(
    ask: Callable[..., tuple[int, Any]], server: RunningServer
) -> None:
    body = {"kind": "voice", "engine": "instant", "model": "second"}
    for header in ("X-Forwarded-For", "Forwarded", "Origin"):
        assert ask("/v1/models/use", body, **{header: "192.0.2.1"})[0] == 403
    assert ask("/v1/models/use", body, **{"Content-Type": "text/plain"})[0] == 400


def test_a_client_from_elsewhere_may_choose_nothing() -> None:
    address = _own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback")
    config = InferenceConfig(
        host="0.0.0.0", port=0, recognizer="instant", language_model="instant", voice="instant"
    )
    with model_server(config) as running:
        port = running.url.rpartition(":")[2]
        reply = urllib3.request(
            "POST", f"http://{address}:{port}/v1/models/use",
            json={"kind": "voice", "engine": "instant"}, retries=False, timeout=WAIT_S,
        )  # fmt: skip
        assert reply.status == 403


def test_over_a_unix_socket_models_may_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "inference.sock"
    config = InferenceConfig(
        socket_path=path, recognizer="instant", language_model="instant", voice="instant"
    )
    with model_server(config), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(WAIT_S)
        client.connect(str(path))
        body = json.dumps({"kind": "voice", "engine": "espeak-ng", "model": "en-us+f2"})
        client.sendall(
            "POST /v1/models/use HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode()
        )
        assert client.recv(65536).startswith(b"HTTP/1.1 200")


class Sleepy(Named):
    """Falls asleep on the request after its trial, in whatever instance that comes to first."""

    woken = threading.Event()
    requests = itertools.count()

    def chat(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[ChatPiece]:
        if next(self.requests) == 1:
            assert self.woken.wait(WAIT_S)
        yield from super().chat(request, cancellation)


def test_an_engine_that_hangs_is_stood_in_for_and_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        engine_set,
        "make_language_model",
        lambda name, options: (
            make_language_model(name, options) if name == "rules" else Sleepy(options)
        ),
    )
    config = InferenceConfig(
        port=0, recognizer="instant", language_model="instant", voice="instant", stall_s=0.1
    )
    with model_server(config) as running:

        def post() -> tuple[int, Any]:
            reply = urllib3.request(
                "POST", running.url + "/v1/chat/completions", json=CHAT,
                headers={"X-Deadline-Ms": "50"}, retries=False,
            )  # fmt: skip
            return reply.status, json.loads(reply.data)

        status, reply = post()
        assert (status, reply["error"]["code"]) == (504, "deadline_exceeded")
        answered_by = set()
        deadline = time.monotonic() + WAIT_S
        while "named:first" not in answered_by and time.monotonic() < deadline:
            status, reply = post()
            # Until it is late enough to be doubted, it is waited for in vain.
            answered_by.add(reply["model"] if status == 200 else reply["error"]["code"])
        assert answered_by <= {"deadline_exceeded", "engine_not_ready", "rules", "named:first"}
        assert "named:first" in answered_by
        health = urllib3.request("GET", running.url + "/health").json()
        assert health["engines"]["language_model"]["replaced"] >= 1
        Sleepy.woken.set()


@pytest.mark.models
def test_a_call_that_begins_has_its_prompt_ready() -> None:
    config = InferenceConfig(
        port=0, recognizer="instant", language_model_file=str(STARTER_DECIDER), stand_ins=False
    )
    directory = "".join(f"{number} john smith\n" for number in range(200, 220))
    system = {"role": "system", "content": f"open 8 to 18\n{directory}"}
    turn = {"role": "user", "content": "i want to speak to john smith"}
    with model_server(config) as running:

        def post(path: str, body: Any, call: str = "") -> Any:
            headers = {CALL_HEADER: call} if call else {}
            reply = urllib3.request(
                "POST", running.url + path, json=body, headers=headers, timeout=WAIT_S
            )
            assert reply.status == 200, reply.data
            return json.loads(reply.data)

        begun = post("/v1/calls/a/begin", {"messages": [system]})
        assert begun["prompt_tokens"] > 10
        chat = post("/v1/chat/completions", {"messages": [system, turn]}, "a")
        cached = chat["usage"]["prompt_tokens_details"]["cached_tokens"]
        assert cached == begun["prompt_tokens"]
        # Another call's beginning is the same: nothing of it is evaluated again.
        again = post("/v1/calls/b/begin", {"messages": [system]})
        assert again["cached_tokens"] >= begun["prompt_tokens"] - 1


def _own_address() -> str | None:
    """An address of this machine that is not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # no packet is sent
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return None if address.startswith("127.") else address
