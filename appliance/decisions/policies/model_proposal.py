"""The language model's proposal, for what the rules did not settle. It proposes and no more."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from appliance.calls.decision import Action, Decision, Intent, Priority
from appliance.calls.directory import Directory, Person, Target
from appliance.decisions.chain import Case, Opinion, decided, passed, proposed, refused
from appliance.decisions.context import TurnContext
from appliance.decisions.hours_text import answer, short
from appliance.decisions.language_model import LanguageModel, Proposal, ProposalRequest
from appliance.decisions.text import words_of
from appliance.decisions.words import ORDINARY, TITLES, bag

HISTORY_LINES = 4
# A department the model names is tried. A person it names without the caller having said anything
# like the name is asked about first, and so is any guess when the caller named a stranger.
CONFIDENCE = 0.8
CONFIDENCE_UNHEARD = 0.6
_SURELY = 0.85

_SPEAKS_TO = TITLES | bag("to with is for called named tell ask reach")

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

# Wishes that are somebody's business: whose, the directory's rules know better than the model.
_OF_SOMEBODY = frozenset((Intent.TRANSFER, Intent.MESSAGE, Intent.APPOINTMENT))
_RECORDED = {Intent.TRANSFER: Intent.TRANSFER, Intent.GOODBYE: Intent.GOODBYE}


class ModelProposal:
    """Asks the language model, and takes from its answer only what the directory knows."""

    name = "language_model"
    limits = False
    in_dictation = False

    def __init__(self, model: LanguageModel) -> None:
        """Ask ``model``."""
        self._model = model

    def consider(self, case: Case) -> Opinion:
        """Ask about the turn; raises InferenceError when the model does not answer."""
        turn, so_far = case.turn, case.so_far
        if not turn.words or turn.keyed:
            return passed("nothing to ask about")
        proposal = self._model.propose(
            ProposalRequest(
                text=turn.plain,
                directory=turn.directory,
                history=turn.history[-HISTORY_LINES:],
                open_now=turn.open_now,
                hours_text=short(turn.directory.hours, turn.now),
            )
        )
        detail = {
            "raw": proposal.raw[:2000],
            "intent": proposal.intent[:40],
            "target": (proposal.target or "")[:200],
            "model_ms": proposal.took_ms,
        }
        model = {"model": proposal.model[:200]}
        try:
            intent = Intent(proposal.intent)
        except ValueError:
            return refused_mildly("proposed an intent that does not exist", detail, model)
        target = named_target(turn.directory, proposal.target)
        if proposal.target and target is None:
            return refused_mildly("proposed somebody whom the directory lacks", detail, model)
        return self._weigh(turn, so_far, proposal, intent, target, detail, model)

    def _weigh(
        self,
        turn: TurnContext,
        so_far: Decision,
        proposal: Proposal,
        intent: Intent,
        target: Target | None,
        detail: dict[str, Any],
        changes: dict[str, Any],
    ) -> Opinion:
        if so_far.priority is Priority.NORMAL and proposal.priority == Priority.HIGH:
            changes["priority"] = Priority.HIGH
        found = so_far.target_id is not None or bool(so_far.candidates)
        if intent not in _OF_SOMEBODY and found and _asked_for(turn):
            return proposed(f"proposed {intent.value}; somebody is named", detail, **changes)
        if intent in _OF_SOMEBODY and found:
            changes |= {"intent": intent, "action": _ACTIONS[intent]}
            if so_far.target_id is None and len(so_far.candidates) == 1:
                # A name that nothing seemed to ask for, until the model said that somebody is.
                changes |= {"target_id": so_far.candidates[0], "confidence": CONFIDENCE}
            return decided(f"proposed {intent.value} for whom code found", detail, **changes)
        if intent is Intent.OPERATOR or (intent is Intent.APPOINTMENT and target is None):
            target = turn.directory.operator_target
        if intent not in _ACTIONS or (intent is Intent.TRANSFER and target is None):
            # An emergency or a farewell that no rule found is not for a model to act on.
            changes |= {"intent": _RECORDED.get(intent, Intent.UNKNOWN), "action": Action.CLARIFY}
            return proposed(f"proposed {intent.value}, which is left open", detail, **changes)
        changes |= {"intent": intent, "action": _ACTIONS[intent]}
        changes["confidence"] = self._confidence(turn, target)
        changes["target_id"] = target.id if target else None
        if intent is Intent.HOURS:
            changes |= {"reply": answer(turn.directory.hours, turn.now, turn.words)}
            changes["target_id"] = None
        who = f" for {target.name}" if target else ""
        return decided(f"proposed {intent.value}{who}", detail, **changes)

    def _confidence(self, turn: TurnContext, target: Target | None) -> float:
        heard = target and any(match.target_id == target.id for match in turn.named.all)
        guessed = isinstance(target, Person) or asks_for_a_stranger(turn.words)
        certain = CONFIDENCE_UNHEARD if target and guessed and not heard else CONFIDENCE
        return certain * (0.85 + 0.15 * turn.confidence)


def _asked_for(turn: TurnContext) -> bool:
    """Whether a name stands where a request for somebody has it."""
    best = turn.named.best
    return best is not None and best.cued and best.score > _SURELY


def asks_for_a_stranger(words: Sequence[str]) -> bool:
    """Whether a request names somebody the directory lacks: "can i speak to margaret"."""
    return any(
        before in _SPEAKS_TO and word not in ORDINARY and not word.isdigit()
        for before, word in pairwise(words)
    )


def refused_mildly(reason: str, detail: dict[str, Any], model: dict[str, Any]) -> Opinion:
    """What the model said is not used; the turn stays open for the rest of the chain."""
    opinion = refused(reason, detail, **model)
    return Opinion(opinion.verdict, opinion.reason, opinion.changes, opinion.detail)


def named_target(directory: Directory, name: str | None) -> Target | None:
    """The target with exactly this name (case and punctuation aside); None when there is none."""
    wanted = words_of(name or "")
    if not wanted:
        return None
    return next((target for target in directory.targets() if words_of(target.name) == wanted), None)
