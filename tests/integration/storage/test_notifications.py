"""Being told of what is committed: at once, again after a break, and never after the end."""

import queue
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from appliance.storage.database import Database
from appliance.storage.notifications import Notifications

pytestmark = pytest.mark.postgres

WAIT_S = 10.0
CHANNEL = "appliance_test_news"
CAME_UP = ("", "")


class Told:
    """What was told, in order."""

    def __init__(self) -> None:
        self._items: queue.Queue[tuple[str, str]] = queue.Queue()

    def __call__(self, channel: str, payload: str) -> None:
        self._items.put((channel, payload))

    def next(self) -> tuple[str, str]:
        return self._items.get(timeout=WAIT_S)

    def nothing_more(self) -> bool:
        return self._items.empty()


@pytest.fixture
def sender(postgres_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def _send(sender: psycopg.Connection, payload: str) -> None:
    sender.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))


@contextmanager
def _listening(database: Database, again_s: float | None = None) -> Iterator[Told]:
    """What is told while inside; that it came up was told already."""
    told = Told()
    listening = Notifications(database, (CHANNEL,), told, again_s)
    listening.start()
    try:
        assert told.next() == CAME_UP
        yield told
    finally:
        listening.stop()


def test_each_is_told_in_order_until_the_end(
    database: Database, sender: psycopg.Connection
) -> None:
    with _listening(database) as told:
        for number in range(20):
            _send(sender, str(number))
        assert [told.next() for _ in range(20)] == [(CHANNEL, str(n)) for n in range(20)]
    _send(sender, "too late")
    assert told.nothing_more()


def test_whoever_looks_for_himself_is_told_when_it_has_come_up_again(
    database: Database, sender: psycopg.Connection
) -> None:
    with _listening(database) as told:
        sender.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query = %s AND pid <> pg_backend_pid()",
            (f'LISTEN "{CHANNEL}"',),
        )
        assert told.next() == CAME_UP
        _send(sender, "after the break")
        assert told.next() == (CHANNEL, "after the break")


def test_it_may_be_asked_to_tell_again_every_so_often(database: Database) -> None:
    with _listening(database, again_s=0.05) as told:
        assert [told.next() for _ in range(3)] == [CAME_UP] * 3
