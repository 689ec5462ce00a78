"""An engine's thread and queue, with an engine that does what the test says and when."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from appliance.inference.host import EngineHost
from appliance.inference.jobs import (
    EngineFailedError,
    NotReadyError,
    OverloadedError,
    TooLateError,
)
from appliance.inference.protocols import BadRequestError, Cancellation, WorkCancelledError

WAIT_S = 5.0


class ScriptedEngine:
    """Loads, or raises, when told to."""

    name = "scripted"

    def __init__(self, fault: Exception | None = None) -> None:
        self.may_load = threading.Event()
        self.fault = fault

    def load(self) -> None:
        assert self.may_load.wait(WAIT_S)
        if self.fault:
            raise self.fault


Host = EngineHost[ScriptedEngine]


def with_host(
    scenario: Callable[[Host], Coroutine[Any, Any, None]],
    *,
    queue_limit: int = 8,
    fault: Exception | None = None,
) -> None:
    """Run a scenario against a host whose engine has loaded, or failed to."""
    engine = ScriptedEngine(fault)
    engine.may_load.set()
    host = EngineHost("test", lambda: engine, queue_limit)
    host.start()
    assert host.wait_loaded(WAIT_S)
    try:
        asyncio.run(scenario(host))
    finally:
        host.stop()


def counting(_: ScriptedEngine, __: Cancellation) -> Iterator[int]:
    yield from range(3)


class Gate:
    """Work that waits until it is let through, or until it is cancelled: by itself, or where it
    stands, when it has just handed over a piece.
    """

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()
        self.cancelled = threading.Event()

    def work(self, _: ScriptedEngine, cancellation: Cancellation) -> Iterator[str]:
        self.entered.set()
        try:
            yield "begun"
            while not self.open.wait(0.005):
                cancellation.check()
        except (GeneratorExit, WorkCancelledError):
            self.cancelled.set()
            raise
        yield "done"


async def entered(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.entered.wait, WAIT_S)


def test_pieces_come_in_order() -> None:
    async def scenario(host: Host) -> None:
        assert [piece async for piece in host.run(counting, WAIT_S)] == [0, 1, 2]
        assert host.health().served == 1

    with_host(scenario)


def test_requests_wait_for_each_other() -> None:
    async def scenario(host: Host) -> None:
        gate = Gate()

        async def collect(work: Any) -> list[Any]:
            return [piece async for piece in host.run(work, WAIT_S)]

        first = asyncio.create_task(collect(gate.work))
        await entered(gate)
        second = asyncio.create_task(collect(counting))
        await asyncio.sleep(0)
        assert host.health().waiting == 1
        gate.open.set()
        assert await first == ["begun", "done"]
        assert await second == [0, 1, 2]

    with_host(scenario)


def test_a_full_queue_refuses_at_once() -> None:
    async def scenario(host: Host) -> None:
        gate = Gate()
        first = host.run(gate.work, WAIT_S)
        assert await anext(first) == "begun"
        waiting = asyncio.create_task(anext(host.run(counting, WAIT_S)))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await anext(host.run(counting, WAIT_S))
        gate.open.set()
        assert await waiting == 0
        await first.aclose()

    with_host(scenario, queue_limit=1)


def test_a_deadline_ends_the_wait_and_the_work() -> None:
    async def scenario(host: Host) -> None:
        gate = Gate()
        with pytest.raises(TooLateError):
            async for _ in host.run(gate.work, 0.05):
                pass
        assert await asyncio.to_thread(gate.cancelled.wait, WAIT_S)
        assert [piece async for piece in host.run(counting, WAIT_S)] == [0, 1, 2]

    with_host(scenario)


def test_closing_the_iterator_cancels_the_work() -> None:
    async def scenario(host: Host) -> None:
        gate = Gate()
        pieces = host.run(gate.work, WAIT_S)
        assert await anext(pieces) == "begun"
        await pieces.aclose()
        assert await asyncio.to_thread(gate.cancelled.wait, WAIT_S)

    with_host(scenario)


def test_work_nobody_waits_for_is_never_begun() -> None:
    async def scenario(host: Host) -> None:
        gate, dropped = Gate(), Gate()
        first = host.run(gate.work, WAIT_S)
        assert await anext(first) == "begun"
        second = asyncio.create_task(anext(host.run(dropped.work, WAIT_S)))
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        gate.open.set()
        assert [piece async for piece in host.run(counting, WAIT_S)] == [0, 1, 2]
        assert not dropped.entered.is_set()
        await first.aclose()

    with_host(scenario)


def test_a_failing_request_leaves_the_engine_working() -> None:
    def fails(_: ScriptedEngine, __: Cancellation) -> Iterator[int]:
        yield 1
        raise ZeroDivisionError("broken")

    def refuses(_: ScriptedEngine, __: Cancellation) -> Iterator[int]:
        raise BadRequestError("no such voice", param="voice")
        yield 1

    async def scenario(host: Host) -> None:
        pieces = host.run(fails, WAIT_S)
        assert await anext(pieces) == 1
        with pytest.raises(EngineFailedError, match="broken"):
            await anext(pieces)
        with pytest.raises(BadRequestError, match="no such voice"):
            await anext(host.run(refuses, WAIT_S))
        assert [piece async for piece in host.run(counting, WAIT_S)] == [0, 1, 2]

    with_host(scenario)


def test_an_engine_that_does_not_load_says_why() -> None:
    async def scenario(host: Host) -> None:
        assert host.health().state == "failed"
        assert "no model" in host.health().reason
        with pytest.raises(NotReadyError, match="no model"):
            await anext(host.run(counting, WAIT_S))

    with_host(scenario, fault=FileNotFoundError("no model there"))


def test_nothing_is_served_while_loading() -> None:
    engine = ScriptedEngine()
    host = EngineHost("test", lambda: engine, 8)
    host.start()

    async def scenario() -> None:
        assert host.health().state == "loading"
        with pytest.raises(NotReadyError, match="loading"):
            await anext(host.run(counting, WAIT_S))

    asyncio.run(scenario())
    engine.may_load.set()
    assert host.wait_loaded(WAIT_S)
    host.stop()


def test_stopping_ends_what_waits() -> None:
    async def scenario(host: Host) -> None:
        gate = Gate()
        first = host.run(gate.work, WAIT_S)
        assert await anext(first) == "begun"
        waiting = asyncio.create_task(anext(host.run(counting, WAIT_S)))
        await asyncio.sleep(0)
        await asyncio.to_thread(host.stop)
        with pytest.raises(NotReadyError, match="stopped"):
            await waiting
        with pytest.raises(TooLateError):
            await anext(first)

    with_host(scenario)
