"""What an engine has done: noted by its workers, added up by whoever looks."""

import threading
from collections import deque
from typing import Final, NamedTuple

from appliance.inference.capacity import Done
from appliance.inference.meters import Meter

_NEWEST: Final = 0.1
"""Weight of the newest request in the averages of service and waiting time, once there are ten:
the trial, taken while everything loads, must not count for long."""


class Spent(NamedTuple):
    """What one request took of its engine.

    Attributes:
        call: whose it was; empty when nobody said.
        wait_s: how long it stood in the queue.
        took_s: how long it was worked on.
        whole: it was answered to the end.
    """

    call: str
    wait_s: float
    took_s: float
    whole: bool


class Tally:
    """An engine's sums and averages. May be used from any thread.

    The engine stands still while its worker does anything else, so a worker only notes what it
    spent. :meth:`add_up` does the sums and tells Prometheus: when a request has been answered, on
    the thread that waited for it, and before anybody is told a figure.

    Attributes:
        served: requests answered to the end.
        service_s: what one takes, a moving average.
        wait_s: what one waits before, a moving average.
    """

    def __init__(self, meter: Meter) -> None:
        self.served = 0
        self.service_s = 0.0
        self.wait_s = 0.0
        self._calls_s = self._others_s = 0.0
        self._meter = meter
        self._noted: deque[Spent] = deque()
        self._adding = threading.Lock()

    def note(self, spent: Spent) -> None:
        """A request was worked on."""
        self._noted.append(spent)

    def add_up(self) -> None:
        """Count what was noted since."""
        with self._adding:
            while self._noted:
                self._add(self._noted.popleft())

    def collected(self, workers: int) -> Done:
        """What was done since this was last asked."""
        self.add_up()
        with self._adding:
            done = Done(self._calls_s, self._others_s, self.service_s, workers)
            self._calls_s = self._others_s = 0.0
        return done

    def _add(self, spent: Spent) -> None:
        self._meter.worked(spent.wait_s, spent.took_s)
        if spent.call:
            self._calls_s += spent.took_s
        else:
            self._others_s += spent.took_s
        newest = max(_NEWEST, 1 / (self.served + 2))
        self.wait_s += newest * (spent.wait_s - self.wait_s)
        if spent.whole:
            self.served += 1
            self.service_s += newest * (spent.took_s - self.service_s)
