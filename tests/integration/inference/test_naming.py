"""Requests have names: in their replies, and in every line that is logged on their behalf."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
import urllib3
from structlog.testing import capture_logs

from appliance.inference import engine_set
from appliance.inference.config import EngineOptions, InferenceConfig
from appliance.inference.headers import CALL_HEADER, CORRELATION_HEADER
from appliance.inference.protocols import Cancellation, ChatPiece, ChatRequest
from appliance.inference.server import RunningServer
from tests.integration.inference.model_servers import model_server

_BODY = {"model": "any", "messages": [{"role": "user", "content": "hunter2"}]}
_MERGE = (structlog.contextvars.merge_contextvars,)


class Failing:
    """A language model that fails, on its own thread."""

    name = "failing"

    def __init__(self, _: EngineOptions) -> None:
        """Nothing to make."""

    def load(self) -> None:
        """Nothing to load."""

    def chat(self, _: ChatRequest, __: Cancellation) -> Iterator[ChatPiece]:
        raise ValueError("broken")
        yield


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningServer]:
    monkeypatch.setattr(engine_set, "make_language_model", lambda _, options: Failing(options))
    monkeypatch.setattr(engine_set, "trial_of", lambda *_, **__: None)
    config = InferenceConfig(
        port=0, recognizer="instant", language_model="failing", stand_ins=False
    )
    with model_server(config) as running:
        yield running


class Context(logging.Filter):
    """Notes what a line's context was."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[str, Any]] = []

    def filter(self, record: logging.LogRecord) -> bool:
        self.seen.append(structlog.contextvars.get_contextvars())
        return True


@pytest.mark.parametrize(
    ("given", "kept"), [("mine-1", True), ("a" * 64, True), ("a" * 65, False), ("a b", False)]
)
def test_a_name_that_is_given_is_kept_where_it_is_one(
    server: RunningServer, given: str, kept: bool
) -> None:
    reply = urllib3.request("GET", f"{server.url}/health", headers={CORRELATION_HEADER: given})
    name = reply.headers[CORRELATION_HEADER]
    assert (name == given) is kept
    assert kept or re.fullmatch("[0-9a-f]{32}", name)


def test_an_engines_thread_logs_in_the_name_of_the_request_and_its_call(
    server: RunningServer,
) -> None:
    context = Context()
    log = logging.getLogger("appliance.inference.jobs")
    log.addFilter(context)
    headers = {CALL_HEADER: "call-1", CORRELATION_HEADER: "mine"}
    try:
        with capture_logs(_MERGE) as lines:
            reply = urllib3.request(
                "POST", f"{server.url}/v1/chat/completions", json=_BODY, headers=headers
            )
            others = urllib3.request("GET", f"{server.url}/health")
    finally:
        log.removeFilter(context)
    assert (reply.status, others.status) == (500, 200)
    assert context.seen == [{"call_id": "call-1", "correlation_id": "mine"}]
    [first, second] = [line for line in lines if line["event"] == "request"]
    assert (first["call_id"], first["correlation_id"]) == ("call-1", "mine")
    assert (first["path"], first["status"]) == ("/v1/chat/completions", 500)
    assert "call_id" not in second


def test_calls_that_are_named_wrongly_or_in_the_path(server: RunningServer) -> None:
    with capture_logs(_MERGE) as lines:
        urllib3.request("POST", f"{server.url}/v1/calls/call-2/end")
        urllib3.request("GET", f"{server.url}/health", headers={CALL_HEADER: "x" * 200})
        urllib3.request("GET", f"{server.url}/nowhere/hunter2")
    found = [line for line in lines if line["event"] == "request"]
    assert [line.get("call_id") for line in found] == ["call-2", None, None]
    assert [line["path"] for line in found][2] == "none"
    assert "hunter2" not in str(found)


def test_the_page_for_prometheus(server: RunningServer) -> None:
    urllib3.request("POST", f"{server.url}/v1/chat/completions", json=_BODY)
    reply = urllib3.request("GET", f"{server.url}/metrics")
    text = reply.data.decode()
    assert reply.headers["Content-Type"].startswith("text/plain")
    for line in (
        'appliance_engine_requests_total{kind="language_model",result="failed"} 1.0',
        'appliance_engine_up{kind="language_model"} 1.0',
        'appliance_engine_queue_limit{kind="voice"} 32.0',
        'appliance_engine_stalls_total{kind="voice"} 0.0',
        "appliance_inference_calls_refused_total 0.0",
        "appliance_inference_calls 0.0",
    ):
        assert f"\n{line}\n" in text
