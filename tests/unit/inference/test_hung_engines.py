"""Engines that hang: given up, replaced, stood in for. The time that passes is the test's own."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from appliance.inference.claim import Claim, acting_for
from appliance.inference.fair_queue import Urgency
from appliance.inference.host import EngineHost
from appliance.inference.jobs import (
    NotReadyError,
    OverloadedError,
    TooLateError,
)
from appliance.inference.protocols import Cancellation
from appliance.inference.seats import Seat

WAIT_S = 5.0
SOON_S = 0.02


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Hanging:
    """Work that heeds no cancellation until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.let_go = threading.Event()

    def work(self, _: "Model", __: Cancellation) -> Iterator[str]:
        self.entered.set()
        assert self.let_go.wait(WAIT_S)
        yield "too late"


class Model:
    """Counts how many of it there are."""

    name = "model"
    made: list["Model"]

    def __init__(self, made: list["Model"], fault: Exception | None = None) -> None:
        self.fault = fault
        self.closed = threading.Event()
        self.made = made
        made.append(self)

    def load(self) -> None:
        if self.fault:
            raise self.fault

    def close(self) -> None:
        self.closed.set()


Host = EngineHost[Model]


class Bench:
    """A host on the test's time."""

    def __init__(self, *, workers: int = 1, faults: tuple[Exception | None, ...] = ()) -> None:
        self.clock = Clock()
        self.made: list[Model] = []
        self.faults = list(faults)
        self.host: Host = EngineHost(
            "test", self._make, 8, workers=workers, stall_s=3.0, clock=self.clock
        )
        self.host.start()
        assert self.host.wait_loaded(WAIT_S)

    def _make(self) -> Model:
        return Model(self.made, self.faults.pop(0) if self.faults else None)

    def pass_time(self, seconds: float) -> None:
        """A look every quarter of a second, as the server does."""
        for _ in range(round(seconds * 4)):
            self.clock.now += 0.25
            self.host.look(self.clock.now)


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    benches: list[Bench] = []

    def make(**options: Any) -> Bench:
        benches.append(Bench(**options))
        return benches[-1]

    yield make
    for one in benches:
        one.host.stop()


def word(_: Model, __: Cancellation) -> Iterator[str]:
    yield "word"


async def entered(hanging: Hanging) -> None:
    assert await asyncio.to_thread(hanging.entered.wait, WAIT_S)


async def hung(bench: Bench, hanging: Hanging) -> None:
    """Have the engine hang on a request whose client has been told that it is too late."""
    with pytest.raises(TooLateError):
        await bench.host.ask(hanging.work, SOON_S)
    await entered(hanging)


def test_an_engine_that_hangs_is_given_up_and_replaced(bench: Callable[..., Bench]) -> None:
    one = bench()
    hanging = Hanging()

    async def scenario() -> None:
        await hung(one, hanging)
        waiting = asyncio.create_task(one.host.ask(word, WAIT_S))
        await asyncio.sleep(0)
        one.pass_time(2.5)
        assert one.host.health().state == "ready", "it may only be slow"
        assert not one.host.responsive
        one.pass_time(1.0)
        with pytest.raises(NotReadyError, match="stalled"):
            await waiting
        assert one.host.health().replaced == 1
        assert await asyncio.to_thread(one.host.wait_loaded, WAIT_S)
        assert one.host.health().state == "ready"
        assert await one.host.ask(word, WAIT_S) == "word"
        assert len(one.made) == 2
        hanging.let_go.set()
        assert await asyncio.to_thread(one.made[0].closed.wait, WAIT_S)
        assert one.host.health().served == 1

    asyncio.run(scenario())


def test_replacing_has_its_limits(bench: Callable[..., Bench]) -> None:
    one = bench()
    hangings = [Hanging() for _ in range(9)]

    async def scenario() -> None:
        for count, hanging in enumerate(hangings[:5], start=1):
            await hung(one, hanging)
            one.pass_time(20.0)
            assert one.host.health().replaced == count
            assert await asyncio.to_thread(one.host.wait_loaded, WAIT_S)
        await hung(one, hangings[5])
        one.pass_time(120.0)
        assert one.host.health().state == "stalled"
        assert one.host.health().replaced == 5
        with pytest.raises(NotReadyError, match="hung for 3 s"):
            await one.host.ask(word, WAIT_S)
        for hanging in hangings:
            hanging.let_go.set()

    asyncio.run(scenario())


