"""What models propose for what the rules did not settle. They propose and no more."""

from typing import Any

from appliance.calls.decision import Decision, Intent, Priority
from appliance.calls.directory import Directory, Target
from appliance.calls.errors import InferenceError
from appliance.decisions.chain import Case, Opinion, passed, refused
from appliance.decisions.context import TurnContext
from appliance.decisions.hours_text import short
from appliance.decisions.language_model import LanguageModel, Proposal, ProposalRequest
from appliance.decisions.text import words_of
from appliance.decisions.weighing import Proposed, somebody_found, weigh
from appliance.decisions.wishes import WishModel, nameless

HISTORY_LINES = 4
# From this chance on, the wish model is believed.
SURE = 0.5


class ModelProposal:
    """Asks the models, and takes from their answers only what the directory knows.

    A wish that the wish model is sure of is taken from it, and the language model is only asked
    whom it may concern. Without a wish model, the language model says both.
    """

    name = "language_model"
    limits = False
    in_dictation = False

    def __init__(self, model: LanguageModel | None, wishes: WishModel | None = None) -> None:
        """Ask ``model``, ``wishes`` or both."""
        self._model = model
        self._wishes = wishes

    def consider(self, case: Case) -> Opinion:
        """Ask about the turn; raises InferenceError when the model does not answer."""
        turn, so_far = case.turn, case.so_far
        if not turn.words or turn.keyed:
            return passed("nothing to ask about")
        guess = self._wishes.guess(nameless(turn)) if self._wishes else None
        wish = guess.intent if guess and guess.chance >= SURE else None
        detail: dict[str, Any] = {}
        if guess:
            detail |= {"wish": guess.intent.value, "chance": round(guess.chance, 3)}
        if wish and not (self._model and wish is Intent.TRANSFER and not somebody_found(so_far)):
            return weigh(Proposed(wish, None, detail, {}), turn, so_far)
        if self._model is None:
            return passed("the wish model is not sure")
        try:
            proposal = self._ask(self._model, turn)
        except InferenceError:
            if wish:
                return weigh(Proposed(wish, None, detail, {}), turn, so_far)
            raise
        return _checked(proposal, wish, detail, turn, so_far)

    def _ask(self, model: LanguageModel, turn: TurnContext) -> Proposal:
        return model.propose(
            ProposalRequest(
                text=turn.plain,
                directory=turn.directory,
                history=turn.history[-HISTORY_LINES:],
                open_now=turn.open_now,
                hours_text=short(turn.directory.hours, turn.now),
            )
        )


def _checked(
    proposal: Proposal,
    wish: Intent | None,
    detail: dict[str, Any],
    turn: TurnContext,
    so_far: Decision,
) -> Opinion:
    """What the language model proposed, if it exists."""
    detail = detail | {
        "raw": proposal.raw[:2000],
        "intent": proposal.intent[:40],
        "target": (proposal.target or "")[:200],
        "model_ms": proposal.took_ms,
    }
    changes: dict[str, Any] = {"model": proposal.model[:200]}
    try:
        intent = wish or Intent(proposal.intent)
    except ValueError:
        return refused_mildly("proposed an intent that does not exist", detail, changes)
    target = named_target(turn.directory, proposal.target)
    if proposal.target and target is None:
        return refused_mildly("proposed somebody whom the directory lacks", detail, changes)
    if so_far.priority is Priority.NORMAL and proposal.priority == Priority.HIGH:
        changes["priority"] = Priority.HIGH
    return weigh(Proposed(intent, target, detail, changes), turn, so_far)


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
