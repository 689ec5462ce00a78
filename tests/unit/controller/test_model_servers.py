"""What model servers are told of calls, and what is made of their answers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import gevent
import pytest
from gevent.event import AsyncResult
from gevent.queue import Queue

from appliance.calls.errors import InferenceError
from appliance.controller.model_servers import ModelServers
from appliance.decisions.language_model import HttpLanguageModel
from appliance.inference.client import AtCapacityError, InferenceClient, InferenceRefusedError
from tests.unit.actions.doubles import DIRECTORY, LIMIT_S

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


class Server:
    """Answers as it is told, or when."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: Queue = Queue()
        self.answer: InferenceError | AsyncResult | None = None

    def post_json(self, path: str, body: Mapping[str, Any], timeout_s: float) -> Any:
        self.asked.put((path, body))
        if isinstance(self.answer, InferenceError):
            raise self.answer
        if self.answer is not None:
            self.answer.get(timeout=LIMIT_S)
        return {}

    def next(self) -> tuple[str, Mapping[str, Any]]:
        return cast("tuple[str, Mapping[str, Any]]", self.asked.get(timeout=LIMIT_S))


class House:
    def __init__(self) -> None:
        self.remote, self.local = Server("http://remote"), Server("http://local")
        self.full: Queue = Queue()
        client = InferenceClient("http://127.0.0.1:1")
        servers = [cast("InferenceClient", server) for server in (self.remote, self.local)]
        self.servers = ModelServers(servers, servers, HttpLanguageModel(client))

    def begin(self) -> None:
        self.servers.begin("call 1", DIRECTORY, NOW, self.full.put)


@pytest.fixture
def house() -> House:
    return House()


def test_every_server_is_told_with_the_prompt_that_each_turn_begins_with(house: House) -> None:
    house.begin()
    for server in (house.remote, house.local):
        path, body = server.next()
        assert path == "/v1/calls/call-1/begin"
        [message] = body["messages"]
        assert message["role"] == "system"
        assert "anna jones" in message["content"]
    house.servers.end("call 1")
    for server in (house.remote, house.local):
        assert server.next()[0] == "/v1/calls/call-1/end"
    house.servers.close()
    assert house.full.empty()


def test_a_call_is_turned_away_when_no_recogniser_has_room(house: House) -> None:
    house.remote.answer = house.local.answer = AtCapacityError("10 of 10 calls")
    house.begin()
    assert house.full.get(timeout=LIMIT_S) == "10 of 10 calls; 10 of 10 calls"


@pytest.mark.parametrize(
    "other", [None, InferenceError("gone"), InferenceRefusedError("404: no such page")]
)
def test_one_server_with_room_or_without_such_a_page_is_enough(
    house: House, other: InferenceError | None
) -> None:
    house.remote.answer, house.local.answer = AtCapacityError("full"), other
    house.begin()
    house.servers.close()
    assert house.full.empty()


def test_nobody_waits_for_a_server_that_does_not_answer(house: House) -> None:
    house.remote.answer = answering = AsyncResult()
    house.begin()
    house.remote.next()
    house.servers.end("call 1")  # and its end is told all the same, with no beginning after it
    assert house.remote.next()[0].endswith("/end")
    answering.set(None)
    assert house.local.next()[0].endswith("/end")
    gevent.idle()
    assert house.local.asked.empty()
