"""Calls in which both sides talk: delays of replies, processor time, memory and jitter."""

import os
import random
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import gevent

from appliance.calls.errors import ConfigurationError
from appliance.lab.benchmarks.callers import TimedPhone, asks, questions
from appliance.lab.benchmarks.jitter import Playout, playout
from appliance.lab.benchmarks.rig import Rig
from appliance.lab.benchmarks.usage import busy_s, cpu_s, memory_mb

_GREETED_S = 10.0
_WARM_UP_S = 20.0
_WARM_UP_TURNS = 2
_REPLY_ENDS_S = 10.0
_LONGEST_THOUGHT_S = 0.4
_DIALS_EVERY_S = 0.03
_DELAYS = """
    SELECT (delays_ms ->> 'first_audio')::float8 FROM turns
    WHERE call_id = ANY(%s) AND speaker = 'appliance' AND delays_ms ? 'endpoint'
    AND delays_ms ? 'first_audio' AND at BETWEEN %s AND %s
"""


@dataclass(frozen=True)
class Talked:
    """What a stretch of talking gave.

    Attributes:
        replies_ms: of each turn, from the caller's last audible frame to the reply's first frame
            at the phone.
        unanswered: turns that got no reply.
        first_frames_ms: from the endpointer's decision to the first frame sent, as recorded.
        cpu, generator_cpu, others_cpu: cores used by the controller, by the load, and by
            everything else on the machine (PostgreSQL is in it).
        memory_mb: of the controller at the end, with all calls up.
        generator_late_ms: how late the load's latest frame left.
    """

    calls: int
    replies_ms: list[float]
    unanswered: int
    first_frames_ms: list[float]
    cpu: float
    generator_cpu: float
    others_cpu: float
    memory_mb: float
    generator_late_ms: float
    playout: Playout


def talk(rig: Rig, calls: int, seconds: float) -> Talked:
    """Have ``calls`` callers ask questions for ``seconds``, after two turns each to warm up.

    Each waits for the answer's end and a moment longer before asking again.

    Raises:
        ConfigurationError: the controller does not talk with them.
    """
    phrases = questions()
    callers = []
    for number in range(calls):
        callers.append(_Caller(*rig.dial(), phrases, random.Random(number)))
        gevent.sleep(_DIALS_EVERY_S)
    _warm_up(callers)
    stretch = _Stretch(rig)
    gevent.sleep(seconds)
    stretch.end()
    for caller in callers:
        caller.enough = True
    for caller in callers:
        caller.hang_up()
    rig.store.wait_ended([caller.call_id for caller in callers])
    return _talked(rig, stretch, callers)


def idle_cpu(rig: Rig, seconds: float) -> float:
    """Cores that the controller uses while there is no call."""
    began_at, used_s = time.perf_counter(), cpu_s(rig.controller.pid)
    gevent.sleep(seconds)
    return (cpu_s(rig.controller.pid) - used_s) / (time.perf_counter() - began_at)


class _Caller:
    def __init__(
        self, phone: TimedPhone, call_id: str, phrases: Sequence[bytes], chance: random.Random
    ) -> None:
        self.phone = phone
        self.call_id = call_id
        self.turns: list[tuple[float, float | None]] = []
        self._phrases = phrases
        self._chance = chance
        self.enough = False
        self._talking = gevent.spawn(self._converse)

    def _converse(self) -> None:
        """Ask and listen; each turn is kept with the time when it began."""
        phone = self.phone
        phone.answered.wait(_GREETED_S)
        phone.wait_quiet(_GREETED_S)
        while not self.enough and not phone.ended.is_set():
            gevent.sleep(self._chance.uniform(0.0, _LONGEST_THOUGHT_S))
            began_at = time.perf_counter()
            self.turns.append((began_at, asks(phone, self._chance.choice(self._phrases))))
            phone.wait_quiet(_REPLY_ENDS_S)

    def hang_up(self) -> None:
        """Hang up when the turn is over. The next one begins unless there were ``enough``."""
        self._talking.join()
        self.phone.hang_up()


class _Stretch:
    """The time that is measured: from here until :meth:`end`."""

    def __init__(self, rig: Rig) -> None:
        self._pids = (rig.controller.pid, os.getpid())
        self._clock = rig.bench.clock
        self._clock.worst_lateness_s = 0.0
        self.began_at, self.wall_began_at = time.perf_counter(), datetime.now(UTC)
        self._used = self._usage()

    def _usage(self) -> tuple[float, ...]:
        return (*(cpu_s(pid) for pid in self._pids), busy_s())

    def end(self) -> None:
        """Note everything at the end."""
        self.ended_at, self.wall_ended_at = time.perf_counter(), datetime.now(UTC)
        seconds = self.ended_at - self.began_at
        used = [now - then for now, then in zip(self._usage(), self._used, strict=True)]
        self.cpu, self.generator_cpu = used[0] / seconds, used[1] / seconds
        self.others_cpu = max(used[2] - used[0] - used[1], 0.0) / seconds
        self.memory_mb = memory_mb(self._pids[0])
        self.generator_late_ms = self._clock.worst_lateness_s * 1000


def _warm_up(callers: Sequence[_Caller]) -> None:
    with gevent.Timeout(_WARM_UP_S, ConfigurationError("the controller does not answer callers")):
        while any(len(caller.turns) < _WARM_UP_TURNS for caller in callers):
            gevent.sleep(0.1)


def _talked(rig: Rig, stretch: _Stretch, callers: Sequence[_Caller]) -> Talked:
    delays = [
        delay
        for caller in callers
        for began_at, delay in caller.turns
        if stretch.began_at <= began_at < stretch.ended_at
    ]
    first_frames = rig.store.rows(
        _DELAYS,
        ([caller.call_id for caller in callers], stretch.wall_began_at, stretch.wall_ended_at),
    )
    played = (
        _played(caller.phone, stretch.began_at, stretch.ended_at) for caller in callers
    )  # fmt: skip
    return Talked(
        calls=len(callers),
        replies_ms=[delay * 1000 for delay in delays if delay is not None],
        unanswered=delays.count(None),
        first_frames_ms=[row[0] for row in first_frames],
        cpu=stretch.cpu,
        generator_cpu=stretch.generator_cpu,
        others_cpu=stretch.others_cpu,
        memory_mb=stretch.memory_mb,
        generator_late_ms=stretch.generator_late_ms,
        playout=sum(played, Playout()),
    )


def _played(phone: TimedPhone, began_at: float, ended_at: float) -> Playout:
    first, last = bisect_left(phone.arrivals, began_at), bisect_left(phone.arrivals, ended_at)
    return playout(phone.arrivals[first:last], [bool(s) for s in phone.speech[first:last]])
