"""The handwritten turns are well formed, and the rules know the emergencies among them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from appliance.calls.decision import Intent, Priority
from models.training.decider.emergencies import heard_as_emergency, measure_emergencies

MODELS = Path(__file__).parents[3] / "models"
SET = yaml.safe_load((MODELS / "handwritten.yaml").read_text("utf-8"))
LISTS = yaml.safe_load((MODELS / "handwritten-emergencies.yaml").read_text("utf-8"))
NAMES = {entry["name"] for entry in SET["directory"]}


def test_there_are_enough_turns_and_none_is_there_twice() -> None:
    said = [turn["say"] for turn in SET["turns"]]
    assert len(said) >= 200
    assert len(set(said)) == len(said)
    assert len(LISTS["emergencies"]) >= 100


@pytest.mark.parametrize("turn", SET["turns"], ids=lambda turn: turn["say"])
def test_a_turn_is_well_formed(turn: dict[str, Any]) -> None:
    assert set(turn) <= {"say", "intent", "target", "priority", "absent"}
    assert turn["say"] == turn["say"].strip().lower()
    assert Intent(turn["intent"])
    assert Priority(turn.get("priority", "normal"))
    assert turn.get("target") in {None, *NAMES}
    assert not (turn.get("absent") and turn.get("target"))


@pytest.mark.parametrize("said", [*LISTS["emergencies"], *LISTS["check_emergencies"]])
def test_no_handwritten_emergency_is_missed(said: str) -> None:
    assert heard_as_emergency(said)


@pytest.mark.parametrize("said", [*LISTS["ordinary"], *LISTS["check_ordinary"]])
def test_what_only_sounds_like_one_is_none(said: str) -> None:
    assert not heard_as_emergency(said)


def test_at_most_one_ordinary_turn_in_a_thousand_is_taken_for_an_emergency() -> None:
    figures = measure_emergencies(2000)
    assert figures["handwritten_missed"] == []
    assert figures["handwritten_false"] == []
    assert len(figures["generated_false"]) <= 2
    assert figures["tricky_false"] <= 20
