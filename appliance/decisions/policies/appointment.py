"""Appointments: there is no calendar here, so a person makes them."""

import re
from typing import Any

from appliance.calls.decision import Action, Intent
from appliance.decisions.chain import Case, Opinion, decided, passed
from appliance.decisions.policies.directory_match import WORTH_DECIDING, choice_of

_APPOINTMENT = re.compile(
    r"\b(?:make|book|set up|schedule|arrange|have|get|need|cancel|move|change|reschedule|want|"
    r"about|confirm|for|my|an)\b(?: \w+){0,3}? (?:appointment|appointments|booking|reservation)\b"
    r"|\bcan i come in\b|^(?:an )?appointment(?: please)?$"
)


class Appointment:
    """Decides a transfer to whom the appointment is with, else to the operator."""

    name = "appointment"
    limits = False
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Look for making, moving or cancelling an appointment."""
        turn = case.turn
        found = _APPOINTMENT.search(turn.request)
        if not found:
            return passed("wants no appointment")
        best = turn.named.best
        changes: dict[str, Any] = {"intent": Intent.APPOINTMENT, "action": Action.TRANSFER}
        if best is not None and best.score >= WORTH_DECIDING:
            reason, target, detail = choice_of(turn)
            return decided(f"appointment; {reason}", detail, **{**target, **changes})
        operator = turn.directory.operator_target
        return decided(
            "appointment; the operator makes it",
            target_id=operator.id if operator else None,
            confidence=0.9,
            **changes,
        )
