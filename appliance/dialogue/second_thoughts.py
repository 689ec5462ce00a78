"""What a caller may still change while a phone rings for them.

Most of what is said then is meant for somebody beside the caller, and a recogniser invents words
on noise; so only what cannot well be meant otherwise counts. A farewell does not: whoever wants to
leave hangs up, and nobody is to be hung up on for words that were never said.

What rings is called off at once, also when it was accepted from the operators' page, for as long
as nobody has picked up. Once somebody has accepted at the phone it is too late for that: the caller
is just being connected to a person, which is the quickest help there is. Then an emergency, and a
wish for a person, cuts short what is still being said to the caller so that they are connected
now; should that fail, it is what comes next. Whatever else is said in that moment comes too late.
A blind transfer has no person to ask: it is called off in the same way until the command that moves
the call is sent, for which a caller who is still speaking is heard out. After that it is too late;
should it fail, what could not wait comes next.
"""

import re

from appliance.calls.decision import Action, Decision, Intent, Priority
from appliance.decisions.context import TurnContext
from appliance.decisions.policies.closed_answers import LABEL_CANCEL
from appliance.dialogue.state import State

MIN_CONFIDENCE = 0.6
"""Under it only an emergency counts."""

KEYS = {"0": "0", "*": "cancel"}
"""What may be keyed, and as what it is understood."""

_CORRECTS = re.compile(r"^(?:oh |wait |sorry )*(?:no|not|sorry|wait|actually|i meant|i mean)\b")


def changes_course(decision: Decision, turn: TurnContext, state: State) -> bool:
    """Whether what rings is to be called off for what was decided on ``turn``."""
    if state.priority is Priority.EMERGENCY:
        return False  # help is on its way
    if decision.intent is Intent.EMERGENCY:
        return True
    if turn.confidence < MIN_CONFIDENCE:
        return False
    if LABEL_CANCEL in decision.labels:
        return True
    elsewhere = decision.target_id not in (None, state.target_id)
    if decision.action is not Action.TRANSFER or not elsewhere:
        return False
    return decision.intent is Intent.OPERATOR or bool(_CORRECTS.match(turn.plain))


def cannot_wait(decision: Decision) -> bool:
    """Whether it is to be acted on even while the caller is being connected to a person."""
    return decision.intent in (Intent.EMERGENCY, Intent.OPERATOR)
