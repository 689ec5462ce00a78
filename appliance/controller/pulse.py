"""The controller tells how it does, again and again, where the operators' page finds it."""

import time
from collections.abc import Callable
from contextlib import suppress

import gevent

from appliance.controller.registry import Calls
from appliance.storage.spool import Spool
from appliance.storage.vital_signs import VitalSigns, write_vital_signs
from appliance.switch.control_link import ControlLink


class Pulse:
    """Writes this process's vital signs into its spool, from `start` to `stop`.

    Args:
        time_s: of the time of day, since 1970.
    """

    def __init__(
        self, calls: Calls, link: ControlLink, spool: Spool, *, every_s: float = 5.0,
        time_s: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._calls, self._link, self._spool = calls, link, spool
        self._every_s, self._time_s = every_s, time_s
        self._beating: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin; the first are written before this returns."""
        self.beat()
        self._beating = gevent.spawn(self._run)
        self._beating.name = "pulse"

    def stop(self) -> None:
        """Write no more."""
        if self._beating is not None:
            self._beating.kill()

    def beat(self) -> None:
        """Write the signs of this moment."""
        signs = VitalSigns(
            at=self._time_s(), calls=len(self._calls), link_up=self._link.connected,
            link_connects=self._link.connects, commands_failed=self._link.failed,
            events_lost=self._spool.lost,
        )  # fmt: skip
        with suppress(OSError):  # the spool beside it says what is wrong with the disk
            write_vital_signs(self._spool.directory, signs)

    def _run(self) -> None:
        while True:
            gevent.sleep(self._every_s)
            self.beat()
