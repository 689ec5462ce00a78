"""The model server on the starter models: what its scheduling costs, what a cached prompt saves,
and what twenty callers get where ten can be served.

Engines are compared in turns, on the same work, and by the faster half of the rounds: on a machine
that does other things besides, one long run after another would measure those.

``python -m appliance.lab.benchmarks.serving`` prints the figures as JSON.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from statistics import median
from typing import Any

import uvloop

from appliance.inference.config import EngineOptions
from appliance.inference.engines import make_language_model, make_recognizer
from appliance.inference.host import EngineHost
from appliance.inference.protocols import (
    Cancellation,
    ChatEngine,
    ChatMessage,
    ChatRequest,
    Engine,
    TranscriptionRequest,
)
from appliance.lab.benchmarks.crowd import (
    DECIDER,
    LOAD_S,
    MESSAGES,
    SCHEMA,
    SENTENCES,
    WHISPER,
    WITHIN_MS,
    Crowd,
    crowd,
    spoken,
)
from appliance.lab.benchmarks.measurement import Measurement, at_least, at_most, percentile
from appliance.lab.benchmarks.report import as_json

_PROMPT_TOKENS = 500
_AT_ONCE = 4
_FOREVER = Cancellation(float("inf"))


def measure(
    rounds: int = 12, callers: int = 20, capacity: int = 10, turns: int = 3
) -> Iterator[Measurement]:
    """All figures of this module.

    Args:
        rounds: of each comparison.
        callers: who call at the same moment.
        capacity: of them, how many the server is told to take.
        turns: each served caller has.
    """
    for what, (make, work), requests, of_these in (
        ("recogniser", recognizer_work(), _AT_ONCE, rounds),
        # What is looked for is a tenth of a millisecond of some four: that takes more rounds.
        ("decider", decider_work(), 8 * _AT_ONCE, 8 * rounds),
    ):
        share = scheduled_share(make, work, of_these, requests)
        yield Measurement(
            f"{what}, scheduled beside called directly", share.by_clock, "times", at_least(0.95)
        )
        yield Measurement(f"{what}, the same by processor time", share.by_processor, "times")
    yield Measurement("our scheduling of one request", scheduling_ms(rounds), "ms")
    prefix = prefix_times(rounds)
    yield Measurement(f"cold prompt of {prefix.tokens} tokens", prefix.cold_ms, "ms")
    yield Measurement("the same, warmed when the call began", prefix.warm_ms, "ms")
    yield Measurement("the same, copied from another call", prefix.copied_ms, "ms")
    cached = prefix.warm_ms / prefix.cold_ms
    yield Measurement("cached prompt beside a cold one", cached, "times", at_most(0.3))
    yield from _told(crowd(callers, capacity, turns), callers, capacity)


@dataclass(frozen=True, slots=True)
class Shares:
    """Throughput through `EngineHost` as a share of that of the engine called in a loop.

    Attributes:
        by_clock: as the clock has it. Where others want the processors too, the server's second
            thread waits for one of them, and the engine for it.
        by_processor: by processor time, which others do not change: what it comes to at least
            where the server's second thread has a core to run on.
    """

    by_clock: float
    by_processor: float


def scheduled_share(
    make: Callable[[], Any], work: Callable[[Any, Cancellation], Iterator[Any]],
    rounds: int, requests: int,
) -> Shares:  # fmt: skip
    """Our scheduling beside the engine alone, with four requests at a time."""
    direct = make()
    direct.load()
    host: EngineHost[Engine] = EngineHost("bench", make, queue_limit=8)
    host.start()
    try:
        if not host.wait_loaded(LOAD_S) or not host.ready:
            raise RuntimeError(host.health().reason)
        alone, scheduled = uvloop.run(_in_turns(direct, host, work, rounds, requests))
    finally:
        host.stop()
    return Shares(
        _faster_half(alone.clock_s) / _faster_half(scheduled.clock_s),
        sum(alone.processor_s) / sum(scheduled.processor_s),
    )


@dataclass(frozen=True, slots=True)
class _Rounds:
    """Seconds of each round."""

    clock_s: list[float] = field(default_factory=list)
    processor_s: list[float] = field(default_factory=list)

    @contextmanager
    def one(self) -> Iterator[None]:
        clock_s, processor_s = time.perf_counter(), time.process_time()
        yield
        self.processor_s.append(time.process_time() - processor_s)
        self.clock_s.append(time.perf_counter() - clock_s)


async def _in_turns(
    direct: Any, host: EngineHost[Any], work: Callable[[Any, Cancellation], Iterator[Any]],
    rounds: int, requests: int,
) -> tuple[_Rounds, _Rounds]:  # fmt: skip
    """What so many requests take, directly and scheduled, round by round."""
    alone, scheduled = _Rounds(), _Rounds()

    async def client() -> None:
        for _ in range(requests // _AT_ONCE):
            await host.ask(work, LOAD_S)

    for _ in range(rounds):
        with alone.one():
            for _ in range(requests):
                list(work(direct, _FOREVER))
        with scheduled.one():
            await asyncio.gather(*(client() for _ in range(_AT_ONCE)))
    return alone, scheduled


def scheduling_ms(rounds: int, requests: int = 200) -> float:
    """Milliseconds that a request spends with us and not with its engine, when others wait too."""

    def nothing(_: Any, __: Cancellation) -> Iterator[int]:
        yield 0

    host: EngineHost[Engine] = EngineHost("bench", _Idle, queue_limit=8)
    host.start()
    try:
        host.wait_loaded(LOAD_S)
        _, scheduled = uvloop.run(_in_turns(None, host, nothing, rounds, requests))
    finally:
        host.stop()
    return _faster_half(scheduled.clock_s) / requests * 1000


class _Idle:
    """An engine that does nothing."""

    name = "idle"

    def load(self) -> None:
        """Nothing to read."""


def recognizer_work(
    model: str = WHISPER,
) -> tuple[Callable[[], Any], Callable[[Any, Cancellation], Iterator[Any]]]:
    """How to make the recogniser, and one utterance for it."""
    request = TranscriptionRequest(spoken(SENTENCES[0]))
    return (
        lambda: make_recognizer("faster-whisper", EngineOptions(model)),
        lambda engine, cancellation: engine.transcribe(request, cancellation),
    )


def decider_work(
    model: str = DECIDER,
) -> tuple[Callable[[], Any], Callable[[Any, Cancellation], Iterator[Any]]]:
    """How to make the language model, and a decision for it, in one piece as the server asks.

    Four calls say one of four sentences in turn: their directory is read already, what they say is
    new.
    """
    system = ChatMessage("system", MESSAGES[0]["content"])
    requests = cycle(
        ChatRequest(
            (system, ChatMessage("user", SENTENCES[(turn + call) % len(SENTENCES)])),
            SCHEMA,
            call=f"bench-{call}",
        )
        for turn in range(len(SENTENCES))
        for call in range(_AT_ONCE)
    )

    def decide(engine: Any, cancellation: Cancellation) -> Iterator[str]:
        yield "".join(piece.text for piece in engine.chat(next(requests), cancellation))

    return lambda: make_language_model("llama-cpp", EngineOptions(model)), decide


@dataclass(frozen=True, slots=True)
class PrefixTimes:
    """Milliseconds from asking to the first piece of the answer, in the faster half of the rounds.

    Attributes:
        tokens: of the prompt.
        cold_ms: nothing of it was evaluated before.
        warm_ms: all but the caller's turn was.
        copied_ms: it was, for another call.
    """

    tokens: int
    cold_ms: float
    warm_ms: float
    copied_ms: float


def prefix_times(rounds: int, model: str = DECIDER) -> PrefixTimes:
    """What a cached system prompt of some 500 tokens saves."""
    engine = make_language_model("llama-cpp", EngineOptions(model))
    engine.load()
    found: dict[str, list[float]] = {"cold": [], "warm": [], "copied": []}
    tokens = 0
    for number in range(rounds):
        system = _system_prompt(engine, random.Random(number))
        for what, call, turn in (
            ("cold", f"first-{number}", "i would like to speak to billing please"),
            ("warm", f"first-{number}", "can you tell me when you are open"),
            ("copied", f"second-{number}", "put me through to sales"),
        ):
            messages = (ChatMessage("system", system), ChatMessage("user", turn))
            request = ChatRequest(messages, SCHEMA, max_tokens=1, call=call)
            started = time.perf_counter()
            pieces = engine.chat(request, _FOREVER)
            next(pieces)
            found[what].append((time.perf_counter() - started) * 1000)
            tokens = list(pieces)[-1].prompt_tokens
    times = {what: _faster_half(each) for what, each in found.items()}
    return PrefixTimes(tokens, times["cold"], times["warm"], times["copied"])


def _system_prompt(engine: ChatEngine, chance: random.Random) -> str:
    """A directory that begins like no other one, and comes to `_PROMPT_TOKENS` with the turn."""
    first = f"open {chance.randrange(1, 24)} to {chance.randrange(1, 24)}\n"
    rest = ""
    while True:
        for _ in range(8):
            name = f"{chance.choice(_NAMES)} {chance.choice(_NAMES)}"
            rest += f"{chance.randrange(200, 999)} {name}\n"
        # Counted with another beginning, so that nothing of the prompt itself gets evaluated.
        messages = (ChatMessage("system", f"closed\n{rest}"), ChatMessage("user", "yes"))
        request = ChatRequest(messages, max_tokens=1, call="count")
        if list(engine.chat(request, _FOREVER))[-1].prompt_tokens >= _PROMPT_TOKENS:
            return first + rest


_NAMES = ("anna", "john", "mary", "peter", "smith", "jones", "brown", "miller", "billing", "sales")


def _told(result: Crowd, callers: int, capacity: int) -> Iterator[Measurement]:
    of = f"{callers} callers at capacity {capacity}"
    yield Measurement(f"served in time, {of}", result.served, "callers", at_least(capacity))
    refused = len(result.refusals_ms)
    goal = at_least(callers - capacity)
    yield Measurement(f"refused at once, {of}", refused, "callers", goal)
    yield Measurement(f"anything else, {of}", len(result.failed), "callers", at_most(0))
    worst = max(result.turns_ms, default=float("nan"))
    yield Measurement(f"turn, p50, {of}", percentile(result.turns_ms, 50), "ms")
    yield Measurement(f"turn, slowest, {of}", worst, "ms", at_most(WITHIN_MS))
    slowest = max(result.refusals_ms, default=float("nan"))
    yield Measurement(f"refusal, slowest, {of}", slowest, "ms", at_most(1000))
    yield Measurement("calls sustained, as the server measured", result.sustained, "calls")


def _faster_half(times: Sequence[float]) -> float:
    return median(sorted(times)[: max(1, len(times) // 2)])


if __name__ == "__main__":
    print(as_json(list(measure())))  # noqa: T201