def test_a_replacement_that_does_not_load_is_tried_again_later(
    bench: Callable[..., Bench],
) -> None:
    one = bench(faults=(None, OSError("no memory"), None))
    hanging = Hanging()

    async def scenario() -> None:
        await hung(one, hanging)
        one.pass_time(3.25)
        assert await asyncio.to_thread(one.host.wait_loaded, WAIT_S)
        assert "no memory" in one.host.health().reason
        one.pass_time(1.5)
        assert await asyncio.to_thread(one.host.wait_loaded, WAIT_S)
        assert one.host.health().state == "ready"
        assert one.host.health().reason == ""
        hanging.let_go.set()

    asyncio.run(scenario())


def test_the_other_worker_goes_on_meanwhile(bench: Callable[..., Bench]) -> None:
    one = bench(workers=2)
    hanging = Hanging()

    async def scenario() -> None:
        while one.host.health().workers < 2:
            await asyncio.sleep(0)
        await hung(one, hanging)
        one.pass_time(2.0)
        assert one.host.responsive
        assert await one.host.ask(word, WAIT_S) == "word"
        hanging.let_go.set()

    asyncio.run(scenario())


def test_the_stand_in_serves_while_the_engine_hangs(bench: Callable[..., Bench]) -> None:
    chosen, stand_in = bench(), bench()
    seat = Seat(chosen.host, stand_in.host)
    hanging = Hanging()

    async def scenario() -> None:
        assert seat.serving() is chosen.host
        await hung(chosen, hanging)
        chosen.clock.now += 0.5
        assert seat.serving() is stand_in.host, "before it is given up"
        chosen.pass_time(4.0)
        assert seat.health()["replaced"] == 1
        assert await asyncio.to_thread(chosen.host.wait_loaded, WAIT_S)
        assert seat.serving() is chosen.host
        hanging.let_go.set()

    asyncio.run(scenario())


def test_stopping_does_not_wait_for_what_hangs(bench: Callable[..., Bench]) -> None:
    one = bench()
    hanging = Hanging()

    async def scenario() -> None:
        await hung(one, hanging)
        await asyncio.to_thread(one.host.stop, 0.01)
        with pytest.raises(NotReadyError):
            await one.host.ask(word, WAIT_S)
        hanging.let_go.set()

    asyncio.run(scenario())


def test_speculative_requests_give_way_and_are_told(bench: Callable[..., Bench]) -> None:
    one = bench()
    hanging = Hanging()

    async def ask(call: str, urgency: Urgency) -> str | None:
        with acting_for(Claim(call, urgency)):
            return await one.host.ask(word, WAIT_S)

    async def scenario() -> None:
        first = asyncio.create_task(one.host.ask(hanging.work, WAIT_S))
        await entered(hanging)
        guesses = [asyncio.create_task(ask(f"call-{n}", Urgency.SPECULATIVE)) for n in range(8)]
        await asyncio.sleep(0)
        sure = asyncio.create_task(ask("call-9", Urgency.FINAL))
        with pytest.raises(OverloadedError, match="entitled"):
            await guesses[-1]
        hanging.let_go.set()
        assert await sure == "word"
        assert await first == "too late"
        assert await asyncio.gather(*guesses[:-1]) == ["word"] * 7

    asyncio.run(scenario())


def test_work_is_accounted_to_calls_and_to_others(bench: Callable[..., Bench]) -> None:
    one = bench()

    def takes_time(_: Model, __: Cancellation) -> Iterator[str]:
        one.clock.now += 0.5
        yield "done"

    async def scenario() -> None:
        await one.host.ask(takes_time, WAIT_S)
        with acting_for(Claim("call-1")):
            await one.host.ask(takes_time, WAIT_S)
            await one.host.ask(takes_time, WAIT_S)

    asyncio.run(scenario())
    one.host.stop()
    done = one.host.collect()
    assert (done.calls_s, done.others_s) == (1.0, 0.5)
    assert one.host.collect().calls_s == 0
