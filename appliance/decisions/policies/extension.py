"""Spoken extension numbers: "extension two zero one", "dial two four eight", "two oh one"."""

from appliance.calls.decision import Action, Intent
from appliance.decisions.chain import Case, Opinion, decided, passed, refused
from appliance.decisions.policies.keypad import LABEL_NO_EXTENSION
from appliance.decisions.spoken import digit_runs
from appliance.decisions.words import ARTICLES, COURTESY, REQUEST, bag

_CUES = bag("extension dial ext line internal")
_ALONE = COURTESY | ARTICLES | REQUEST | _CUES | bag("number can could would i like me")


class Extension:
    """Decides a transfer to whoever has the number; numbers of nobody are refused."""

    name = "extension"
    limits = False
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Digits count after "extension" or "dial", or when nothing else was said."""
        turn, so_far = case.turn, case.so_far
        words = turn.words
        for run in digit_runs(words):
            cued = bool(_CUES & set(words[max(0, run.start - 3) : run.start]))
            others = (*words[: run.start], *words[run.end :])
            alone = len(run.digits) > 1 and all(word in _ALONE for word in others)
            if not (cued or (alone and not {"my", "at"} & set(others))):
                continue
            target = turn.directory.by_extension(run.digits)
            if target is not None:
                return decided(
                    f"extension {run.digits}",
                    intent=Intent.TRANSFER,
                    action=Action.TRANSFER,
                    target_id=target.id,
                    confidence=0.7 + 0.3 * turn.confidence,
                )
            return refused(
                "a number that no target has",
                {"digits": len(run.digits)},
                intent=Intent.UNKNOWN,
                action=Action.CLARIFY,
                labels=(*so_far.labels, LABEL_NO_EXTENSION),
                confidence=1.0,
            )
        return passed("names no extension")
