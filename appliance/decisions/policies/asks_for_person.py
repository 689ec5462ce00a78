"""Callers who want a person, whoever it is."""

import re

from appliance.calls.decision import Action, Decision, Intent, Priority
from appliance.decisions.chain import Case, Opinion, decided, passed
from appliance.decisions.context import Asked, TurnContext

_ALWAYS = re.compile(
    r"\b(?:operator|receptionist|representative|human being|human(?! resources)|real person"
    r"|actual person"
    r"|live person|"
    r"live agent|real human|an agent|front desk|switchboard|the manager|a supervisor)\b"
)
_SOMEBODY = re.compile(
    r"\b(?:speak|talk|connect|transfer|through|word|chat|get|reach) (?:\w+ )?(?:to|with|hold of)? ?"
    r"(?:a |an |another )?(?:person|somebody|someone|anybody|anyone|reception|staff)\b"
    r"(?! (?:that|who|about|in|from|at|for|regarding|concerning|called|named))"
    r"|^(?:a |reception|someone|somebody|anybody|anyone|person)(?:person|agent)?(?: please)?$"
    r"|\bis (?:anybody|anyone|somebody|someone) (?:there|here)\b"
    r"(?! (?:on|at|until|till|after|before|in|over|next|to\w+|\w+day))"
)
_REFUSED = re.compile(r"\bnot (?:the |an? )?(?:operator|front desk|reception|manager)\b")
_WHOLE = re.compile(
    r"^(?:i (?:want|need|would like) (?:to (?:speak|talk) (?:to|with) )?)?(?:please |just "
    r")?(?:get me )?"
    r"(?:the |an |a )?(?:operator|real person|human|human being|receptionist|person)(?: please"
    r"| now)?$"
)


class AsksForPerson:
    """Decides a transfer to the operator."""

    name = "asks_for_person"
    limits = False
    in_dictation = True

    def consider(self, case: Case) -> Opinion:
        """Look for the operator's words; while dictating, only when nothing else was said."""
        turn, so_far = case.turn, case.so_far
        text = turn.request
        if turn.asked is Asked.DICTATION:
            found = _WHOLE.search(text)
        elif so_far.target_id is not None:
            return passed("asks for somebody in particular")
        else:
            text = _REFUSED.sub(" ", text)
            found = _ALWAYS.search(text) or _SOMEBODY.search(text)
        if found:
            reason = f"asks for a person: {found[0]}"
        elif turn.asked is Asked.OPEN and self._only_urgent(turn, so_far):
            reason = "urgent, and names nobody"
        else:
            return passed("asks for no person")
        target = turn.directory.operator_target
        return decided(
            reason,
            intent=Intent.OPERATOR,
            action=Action.TRANSFER,
            target_id=target.id if target else None,
            confidence=1.0,
        )

    def _only_urgent(self, turn: TurnContext, so_far: Decision) -> bool:
        return (
            so_far.priority is Priority.HIGH
            and "urgent" in turn.plain
            and len(turn.words) <= 6
            and not so_far.candidates
        )
