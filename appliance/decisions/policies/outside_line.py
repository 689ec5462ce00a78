"""Toll fraud: callers who ask for an outside line or name a number that is no extension here."""

import re
from itertools import pairwise

from appliance.calls.decision import Action, Intent
from appliance.decisions.chain import Case, Opinion, passed, refused
from appliance.decisions.context import TurnContext
from appliance.decisions.spoken import digit_runs
from appliance.decisions.words import bag

LABEL = "toll_fraud"
REPLY = "I am sorry, I can only connect you with people here."

_OUTSIDE = re.compile(
    r"\b(?:outside|outgoing|external|outbound|long distance|international) (?:line|number|call"
    r"|phone|trunk)"
    r"|\bdial(?:ling|ing)? (?:tone|out|through)\b"
    r"|\b(?:premium|toll) (?:rate|number|line)\b"
    r"|\bstar (?:seven two|nine zero|72|90)\b"
    r"|\bdial (?:nine|9)\b(?! (?:one one|nine nine|11|99))"
)
_DIALS = bag("dial call connect transfer extension forward ring bridge through")
# No extension is longer (calls.directory.EXTENSION), so more digits are a number outside.
_LONGEST_EXTENSION = 8


class OutsideLine:
    """Refuses every wish to be connected to anything that is not in the directory."""

    name = "outside_line"
    limits = False
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Look for outside lines and for numbers to be dialled that no target has."""
        turn, so_far = case.turn, case.so_far
        found = _OUTSIDE.search(turn.plain)
        reason = f"asks for an outside line: {found[0]}" if found else self._number(turn)
        if not reason:
            return passed("asks for nothing outside")
        return refused(
            reason,
            intent=Intent.UNKNOWN,
            action=Action.ANSWER,
            target_id=None,
            labels=(*so_far.labels, LABEL),
            reply=REPLY,
            confidence=1.0,
        )

    def _number(self, turn: TurnContext) -> str:
        words = turn.plain.split()
        for run in digit_runs(words):
            if turn.directory.by_extension(run.digits):
                continue
            asked = _DIALS & set(words[max(0, run.start - 4) : run.start])
            back = "back" in words or ("call", "me") in pairwise(words)
            if turn.keyed or (asked and not back):
                outside = len(run.digits) > _LONGEST_EXTENSION or run.digits.startswith("00")
                if outside or (len(run.digits) > 4 and "extension" not in asked):
                    return f"asks for a number outside: {len(run.digits)} digits"
        return ""
