"""Callers who want something written down or want to be called back."""

import re

from appliance.calls.decision import Action, Intent
from appliance.decisions.chain import Case, Opinion, decided, passed
from appliance.decisions.policies.directory_match import choice_of

_MESSAGE = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:leave|take|pass on|give|send|record|drop) (?:\w+ ){0,3}?(?:message|note"
        r"|voicemail|word)\b",
        r"\bleave (?:\w+ ){0,2}(?:a )?(?:voice ?mail|voice message)\b",
        r"\b(?:call|ring|phone) me(?: back)?\b|\bcallback\b|\bcall back (?:please|from)\b",
        r"\b(?:get|give) (?:back to me|me a (?:call|ring))\b",
        r"\b(?:please |can you |could you |would you )(?:tell|inform) (?!me\b|us\b)\w+",
        r"^tell (?!me\b|us\b)\w+",
        r"\b(?:let) (?!me\b|us\b)\w+(?: \w+)? know\b",
        r"\b(?:have|ask|get) (?!me\b|a\b|an\b)\w+(?: (?!on\b)\w+){0,2} (?:to )?"
        r"(?:call|phone|ring|contact|return my call)\b",
        r"^(?:a |the )?(?:message|voicemail|callback)(?: please| for \w+.*)?$",
    )
)
_NOT_A_REQUEST = re.compile(
    r"\b(?:got|received|had|get|return|returning|heard) (?:\w+ ){0,3}(?:message|note|voicemail"
    r"|call)\b|\bmissed (?:a |your )?calls?\b"
    r"|\b(?:nobody|no one|did not|never|has not|have not) (?:\w+ ){0,2}(?:call|called|ring"
    r"|rang) me\b"
    r"|\bdid (?:\w+ ){1,3}call me\b"
)


class Messages:
    """Decides to take a message, for whom it was asked or for the operator."""

    name = "messages"
    limits = False
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Look for the words of a message; the target may be missing."""
        turn = case.turn
        if _NOT_A_REQUEST.search(turn.request):
            return passed("speaks about a message, wants none taken")
        found = next((hit for p in _MESSAGE if (hit := p.search(turn.request))), None)
        if not found:
            return passed("wants no message taken")
        if turn.named.best is None or turn.named.best.score < 0.72:
            return decided(
                f"message words: {found[0]}",
                intent=Intent.MESSAGE,
                action=Action.TAKE_MESSAGE,
                confidence=1.0,
            )
        reason, changes, detail = choice_of(turn)
        return decided(
            f"message words: {found[0]}; {reason}",
            detail,
            **{**changes, "intent": Intent.MESSAGE, "action": Action.TAKE_MESSAGE},
        )
