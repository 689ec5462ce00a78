"""The last word: only targets of the directory, only their extensions, only allowed actions."""

from appliance.calls.decision import Action, Decision, Intent
from appliance.calls.directory import checked_extension
from appliance.calls.errors import ConfigurationError
from appliance.decisions.chain import Case, Opinion, passed, refused
from appliance.decisions.context import TurnContext

LABEL = "refused"


class Guard:
    """Refuses whatever is not allowed, whoever decided it, and says so in the record."""

    name = "guard"
    limits = True
    in_dictation = True

    def consider(self, case: Case) -> Opinion:
        """Check action, target, candidates and extensions of the decision as it stands."""
        turn, so_far = case.turn, case.so_far
        problem = self._problem(turn, so_far)
        if problem:
            intent = so_far.intent if so_far.intent is Intent.EMERGENCY else Intent.UNKNOWN
            return refused(
                problem,
                {"action": str(so_far.action), "target": so_far.target_id or ""},
                intent=intent,
                action=Action.CLARIFY,
                target_id=None,
                candidates=(),
                labels=(*so_far.labels, LABEL),
            )
        known = tuple(c for c in so_far.candidates if turn.directory.target(c) is not None)
        if known != so_far.candidates:
            return refused("candidates outside the directory", candidates=known)
        return passed("allowed")

    def _problem(self, turn: TurnContext, so_far: Decision) -> str:
        if so_far.action not in frozenset(Action):
            return "an action that does not exist"
        if so_far.target_id is not None and turn.directory.target(so_far.target_id) is None:
            return "a target outside the directory"
        if so_far.action is not Action.TRANSFER:
            return ""
        target = turn.directory.target(so_far.target_id)
        if target is None:
            return "a transfer to nobody"
        if not target.extensions:
            return f"{target.name} has no extension"
        try:
            for extension in target.extensions:
                checked_extension(extension)
        except ConfigurationError as error:
            return str(error)
        return ""
