"""Keyed digits: 0 for a person, a choice that was read out, or an extension."""

from appliance.calls.decision import Action, Intent
from appliance.decisions.chain import Case, Opinion, decided, passed, refused

LABEL_NO_EXTENSION = "no_such_extension"


class Keypad:
    """Decides every keyed turn, so that no later policy reads digits as words."""

    name = "keypad"
    limits = False
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Read ``turn.text`` as digits when it was keyed."""
        turn, so_far = case.turn, case.so_far
        if not turn.keyed:
            return passed("spoken")
        digits = "".join(char for char in turn.text if char in "0123456789")
        target = turn.directory.target(turn.keys.get(digits))
        if digits == "0" and target is None:
            target = turn.directory.operator_target
            return decided(
                "0 asks for a person",
                intent=Intent.OPERATOR,
                action=Action.TRANSFER,
                target_id=target.id if target else None,
                confidence=1.0,
            )
        target = target or turn.directory.by_extension(digits)
        if target is None:
            return refused(
                "keyed digits that mean nothing here",
                intent=Intent.UNKNOWN,
                action=Action.CLARIFY,
                labels=(*so_far.labels, LABEL_NO_EXTENSION),
                confidence=1.0,
            )
        return decided(
            f"keyed: {target.name}",
            intent=Intent.TRANSFER,
            action=Action.TRANSFER,
            target_id=target.id,
            confidence=1.0,
        )
