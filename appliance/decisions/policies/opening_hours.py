"""Questions about opening hours, answered by code from the directory's own hours."""

import re

from appliance.calls.decision import Action, Intent
from appliance.calls.directory import Department
from appliance.decisions.chain import Case, Opinion, decided, passed
from appliance.decisions.hours_text import answer

_HOURS = re.compile(
    r"\b(?:opening|business|office|working|closing) (?:hours|times?|time)\b|\byour hours\b"
    r"|\bwhat (?:are the|are your|is your|hours)\b.*\bhours\b"
    r"|\b(?:when|what time|what times|how late|how long|how early|until when|till when|what "
    r"hours)\b.*\b(?:open|close|closes|opens|closing|opening|shut)\b"
    r"|\b(?:are|is|will) (?:you|the \w+|\w+|your \w+) (?:guys |still |already |be )?(?:open"
    r"|closed)\b"
    r"|\bdo you (?:open|close)\b|\bhow late (?:are|is)\b"
)
_OTHERWISE = re.compile(r"\bopen (?:a|an|my|the|up a) (?:account|ticket|case|file|bag)\b")


class OpeningHoursQuestion:
    """Decides to answer; the sentence is written from the hours, never by a model."""

    name = "opening_hours"
    limits = False
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Look for a question about hours, and for the day and the department it is about."""
        turn = case.turn
        found = _HOURS.search(turn.request)
        if not found or _OTHERWISE.search(turn.request):
            return passed("asks for no hours")
        best = turn.named.best
        target = turn.directory.target(best.target_id) if best and best.score >= 0.85 else None
        own = target if isinstance(target, Department) and target.hours else None
        hours = turn.directory.hours_of(own) if own else turn.directory.hours
        return decided(
            f"asks for hours: {found[0]}",
            intent=Intent.HOURS,
            action=Action.ANSWER,
            target_id=own.id if own else None,
            reply=answer(hours, turn.now, turn.words, own.name if own else ""),
            confidence=1.0,
        )
