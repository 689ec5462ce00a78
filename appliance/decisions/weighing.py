"""What becomes of a wish and a target that a model proposed."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from appliance.calls.decision import Action, Decision, Intent
from appliance.calls.directory import Person, Target
from appliance.decisions.chain import Opinion, decided, proposed
from appliance.decisions.context import TurnContext
from appliance.decisions.hours_text import answer
from appliance.decisions.keys import DEPARTMENT_WORDS
from appliance.decisions.spoken import digit_runs
from appliance.decisions.words import ARTICLES, ORDINARY, bag

# A department the model names is tried. A person it names without the caller having said anything
# like the name is asked about first, and so is any guess when the caller named a stranger.
CONFIDENCE = 0.8
CONFIDENCE_UNHEARD = 0.6
_SURELY = 0.85

# After these stands a thing, and before these the name of a department.
_THINGS = ARTICLES | bag("new old broken")
_SHORTEST_NUMBER = 3
_GROUPS = bag("people guys folks crowd side unit services hotline")

_ACTIONS = {
    Intent.TRANSFER: Action.TRANSFER,
    Intent.OPERATOR: Action.TRANSFER,
    Intent.APPOINTMENT: Action.TRANSFER,
    Intent.MESSAGE: Action.TAKE_MESSAGE,
    Intent.HOURS: Action.ANSWER,
    Intent.SMALLTALK: Action.ANSWER,
    Intent.CONFIRM_YES: Action.ANSWER,
    Intent.CONFIRM_NO: Action.ANSWER,
    Intent.REPEAT: Action.REPEAT,
}
# Wishes that are somebody's business: whose, the directory's rules know better than a model.
_OF_SOMEBODY = frozenset((Intent.TRANSFER, Intent.MESSAGE, Intent.APPOINTMENT))
_RECORDED = {Intent.TRANSFER: Intent.TRANSFER, Intent.GOODBYE: Intent.GOODBYE}


@dataclass(frozen=True, slots=True)
class Proposed:
    """What models made of a turn.

    Attributes:
        target: somebody of the directory, or None.
        detail: for the record.
        changes: to the decision, whatever becomes of the proposal.
    """

    intent: Intent
    target: Target | None
    detail: dict[str, Any]
    changes: dict[str, Any]


def somebody_found(so_far: Decision) -> bool:
    """Whether the directory's rules know whom the caller named."""
    return so_far.target_id is not None or bool(so_far.candidates)


def weigh(proposal: Proposed, turn: TurnContext, so_far: Decision) -> Opinion:
    """Hold a proposal against what code found: names are code's, wishes are the model's."""
    intent, detail, changes = proposal.intent, proposal.detail, dict(proposal.changes)
    found = somebody_found(so_far)
    if intent not in _OF_SOMEBODY and found and _asked_for(turn):
        return proposed(f"proposed {intent.value}; somebody is named", detail, **changes)
    if intent in _OF_SOMEBODY and found:
        changes |= {"intent": intent, "action": _ACTIONS[intent]}
        if so_far.target_id is None and len(so_far.candidates) == 1:
            # A name that nothing seemed to ask for, until the model said that somebody is.
            changes |= {"target_id": so_far.candidates[0], "confidence": CONFIDENCE}
        return decided(f"proposed {intent.value} for whom code found", detail, **changes)
    target = proposal.target
    if intent is Intent.OPERATOR or (intent is Intent.APPOINTMENT and target is None):
        target = turn.directory.operator_target
    if intent not in _ACTIONS or (intent is Intent.TRANSFER and target is None):
        # An emergency or a farewell that no rule found is not for a model to act on.
        changes |= {"intent": _RECORDED.get(intent, Intent.UNKNOWN), "action": Action.CLARIFY}
        changes |= {"target_id": None}
        return proposed(f"proposed {intent.value}, which is left open", detail, **changes)
    changes |= {"intent": intent, "action": _ACTIONS[intent]}
    changes["confidence"] = _confidence(turn, target)
    changes["target_id"] = target.id if target else None
    if intent is Intent.HOURS:
        changes |= {"reply": answer(turn.directory.hours, turn.now, turn.words)}
        changes["target_id"] = None
    who = f" for {target.name}" if target else ""
    return decided(f"proposed {intent.value}{who}", detail, **changes)


def _confidence(turn: TurnContext, target: Target | None) -> float:
    heard = target and any(match.target_id == target.id for match in turn.named.all)
    guessed = isinstance(target, Person) or asks_for_a_stranger(turn.words)
    certain = CONFIDENCE_UNHEARD if target and guessed and not heard else CONFIDENCE
    return certain * (0.85 + 0.15 * turn.confidence)


def _asked_for(turn: TurnContext) -> bool:
    """Whether a name stands where a request for somebody has it."""
    best = turn.named.best
    return best is not None and best.cued and best.score > _SURELY


def asks_for_a_stranger(words: Sequence[str]) -> bool:
    """Whether a request names somebody the directory lacks.

    "can i speak to margaret" does, "the cashier office" and "number four seven one";
    "my dishwasher" is a thing.
    """
    numbers = any(len(run.digits) >= _SHORTEST_NUMBER for run in digit_runs(words))
    if numbers or DEPARTMENT_WORDS & set(words) or _GROUPS & set(words):
        return True
    return any(
        before not in _THINGS and word not in ORDINARY and not word.isdigit()
        for before, word in pairwise(("", *words))
    )
