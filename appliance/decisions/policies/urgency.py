"""Urgent, but no emergency: the call is worth an earlier answer."""

import re

from appliance.calls.decision import Priority
from appliance.decisions.chain import Case, Opinion, passed, proposed

_URGENT = re.compile(r"\b(?:urgent|urgently|as soon as possible|right away|immediately|asap)\b")
_NOT = re.compile(r"\b(?:not|no|nothing)(?: that| so| very| really| too| at all)* urgent\b")


class Urgency:
    """Raises the priority; settles nothing."""

    name = "urgency"
    limits = False
    in_dictation = True

    def consider(self, case: Case) -> Opinion:
        """Look for words of haste."""
        turn, so_far = case.turn, case.so_far
        if so_far.priority in (Priority.HIGH, Priority.EMERGENCY):
            return passed("the call is urgent already")
        found = _URGENT.search(_NOT.sub(" ", turn.plain))
        if not found:
            return passed("no words of haste")
        return proposed(f"words of haste: {found[0]}", priority=Priority.HIGH)
