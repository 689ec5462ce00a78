"""The rules that stand in for a language model."""

import json

import pytest

from appliance.inference.config import EngineOptions
from appliance.inference.engines.rules import RuleBasedChat, propose
from appliance.inference.protocols import Cancellation, ChatMessage, ChatRequest

DIRECTORY = "open 8 to 18\n211 john smith\n212 anna jones\n322 billing\n323 technical support\n"


@pytest.mark.parametrize(
    ("turn", "intent", "target"),
    [
        ("can i speak to john smith please", "transfer", "john smith"),
        ("Billing, please", "transfer", "billing"),
        ("hello this is about support", "transfer", "technical support"),
        ("leave a message for anna jones", "message", "anna jones"),
        ("please ask missus jones to call me back", "message", "anna jones"),
        ("what are your opening hours", "hours", None),
        ("there is a fire", "emergency", None),
        ("i want to speak to a real person", "operator", None),
        ("yes please", "confirm_yes", None),
        ("purple monkey", "", None),
    ],
)
def test_turns(turn: str, intent: str, target: str | None) -> None:
    proposal = propose(DIRECTORY, turn)
    assert (proposal["intent"], proposal["target"]) == (intent, target)


def test_two_names_are_no_name() -> None:
    assert propose(DIRECTORY, "john or anna")["target"] is None


def test_only_offered_intents_are_answered() -> None:
    schema = {"properties": {"intent": {"enum": ["transfer", "message", "unknown"]}}}
    for turn, intent in (("operator", "transfer"), ("goodbye", "unknown"), ("mm", "unknown")):
        request = ChatRequest((ChatMessage("system", DIRECTORY), ChatMessage("user", turn)), schema)
        pieces = RuleBasedChat(EngineOptions()).chat(request, Cancellation(float("inf")))
        answer = json.loads("".join(piece.text for piece in pieces))
        assert answer["intent"] == intent
