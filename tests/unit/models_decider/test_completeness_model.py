"""The starter model that tells whether a caller sounds finished."""

import json
from pathlib import Path

import pytest

from appliance.calls.errors import ConfigurationError
from appliance.speech.completeness import Completeness, CompletenessModel, judge
from appliance.speech.endpointing import Endpoint, PauseLengths, endpoint
from appliance.speech.events import EndReason, Expectation
from models.training.completeness.cuts import cuts, handwritten_cuts
from models.training.completeness.evaluation import measured
from models.training.sentences import HELD_OUT_NAMES

STARTER = Path(__file__).parents[3] / "models/starter/completeness.json"


@pytest.fixture
def starter() -> CompletenessModel:
    return CompletenessModel.load(STARTER)


@pytest.mark.parametrize(
    ("text", "sounds"),
    [
        ("sales please", Completeness.FINISHED),
        ("I'd like to speak to Bob.", Completeness.FINISHED),
        ("what are your opening hours", Completeness.FINISHED),
        ("yes", Completeness.FINISHED),
        ("I\N{RIGHT SINGLE QUOTATION MARK}m calling about", Completeness.UNFINISHED),
        ("put me through", Completeness.UNFINISHED),
        ("can i speak to", Completeness.UNFINISHED),
        ("my name is", Completeness.UNFINISHED),
        ("so the thing is...", Completeness.UNFINISHED),
        ("my number is five five five", Completeness.DIGITS),
        ("", Completeness.UNKNOWN),
    ],
)
def test_how_it_sounds(starter: CompletenessModel, text: str, sounds: Completeness) -> None:
    assert judge(text, starter) is sounds


def test_few_callers_are_kept_waiting_and_few_are_cut_off(starter: CompletenessModel) -> None:
    generated = measured(list(cuts(5, "held-out", HELD_OUT_NAMES, 600)), starter)
    by_hand = measured(list(handwritten_cuts()), starter)
    for figures in (generated, by_hand):
        assert figures["finished_held_finished_percent"] > 85
        assert figures["finished_held_unfinished_percent"] < 6
        assert figures["unfinished_held_finished_percent"] < 35


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.json: cannot be read"):
        CompletenessModel.load(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        json.dumps({"buckets": 8, "places": [1], "weights": []}),
        json.dumps(
            {"buckets": 8, "places": [1], "weights": [2], "bias": 0,
             "finished_above": 0.1, "unfinished_below": 0.9}
        ),
    ],
)  # fmt: skip
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"model\.json"):
        CompletenessModel.load(path)


def test_the_model_decides_how_long_a_pause_is_waited_out(starter: CompletenessModel) -> None:
    pauses = PauseLengths()
    knowing = endpoint(pauses, Expectation.OPEN, 900, "i am calling about", starter)
    guessing = endpoint(pauses, Expectation.OPEN, 900, "i am calling about")
    assert knowing == Endpoint(pauses.unfinished_ms, EndReason.UNFINISHED)
    assert guessing == Endpoint(pauses.finished_ms, EndReason.FINISHED)
