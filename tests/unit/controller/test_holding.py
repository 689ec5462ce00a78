"""The phrases while a caller waits."""

from collections.abc import Iterator

import gevent
import pytest
from gevent.queue import Queue

from appliance.controller.holding import Holding
from tests.unit.actions.doubles import LIMIT_S


class Waiting:
    def __init__(self, next_s: float = 0.0) -> None:
        self.said: Queue = Queue()
        self.holding = Holding(self.said.put, 0.0, next_s, "test", phrases=("first", "second"))

    def next(self) -> str:
        return str(self.said.get(timeout=LIMIT_S))


@pytest.fixture
def waiting() -> Iterator[Waiting]:
    waiting = Waiting()
    yield waiting
    waiting.holding.end()


def test_each_phrase_is_said_once_in_one_wait(waiting: Waiting) -> None:
    waiting.holding.begin()
    waiting.holding.begin()  # listening is over and deciding begins: it is still one wait
    assert [waiting.next(), waiting.next()] == ["first", "second"]
    waiting.holding.begin()
    gevent.idle()
    assert waiting.said.empty()


def test_an_answer_ends_the_wait(waiting: Waiting) -> None:
    waiting.holding.begin()
    waiting.holding.end()
    gevent.idle()
    assert waiting.said.empty()


def test_the_next_wait_begins_anew() -> None:
    waiting = Waiting(next_s=30.0)
    waiting.holding.begin()
    assert waiting.next() == "first"
    waiting.holding.end()
    waiting.holding.begin()
    assert waiting.next() == "first"
    waiting.holding.end()
