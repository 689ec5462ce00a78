"""When nobody is there, nobody's phone rings: a message is taken instead."""

from appliance.calls.decision import Action, Priority
from appliance.decisions.chain import Case, Opinion, passed, proposed
from appliance.decisions.hours_text import closed_now

LABEL = "closed"


class ClosedHours:
    """Turns transfers outside a target's hours into messages. Emergencies always ring."""

    name = "closed_hours"
    limits = True
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Look at the hours of the target, its own or the organisation's."""
        turn, so_far = case.turn, case.so_far
        target = turn.directory.target(so_far.target_id)
        if so_far.action is not Action.TRANSFER or target is None:
            return passed("no transfer")
        if so_far.priority is Priority.EMERGENCY:
            return passed("emergencies ring at any time")
        hours = turn.directory.hours_of(target)
        if hours.is_open(turn.now):
            return passed("open")
        return proposed(
            "closed now: a message instead of a transfer",
            action=Action.TAKE_MESSAGE,
            labels=(*so_far.labels, LABEL),
            reply=closed_now(hours, turn.now),
        )
