"""Whom the caller names: departments, topics and people of the directory."""

from typing import Any

from appliance.calls.decision import Action, Intent
from appliance.decisions.chain import Case, Opinion, decided, passed, proposed
from appliance.decisions.context import TurnContext
from appliance.decisions.keys import DEPARTMENT_WORDS, Kind
from appliance.decisions.matching import Match
from appliance.decisions.words import ARTICLES, COURTESY, TITLES, bag

MAX_CANDIDATES = 3
_CONNECTING = (
    COURTESY
    | ARTICLES
    | TITLES
    | DEPARTMENT_WORDS
    | bag(
        """
        can could may might would will i you me we us speak talk to with connect transfer put
        through like want need calling for looking trying reach hold somebody someone from in
        people am
        """
    )
)
# Under this a likeness is worth asking the language model first.
WORTH_DECIDING = 0.72


class DirectoryMatch:
    """Finds whoever was named; several alike become a question.

    Naming somebody is not asking to be connected: "tell alice I called" names her too. So where a
    language model follows, only a plain request is settled here, and the rest is proposed: it
    stands when the model does not answer.
    """

    name = "directory"
    limits = False
    in_dictation = False

    def __init__(self, model_follows: bool = False) -> None:
        """With ``model_follows`` a later policy says what is wanted of whom this one found."""
        self._model_follows = model_follows

    def consider(self, case: Case) -> Opinion:
        """Use the turn's matches by spelling and by sound."""
        turn = case.turn
        best = turn.named.best
        if best is None:
            return passed("names nobody of the directory")
        reason, changes, detail = choice_of(turn)
        changes |= {"intent": Intent.TRANSFER, "action": Action.TRANSFER}
        if best.score < WORTH_DECIDING:
            return proposed(f"{reason}, faintly", detail, candidates=changes["candidates"])
        if self._model_follows and not _only_asks_for(turn, best):
            return proposed(f"{reason}; what is wanted is for the model to say", detail, **changes)
        return decided(reason, detail, **changes)


def _only_asks_for(turn: TurnContext, best: Match) -> bool:
    """Whether nothing is said but a name and a request to be connected."""
    others = (*turn.words[: best.start], *turn.words[best.end :])
    return best.kind is not Kind.TOPIC and all(word in _CONNECTING for word in others)


def choice_of(turn: TurnContext) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The named target as a reason, changes to the decision, and detail for the record.

    ``target_id`` is None when several are as likely; they are the ``candidates`` then.
    """
    named = turn.named
    best = named.best
    if best is None:
        return "names nobody", {"target_id": None, "candidates": ()}, {}
    detail = {"matches": [_record(match, turn) for match in named.all[:5]]}
    likely = tuple(match.target_id for match in named.rivals[:MAX_CANDIDATES])
    changes: dict[str, Any] = {"candidates": likely}
    if named.ambiguous:
        confidence = best.score * 0.5
        changes |= {"target_id": None, "confidence": confidence}
        return f"“{best.phrase}” may be {len(named.rivals)} targets", changes, detail
    confidence = best.score * (0.7 + 0.3 * turn.confidence)
    changes |= {"target_id": best.target_id, "confidence": confidence}
    how = "by sound" if best.sound else "by spelling"
    return f"“{best.phrase}” is a {best.kind.value.replace('_', ' ')}, {how}", changes, detail


def topic_of(turn: TurnContext) -> str:
    """The directory's own word for what the caller asks about; empty when none was named."""
    topics = [match for match in turn.named.all if match.kind is Kind.TOPIC]
    return topics[0].phrase if topics else ""


def _record(match: Match, turn: TurnContext) -> dict[str, Any]:
    target = turn.directory.target(match.target_id)
    return {
        "target": target.name if target else match.target_id,
        "words": match.phrase,
        "kind": match.kind.value,
        "score": round(match.score, 3),
        "cued": match.cued,
        "sound": match.sound,
    }
