"""What is counted of requests to an engine, by how they end."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from prometheus_client import generate_latest

from appliance.inference.host import EngineHost
from appliance.inference.jobs import EngineFailedError, OverloadedError, TooLateError
from appliance.inference.meters import Meters
from appliance.inference.protocols import BadRequestError, Cancellation

WAIT_S = 5.0


class Engine:
    """Works until it is let go."""

    name = "engine"

    def __init__(self) -> None:
        self.began = threading.Event()
        self.let_go = threading.Event()

    def load(self) -> None:
        """Nothing to load."""

    def holds(self, _: "Engine", __: Cancellation) -> Iterator[int]:
        self.began.set()
        assert self.let_go.wait(WAIT_S)
        yield 1


def _answers(_: Engine, __: Cancellation) -> Iterator[int]:
    yield 1
    yield 2


def _with_host(scenario: Callable[[EngineHost[Engine], Engine], Coroutine[Any, Any, None]]) -> str:
    engine, meters = Engine(), Meters()
    host = EngineHost("voice", lambda: engine, queue_limit=1, meter=meters.of("voice"))
    host.start()
    assert host.wait_loaded(WAIT_S)
    try:
        asyncio.run(scenario(host, engine))
    finally:
        engine.let_go.set()
        host.stop()
    return generate_latest(meters.registry).decode()


def _requests(text: str) -> dict[str, float]:
    mark = 'appliance_engine_requests_total{kind="voice",result="'
    lines = [line[len(mark) :] for line in text.splitlines() if line.startswith(mark)]
    return {result: float(n) for result, n in (line.split('"} ') for line in lines)}


def test_every_result_is_there_from_the_beginning() -> None:
    async def nothing(_: EngineHost[Engine], __: Engine) -> None:
        """Nothing is asked."""

    assert _requests(_with_host(nothing)) == dict.fromkeys(
        ("answered", "cancelled", "failed", "late", "refused", "not_ready", "wrong"), 0.0
    )


def test_requests_are_counted_by_how_they_ended() -> None:
    async def scenario(host: EngineHost[Engine], engine: Engine) -> None:
        assert await host.ask(_answers, WAIT_S) == 1
        assert [piece async for piece in host.run(_answers, WAIT_S)] == [1, 2]
        for fault in (BadRequestError("wrong"), ValueError("broken")):

            def fails(_: Engine, __: Cancellation, fault: Exception = fault) -> Iterator[int]:
                raise fault
                yield 1

            with pytest.raises((BadRequestError, EngineFailedError)):
                await host.ask(fails, WAIT_S)
        working = asyncio.create_task(host.ask(engine.holds, WAIT_S))
        assert await asyncio.to_thread(engine.began.wait, WAIT_S)
        waiting = asyncio.create_task(host.ask(engine.holds, WAIT_S))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await host.ask(engine.holds, WAIT_S)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        with pytest.raises(TooLateError):
            await host.ask(engine.holds, 0.01)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    counted = _requests(_with_host(scenario))
    assert counted["answered"] == 2
    assert (counted["wrong"], counted["failed"], counted["cancelled"]) == (1, 1, 2)
    assert (counted["late"], counted["refused"]) == (1, 1)


def test_waiting_and_working_are_measured() -> None:
    async def scenario(host: EngineHost[Engine], _: Engine) -> None:
        for _again in range(3):
            await host.ask(_answers, WAIT_S)

    text = _with_host(scenario)
    for what in ("wait", "work"):
        assert f'appliance_engine_{what}_seconds_count{{kind="voice"}} 3.0' in text
