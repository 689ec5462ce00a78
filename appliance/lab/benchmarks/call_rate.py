"""Many callers at once: how many calls a second are set up, greeted, ended and recorded."""

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import gevent

from appliance.lab.benchmarks.callers import TimedPhone
from appliance.lab.benchmarks.null_controller import COMMAND
from appliance.lab.benchmarks.rig import Rig, in_thread
from appliance.lab.benchmarks.usage import cpu_s
from appliance.lab.processes import ApplianceProcess
from appliance.lab.stack import free_port
from appliance.lab.switch.bench import BenchConfig, BenchSwitch
from appliance.lab.switch.dialplan import BenchDialplan

CALLERS = 120
_GREETED_S = 10.0
_GREETING_ENDS_S = 5.0
_RECORDED = """
    SELECT count(*) FROM calls c WHERE call_id = ANY(%s) AND started_at IS NOT NULL
    AND ended_at IS NOT NULL AND EXISTS (SELECT FROM turns t WHERE t.call_id = c.call_id
    AND t.organisation_id = c.organisation_id AND t.turn = 1 AND t.speaker = 'appliance')
"""


@dataclass(frozen=True)
class CallRate:
    """What the calls gave.

    Attributes:
        per_s: calls a second, from the first dialled to the last whose record was complete.
        unrecorded: calls without a complete record: beginning, greeting and end.
        controller_cpu, generator_cpu: cores used meanwhile.
        null_per_s: the same load on a controller that does nothing, records left out: more than
            this the load itself could not do.
    """

    per_s: float
    unrecorded: int
    controller_cpu: float
    generator_cpu: float
    null_per_s: float


def call_rate(rig: Rig, calls: int, work: Path) -> CallRate:
    """Have ``CALLERS`` callers call, hear the greeting out and hang up, until all calls are made.

    All of them dial at once to begin with.
    """
    null_per_s = _null_rate(calls, work)
    pids = (rig.controller.pid, os.getpid())
    used = [cpu_s(pid) for pid in pids]
    begun = time.perf_counter()
    call_ids = _call(calls, rig.dial)
    rig.store.wait_ended(call_ids)
    seconds = time.perf_counter() - begun
    controller, generator = (
        (cpu_s(pid) - before) / seconds for pid, before in zip(pids, used, strict=True)
    )
    recorded = rig.store.rows(_RECORDED, (call_ids,))[0][0]
    return CallRate(
        recorded / seconds, calls - recorded, controller, generator, null_per_s
    )  # fmt: skip


def _call(calls: int, dial: Callable[[], tuple[TimedPhone, str]]) -> list[str]:
    """Make the calls and return their ids."""
    call_ids: list[str] = []

    def caller() -> None:
        while len(call_ids) < calls:
            phone, call_id = dial()
            call_ids.append(call_id)
            phone.answered.wait(_GREETED_S)
            phone.began_after(0.0, _GREETED_S)
            phone.wait_quiet(_GREETING_ENDS_S)
            phone.hang_up()
            phone.ended.wait(_GREETING_ENDS_S)

    gevent.joinall([gevent.spawn(caller) for _ in range(min(CALLERS, calls))], raise_error=True)
    return call_ids


def _null_rate(calls: int, work: Path) -> float:
    """Calls a second that the load makes by itself, with a controller that costs nothing."""
    with ExitStack() as undo:
        port = free_port()
        bench = BenchSwitch(BenchConfig(dialplan=BenchDialplan((f"127.0.0.1:{port}",))))
        bench.start()
        undo.callback(bench.stop)
        process = ApplianceProcess("null-controller", (*COMMAND, str(port)), {}, work / "logs")
        process.start()
        undo.callback(process.kill)
        in_thread(process.wait_ready)
        numbers = iter(range(calls + CALLERS))

        def dial() -> tuple[TimedPhone, str]:
            phone = TimedPhone(f"+1555{next(numbers):07d}", bench.now)
            return phone, bench.dial(phone, "+15550001")

        begun = time.perf_counter()
        _call(calls, dial)
        return calls / (time.perf_counter() - begun)
