"""Whom the caller names: departments, topics and people of the directory."""

from typing import Any

from appliance.calls.decision import Action, Intent
from appliance.decisions.chain import Case, Opinion, decided, passed, proposed
from appliance.decisions.context import TurnContext
from appliance.decisions.keys import Kind
from appliance.decisions.matching import Match

MAX_CANDIDATES = 3
# Under this a likeness is worth asking the language model first.
WORTH_DECIDING = 0.72


class DirectoryMatch:
    """Decides a transfer to whoever was named; several alike become a question."""

    name = "directory"
    limits = False
    in_dictation = False

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
        return decided(reason, detail, **changes)


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
