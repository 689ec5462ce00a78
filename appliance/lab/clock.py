"""The beat of the bench: one greenlet that gives every phone its 20 ms, on absolute deadlines."""

import time
from collections.abc import Callable

import gevent
from gevent.event import Event

FRAME_S = 0.02
PHASES = 4
Tick = Callable[[float], None]


class FrameClock:
    """Calls each member once per 20 ms of real time, spread over four phases of 5 ms.

    Deadlines are absolute: a late beat is followed by the next one at its own time, and after a
    stall every missed beat is made up for at once, as frames held up in a network arrive.

    Attributes:
        worst_lateness_s: how late the latest beat came, since :meth:`start`.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        """Beat by ``now``, which gives seconds; nothing beats before :meth:`start`."""
        self.now = now
        self.worst_lateness_s = 0.0
        self._phases: list[dict[object, Tick]] = [{} for _ in range(PHASES)]
        self._busy = Event()
        self._greenlet: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin to beat."""
        self._greenlet = gevent.spawn(self._run)
        self._greenlet.name = "bench-clock"

    def stop(self) -> None:
        """Stop beating; members stay known."""
        if self._greenlet is not None:
            self._greenlet.kill()
            self._greenlet = None

    def add(self, member: object, tick: Tick) -> None:
        """Call ``tick(now)`` every 20 ms from now on, in the phase with the fewest members."""
        min(self._phases, key=len)[member] = tick
        self._busy.set()

    def remove(self, member: object) -> None:
        """Call it no more. Unknown members are ignored."""
        for phase in self._phases:
            phase.pop(member, None)
        if not any(self._phases):
            self._busy.clear()

    def _run(self) -> None:
        beat = 0
        due = self.now()
        while True:
            if not self._busy.is_set():
                self._busy.wait()
                due = self.now()
            wait_s = due - self.now()
            gevent.sleep(max(wait_s, 0.0))
            now = self.now()
            self.worst_lateness_s = max(self.worst_lateness_s, now - due)
            for tick in list(self._phases[beat % PHASES].values()):
                tick(now)
            beat += 1
            due += FRAME_S / PHASES
