"""Under the threshold the caller is asked, not moved."""

from appliance.calls.decision import Action, Intent
from appliance.decisions.chain import Case, Opinion, passed, proposed

# Names one letter in four apart ("prescription", "reception") must stay under it.
_THRESHOLD = 0.77


class Certainty:
    """Turns an uncertain transfer or message into a question with candidates."""

    name = "certainty"
    limits = True
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Look at what was decided and how surely."""
        so_far = case.so_far
        moves = so_far.action in (Action.TRANSFER, Action.TAKE_MESSAGE)
        if so_far.intent is Intent.EMERGENCY or not moves:
            return passed("nobody is moved")
        several = so_far.target_id is None and len(so_far.candidates) > 1
        if not several and (so_far.target_id is None or so_far.confidence >= _THRESHOLD):
            return passed("certain enough")
        candidates = so_far.candidates if several else (so_far.target_id or "",)
        return proposed(
            f"confidence {so_far.confidence:.2f} is under {_THRESHOLD:.2f}: ask",
            action=Action.CLARIFY,
            target_id=None,
            candidates=candidates,
        )
