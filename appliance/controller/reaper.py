"""Every call ends with a record that says how, also when its controller did not live to write it.

A call without an end whose leg FreeSWITCH no longer knows was lost by a controller that died while
nobody could take it up. The reaper looks for such calls when a controller starts and every minute
after. What it suspects it looks at again a little later: the controller that holds a call learns
of the hang-up a moment after FreeSWITCH has forgotten the leg, and its word is the better one.

It asks the one FreeSWITCH of this controller: all controllers that share the organisation's
database must share that FreeSWITCH too.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import gevent
import structlog

from appliance.calls.errors import StorageError, SwitchError
from appliance.calls.events import CallEnded, Event, Outcome, TransferEnded
from appliance.calls.hangup import HangupCause
from appliance.calls.transfer import TransferResult
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
        history_of: the events of a call so far, also those still in a spool; raises StorageError
            when the database is out of reach: an end is not to be guessed from half of them.
        every_s: between two looks.
        settle_s: before a suspect is looked at again, at least; at most twice as long, so that
            controllers that start together do not end the same call together.
    """

    calls: Calls
    events: EventLog
    open_calls: Callable[[], Iterable[OpenCall]]
    still_up: Callable[[str], bool]
    history_of: Callable[[OpenCall], list[Event]]
    every_s: float = 60.0
    settle_s: float = 3.0

    def run(self) -> None:
        """Look again and again, until killed."""
        while True:
            try:
                self.look()
            except (StorageError, SwitchError, OSError) as error:
                # No answer can be guessed; the next look asks again.
                log.info("calls without an end could not be looked up", error=str(error))
            gevent.sleep(self.every_s)

    def look(self) -> int:
        """End the lost calls; returns how many there were."""
        suspects = [call for call in self.open_calls() if self._unheld(call)]
        if not suspects:
            return 0
        gevent.sleep(self.settle_s * random.uniform(1.0, 2.0))
        return sum(self._end(call) for call in suspects if self._unheld(call))

    def _unheld(self, call: OpenCall) -> bool:
        return call.call_id not in self.calls and not self.still_up(call.call_id)

    def _end(self, call: OpenCall) -> bool:
        """End a lost call's record; False when its end is in a spool already."""
        try:
            past = self.history_of(call)
        except (KeyError, TypeError, ValueError) as error:
            # One record that cannot be read must not keep the others open.
            log.error("a call's history cannot be read", call_id=call.call_id, error=repr(error))
            past = []
        if any(isinstance(event, CallEnded) for event in past):
            return False
        record = CallLog(self.events, call.call_id, call.organisation_id)
        record.continue_after(past)
        outcome, how = _what_became_of(past)
        record.record(
            CallEnded, outcome=outcome, cause=HangupCause.UNKNOWN.value, how=how,
            talked_ms=record.earlier_ms,
        )  # fmt: skip
        return True


def _what_became_of(past: list[Event]) -> tuple[Outcome, str]:
    transfers = [event for event in past if isinstance(event, TransferEnded)]
    if transfers and transfers[-1].result == TransferResult.CONNECTED.value:
        how = "connected to a person; nobody saw the end"
        return Outcome.CONNECTED, how
    how = "its controller died, and the caller was gone before another took the call up"
    return Outcome.LOST, how
