"""How many calls at once the engines sustain, and how many there are. Pure: time is handed in.

A call costs an engine a share of its time: the seconds it worked for calls, divided by the seconds
that calls were in progress, both over the last minutes. An engine with ``w`` workers that may be
busy `TARGET` of the time sustains ``w * TARGET / share`` calls; the server as many as the engine
that sustains the fewest, and no more than its processor cores do.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

TARGET = 0.7
"""How busy an engine may be on average. At 0.7, one worker and random arrivals, a request waits
about as long as 1.2 requests take (M/D/1: 0.7 / (2 * 0.3)); at 0.9 it would be 4.5."""

HALF_LIFE_S = 120.0
PRIOR_CALL_S = 60.0
"""How many seconds of calls the assumptions below weigh as much as."""

ASSUMED_PER_CALL_S: Mapping[str, float] = {
    "recognizer": 1 / 3,
    "language_model": 1 / 8,
    "voice": 1 / 4,
}
"""Requests per second of a call, before any call was measured: a turn takes about eight seconds,
is spoken to and answered in one or two sentences, and transcribed twice to three times, since
pauses are transcribed before they turn out to be the end."""

MOST_CALLS = 1000
"""What is published at most: past it the figure says nothing."""

_MOST_REMEMBERED = 10_000


class CallBook:
    """Which calls are in progress. A call is, from its first request until it ends or is idle.

    A call that was admitted once and comes back after it fell idle, from a transfer that nobody
    took for instance, is in progress again whatever the capacity: it must not be turned away in
    mid-call.

    Args:
        idle_s: without a request for so long, a call counts no more.
    """

    def __init__(self, idle_s: float = 30.0) -> None:
        self._idle_s = idle_s
        self._seen: OrderedDict[str, float] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()
        self.refused = 0

    @property
    def active(self) -> int:
        """How many calls are in progress."""
        return len(self._seen)

    def __contains__(self, call: object) -> bool:
        return call in self._seen

    def calls(self) -> frozenset[str]:
        """All of them."""
        return frozenset(self._seen)

    def arrive(self, call: str, now: float, capacity: int) -> bool:
        """A request of a call has come; whether the call is in progress now."""
        if call not in self._seen and call not in self._known and self.active >= capacity:
            self.refused += 1
            return False
        self._seen[call] = now
        self._seen.move_to_end(call)
        self._known[call] = None
        self._known.move_to_end(call)
        if len(self._known) > _MOST_REMEMBERED:
            self._known.popitem(last=False)
        return True

    def end(self, call: str) -> bool:
        """The call is over; whether it was in progress."""
        self._known.pop(call, None)
        return self._seen.pop(call, None) is not None

    def expire(self, now: float) -> list[str]:
        """Let go the calls that are idle; returns them."""
        idle = []
        while self._seen:
            call, seen = next(iter(self._seen.items()))
            if now - seen < self._idle_s:
                break
            del self._seen[call]
            idle.append(call)
        return idle


@dataclass(slots=True)
class _Fading:
    """A sum in which what is `HALF_LIFE_S` old weighs half."""

    total: float = 0.0
    at: float | None = None

    def add(self, amount: float, now: float) -> None:
        if self.at is not None:
            self.total *= 0.5 ** (max(0.0, now - self.at) / HALF_LIFE_S)
        self.at = now
        self.total += amount


@dataclass(slots=True)
class Done:
    """What an engine has done since the last time it was asked.

    Attributes:
        calls_s: busy for requests of calls, all workers together.
        others_s: busy for requests that named no call.
        service_s: what one request takes on average now; 0 when none was served yet.
        workers: how many requests it can serve at once.
        threads: processor threads each of them takes.
    """

    calls_s: float = 0.0
    others_s: float = 0.0
    service_s: float = 0.0
    workers: int = 1
    threads: int = 1


@dataclass(slots=True)
class _Measured:
    calls: _Fading = field(default_factory=_Fading)
    others: _Fading = field(default_factory=_Fading)
    latest: Done = field(default_factory=Done)


class Capacity:
    """How many calls the engines sustain, from what they were seen to do.

    Args:
        cores: processor cores there are.
        fixed: the operator's own figure; 0 goes by the measurement.
    """

    def __init__(self, cores: int, fixed: int = 0) -> None:
        self._cores = cores
        self._fixed = fixed
        self._kinds: dict[str, _Measured] = {}
        self._call_s = _Fading()
        self._elapsed = _Fading()
        self._at: float | None = None

    def observe(self, work: Mapping[str, Done], active: int, now: float) -> None:
        """Take in what each kind of engine did since the last time, with ``active`` calls."""
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._call_s.add(active * passed, now)
        self._elapsed.add(passed, now)
        for kind, done in work.items():
            measured = self._kinds.setdefault(kind, _Measured())
            measured.calls.add(done.calls_s, now)
            measured.others.add(done.others_s, now)
            measured.latest = done

    @property
    def calls(self) -> int:
        """How many calls at once, at least 1."""
        return self._fixed or self.measured

    @property
    def measured(self) -> int:
        """The same by measurement, also where the operator has set a figure."""
        most = float(MOST_CALLS)
        cores_a_call = cores_taken = 0.0
        for kind, measured in self._kinds.items():
            share, taken, latest = self.share(kind), self._taken(measured), measured.latest
            cores_a_call += share * latest.threads
            cores_taken += taken * latest.threads
            if share > 0:
                most = min(most, (latest.workers * TARGET - taken) / share)
        if cores_a_call > 0:
            most = min(most, (self._cores * TARGET - cores_taken) / cores_a_call)
        return max(1, int(most))

    def share(self, kind: str) -> float:
        """Seconds of one worker's time for each second of a call."""
        measured = self._kinds[kind]
        assumed = measured.latest.service_s * ASSUMED_PER_CALL_S.get(kind, 0.0)
        busy_s = measured.calls.total + assumed * PRIOR_CALL_S
        return busy_s / (self._call_s.total + PRIOR_CALL_S)

    def utilisation(self, kind: str) -> float:
        """How busy the kind's workers are, 0 to 1, over the last minutes."""
        measured = self._kinds[kind]
        if self._elapsed.total <= 0:
            return 0.0
        busy_s = measured.calls.total + measured.others.total
        return min(1.0, busy_s / self._elapsed.total / max(1, measured.latest.workers))

    @property
    def kinds(self) -> tuple[str, ...]:
        """What was observed so far."""
        return tuple(self._kinds)

    def _taken(self, measured: _Measured) -> float:
        """Workers that requests without a call keep busy, on average."""
        elapsed = self._elapsed.total
        if elapsed < 1.0:
            return 0.0
        return min(float(measured.latest.workers), measured.others.total / elapsed)
