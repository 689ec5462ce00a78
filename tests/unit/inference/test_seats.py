"""Which engine a call is served by when another one has been chosen."""

import threading
from collections.abc import Callable, Iterator

import pytest

from appliance.inference.claim import Claim, acting_for
from appliance.inference.host import EngineHost
from appliance.inference.seats import Seat

WAIT_S = 5.0


class Model:
    """Nothing but a name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = threading.Event()

    def load(self) -> None:
        """Nothing to read."""

    def close(self) -> None:
        self.closed.set()


Host = EngineHost[Model]


@pytest.fixture
def host() -> Iterator[Callable[[str], Host]]:
    hosts: list[Host] = []

    def make(name: str) -> Host:
        made: Host = EngineHost("test", lambda: Model(name), 4)
        made.start()
        assert made.wait_loaded(WAIT_S)
        hosts.append(made)
        return made

    yield make
    for one in hosts:
        one.stop()


def serving(seat: Seat[Model], call: str = "") -> str:
    with acting_for(Claim(call)):
        return seat.serving().name


def test_calls_in_progress_keep_their_engine_until_they_end(host: Callable[[str], Host]) -> None:
    seat = Seat(host("old"))
    assert serving(seat, "a") == "old"
    seat.put_in_use(host("new"), frozenset({"a", "b"}))
    assert serving(seat, "a") == "old"
    assert serving(seat, "b") == "old"
    assert serving(seat, "c") == "new"
    assert serving(seat) == "new"
    assert seat.health()["retiring"] == [{"engine": "old", "calls": 2}]

    assert seat.retired(frozenset({"b", "c"})) == []
    assert serving(seat, "a") == "new", "it ended; this is another call of that name"
    (gone,) = seat.retired(frozenset({"c"}))
    assert gone.name == "old"
    assert [one.name for one in seat.hosts] == ["new"]


def test_an_engine_that_leaves_frees_its_model(host: Callable[[str], Host]) -> None:
    old = host("old")
    model = old.engine
    seat = Seat(old)
    seat.put_in_use(host("new"), frozenset())
    (gone,) = seat.retired(frozenset())
    gone.stop()
    assert model.closed.wait(WAIT_S)


def test_a_call_stays_with_the_first_it_had_through_several_changes(
    host: Callable[[str], Host],
) -> None:
    seat = Seat(host("one"))
    seat.put_in_use(host("two"), frozenset({"a"}))
    assert seat.may_be_replaced
    seat.put_in_use(host("three"), frozenset({"a", "b"}))
    assert not seat.may_be_replaced
    assert [serving(seat, call) for call in "abc"] == ["one", "two", "three"]
    assert [one.name for one in seat.retired(frozenset({"b"}))] == ["one"]
    assert seat.may_be_replaced


def test_calls_of_an_old_engine_that_breaks_go_to_the_new_one(host: Callable[[str], Host]) -> None:
    old = host("old")
    seat = Seat(old)
    seat.put_in_use(host("new"), frozenset({"a"}))
    old.stop()
    assert serving(seat, "a") == "new"
