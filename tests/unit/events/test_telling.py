"""What the log tells of events: no words, names or numbers of callers."""

from dataclasses import fields
from typing import Any

import pytest
from structlog.testing import capture_logs

from appliance.calls.decision import Action, Decision, Intent
from appliance.calls.events import EVENT_TYPES, DecisionMade, Event, TurnTaken
from appliance.events.telling import tell

_SECRET = "hunter2"
_DECISION = Decision(_SECRET, Intent.TRANSFER, Action.TRANSFER).as_dict()
_PRIVATE = {
    "announcement", "callback_number", "caller_name", "caller_number", "error", "given_by", "how",
    "path", "target_id", "target_name", "text", "words",
}  # fmt: skip
_GIVEN = {"call_id", "organisation_id", "seq", "at", "event_id"}


def _event(kind: type[Event]) -> Event:
    names = {field.name for field in fields(kind)} - _GIVEN
    facts: dict[str, Any] = {name: _SECRET if name in _PRIVATE else "own" for name in names}
    if kind is DecisionMade:
        facts["decision"] = _DECISION
    return kind(call_id="call-1", organisation_id="x", seq=1, **facts)


@pytest.mark.parametrize("kind", EVENT_TYPES.values())
def test_no_event_gives_words_away(kind: type[Event]) -> None:
    event = _event(kind)
    with capture_logs() as lines:
        tell(event)
    assert len(lines) == (kind.kind not in ("words_heard", "conversation_saved"))
    for line in lines:
        assert (line["event"], line["call_id"]) == (kind.kind, "call-1")
        assert _SECRET not in str(line)


def test_what_is_told_of_turns_and_decisions() -> None:
    with capture_logs() as lines:
        tell(_event(TurnTaken))
        tell(_event(DecisionMade))
    assert lines[0]["speaker"] == "own"
    assert (lines[1]["intent"], lines[1]["action"]) == ("transfer", "transfer")
