"""The controller process: it accepts FreeSWITCH's sessions and gives each call a session of ours.

A desk's leg goes to the transfer that rang it. A caller's leg becomes a call: a new one, or one
that another controller (or this one, before a bridge) held before, which is taken up again from its
last recorded state. Whatever breaks in one call is logged and ends that session only; FreeSWITCH
then goes on with the dialplan.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog

from appliance.actions.desks import CALL_VARIABLE, DESK_ROLE, ROLE_VARIABLE, Desks
from appliance.calls.errors import SwitchError
from appliance.calls.events import Event
from appliance.controller.assembly import CONTROLLER_VARIABLE, Equipment, hold_call
from appliance.controller.registry import Calls
from appliance.switch.call_channel import CallChannel
from appliance.switch.wire import Event as SwitchEvent

log = structlog.get_logger()


class Supervisor:
    """Takes sessions from the call server until it is told to drain."""

    def __init__(self, equipment: Equipment) -> None:
        """Begin with no calls. ``stop_taking`` is set by whoever runs the call server."""
        self.calls = Calls()
        self.stop_taking: Callable[[], None] = lambda: None
        self._desks = Desks()
        self._equipment = equipment

    def on_session(self, channel: CallChannel) -> None:
        """Handle one Event Socket session to its end. The only broad ``except`` of the process."""
        at_desk = channel.event.var(ROLE_VARIABLE) == DESK_ROLE
        channel.log_as(channel.event.var(CALL_VARIABLE) if at_desk else channel.uuid)
        try:
            if at_desk:
                self._desks.attend(channel)
            else:
                with self.calls.present():
                    self._caller(channel)
        except SwitchError as error:
            log.info("leg gone", code=error.code, error=str(error))
        except Exception:  # the call's outermost supervisor
            log.exception("call session failed; the dialplan has the caller now")
        finally:
            channel.close()

    def on_switch_event(self, event: SwitchEvent) -> None:
        """Handle what the control link reports of any leg."""
        if event.get("Event-Name") == "CHANNEL_HANGUP_COMPLETE":
            leg_id = event.get("Unique-ID", "")
            self.calls.hung_up(leg_id, event.get("Hangup-Cause", "UNKNOWN"))
            self._desks.hung_up(leg_id)

    def drain(self, patience_s: float) -> bool:
        """Take no new calls and wait for those in progress; True when all ended in time."""
        self.stop_taking()
        return bool(self.calls.idle.wait(patience_s))

    def _caller(self, channel: CallChannel) -> None:
        if channel.event.get("Answer-State") == "answered":
            # The dialplan takes an answered call back from whoever does not say this very soon.
            with suppress(SwitchError):  # a leg that is gone is found out where it is recorded
                channel.execute("sched_cancel")
        number = channel.event.get("Caller-Destination-Number", "")
        number = channel.event.var("appliance_did") or number
        found = self._equipment.directory_of(number)
        if found is None:
            log.warning("no organisation has the dialled number", did=number)
            return
        directory, did = found
        past: Sequence[Event] = ()
        if channel.event.var(CONTROLLER_VARIABLE):
            past = self._equipment.history_of(directory.organisation_id, channel.uuid)
        hold_call(self._equipment, self._desks, self.calls, channel, directory, did, past)
