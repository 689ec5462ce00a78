"""Answers to a choice that was read out: "the second one", "neither", "someone else"."""

import re

from appliance.calls.decision import Action, Decision, Intent
from appliance.decisions.chain import Case, Opinion, decided, passed
from appliance.decisions.context import Asked, TurnContext
from appliance.decisions.policies.closed_answers import says_yes

LABEL_SOMEONE_ELSE = "someone_else"

_PLACES = (
    re.compile(r"\b(?:first|former)\b|^(?:the |number |option |press )*one$"),
    re.compile(r"\b(?:second|latter)\b|^(?:the |number |option |press )*two$"),
    re.compile(r"\bthird\b|^(?:the |number |option |press )*three$"),
)
_NEITHER = re.compile(r"\b(?:neither|none|nobody|no one)\b")
_ELSE = re.compile(r"\b(?:someone|somebody|anyone|anybody|some one|another) (?:else|person)\b")
_AGAIN = re.compile(r"\b(?:try|call|ring) (?:\w+ ){0,3}again\b|^again(?: please)?$|\bkeep trying\b")


class Choice:
    """Decides which of the read-out candidates is meant."""

    name = "choice"
    limits = False
    in_dictation = False

    def consider(self, case: Case) -> Opinion:
        """Only asked-for answers count: nothing was read out, nothing can be chosen."""
        turn, so_far = case.turn, case.so_far
        if turn.asked is Asked.OFFER:
            return self._offer(turn, so_far)
        if turn.asked is not Asked.CHOICE or not turn.candidates:
            return passed("no choice was offered")
        for place, pattern in enumerate(_PLACES[: len(turn.candidates)]):
            if pattern.search(turn.request) and not turn.named.best:
                return decided(
                    f"chose number {place + 1}",
                    intent=Intent.TRANSFER,
                    action=Action.TRANSFER,
                    target_id=turn.candidates[place],
                    confidence=1.0,
                )
        if len(turn.candidates) == 1 and _yes_to_that(turn):
            return decided(
                "yes, that one",
                intent=Intent.TRANSFER,
                action=Action.TRANSFER,
                target_id=turn.candidates[0],
                confidence=1.0,
            )
        if _NEITHER.search(turn.request):
            return decided(
                "none of those offered",
                intent=Intent.CONFIRM_NO,
                action=Action.ANSWER,
                confidence=1.0,
            )
        return passed("no place in the list was named")

    def _offer(self, turn: TurnContext, so_far: Decision) -> Opinion:
        target_id = turn.candidates[0] if turn.candidates else None
        if _ELSE.search(turn.request):
            return decided(
                "wants to try someone else",
                intent=Intent.CONFIRM_YES,
                action=Action.ANSWER,
                labels=(*so_far.labels, LABEL_SOMEONE_ELSE),
                confidence=1.0,
            )
        if target_id and _AGAIN.search(turn.request):
            return decided(
                "wants to try again",
                intent=Intent.TRANSFER,
                action=Action.TRANSFER,
                target_id=target_id,
                confidence=1.0,
            )
        if _yes_to_that(turn):
            return decided(
                "yes to a message",
                intent=Intent.MESSAGE,
                action=Action.TAKE_MESSAGE,
                target_id=target_id,
                confidence=1.0,
            )
        return passed("no answer to the offer")


def _yes_to_that(turn: TurnContext) -> bool:
    """A yes that names nobody else."""
    best = turn.named.best
    return says_yes(turn.request) and (best is None or best.target_id in turn.candidates)
