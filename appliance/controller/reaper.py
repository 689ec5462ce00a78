"""Every call ends with a record that says how, also when its controller did not live to write it.

A call without an end whose leg FreeSWITCH no longer knows was lost by a controller that died while
nobody could take it up. The reaper looks for such calls when a controller starts and every few
minutes after.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import gevent
import structlog

from appliance.calls.errors import StorageError, SwitchError
from appliance.calls.events import CallEnded, Event, Outcome
from appliance.controller.registry import Calls
from appliance.events.log import CallLog, EventLog

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A call that the database knows no end of."""

    call_id: str
    organisation_id: str


@dataclass(frozen=True, slots=True)
class Reaper:
    """Ends the records of calls that nobody holds any more.

    Attributes:
        open_calls: what the database says is in progress; raises StorageError when out of reach.
        still_up: whether FreeSWITCH knows the leg; raises SwitchError when it cannot be asked.
        history_of: the events of a call so far, also those still in a spool.
    """

    calls: Calls
    events: EventLog
    open_calls: Callable[[], Iterable[OpenCall]]
    still_up: Callable[[str], bool]
    history_of: Callable[[OpenCall], list[Event]]
    every_s: float = 60.0

    def run(self) -> None:
        """Look again and again, until killed."""
        while True:
            try:
                self.look()
            except (StorageError, SwitchError) as error:
                # Neither answer can be guessed; the next look asks again.
                log.info("calls without an end could not be looked up", error=str(error))
            gevent.sleep(self.every_s)

    def look(self) -> int:
        """End the lost calls; returns how many there were."""
        lost = 0
        for call in self.open_calls():
            if call.call_id in self.calls or self.still_up(call.call_id):
                continue
            past = self.history_of(call)
            if any(isinstance(event, CallEnded) for event in past):
                continue  # its end is in a spool, on the way to the database
            record = CallLog(self.events, call.call_id, call.organisation_id)
            record.continue_after(past)
            record.record(
                CallEnded, outcome=Outcome.LOST, cause="UNKNOWN",
                how="its controller died, and the caller was gone before another took the call up",
            )  # fmt: skip
            lost += 1
        return lost
