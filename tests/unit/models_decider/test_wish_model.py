"""The starter model that tells a wish, and how the chain uses it."""

from pathlib import Path

import numpy as np
import pytest

from appliance.calls.decision import Action, Intent
from appliance.calls.errors import ConfigurationError, InferenceError
from appliance.decisions.chain import DecisionChain
from appliance.decisions.context import TurnContext
from appliance.decisions.language_model import Proposal, ProposalRequest
from appliance.decisions.policies import standard_policies
from appliance.decisions.wishes import WISHES, WishModel, nameless
from models.training.wishes.__main__ import evaluate
from models.training.wishes.network import fitted_network
from tests.unit.decisions.front_desk import WEDNESDAY, front_desk

STARTER = Path(__file__).parents[3] / "models/starter/wishes.npz"
DIRECTORY = front_desk()


class ModelOutOfOrder:
    """A language model that never answers, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def propose(self, request: ProposalRequest) -> Proposal:
        self.asked += 1
        raise InferenceError(f"nobody answers {request.text}")


@pytest.fixture(scope="module")
def starter() -> WishModel:
    return WishModel.load(STARTER)


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("i would like to leave a short message", Intent.MESSAGE),
        ("until when are you open on friday", Intent.HOURS),
        ("i am afraid that is not what i meant", Intent.CONFIRM_NO),
        ("could you say that one more time", Intent.REPEAT),
        ("can i please talk to somebody real", Intent.OPERATOR),
        ("i have to move my appointment", Intent.APPOINTMENT),
    ],
)
def test_a_wish_is_told(starter: WishModel, text: str, intent: Intent) -> None:
    wish = starter.guess(text.split())
    assert wish.intent is intent
    assert 0.5 < wish.chance <= 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tell alice that i called", "tell @ that i called"),
        ("is alice brown in or somebody from billing", "is @ in or somebody from @d"),
        ("this is john smith i would like alice", "~ i would like @"),
        ("my dishwasher is broken", "my dishwasher is broken"),
    ],
)
def test_names_are_marks_to_it(text: str, words: str) -> None:
    assert " ".join(nameless(TurnContext(text, DIRECTORY, WEDNESDAY))) == words


def test_nothing_said_is_no_error(starter: WishModel) -> None:
    assert starter.guess(()).intent in WISHES


def test_the_network_is_heard_beside_the_regression() -> None:
    """One look at place 3, which weighs nothing to the regression and wakes the only unit."""
    weights = np.zeros((1, len(WISHES) + 1), dtype=np.int8)
    weights[0, -1] = 2
    outputs = np.where(np.array(WISHES) == Intent.HOURS, 50.0, 0.0)[None].astype(np.float32)
    model = WishModel(8, np.array([3], dtype=np.int32), weights, np.array([1.0, 0.5]), outputs)
    chances = model.chances([3])
    assert chances[WISHES.index(Intent.HOURS)] == pytest.approx((1 + 1 / len(WISHES)) / 2)
    assert chances.sum() == pytest.approx(1)
    assert model.chances([5]) == pytest.approx(1 / len(WISHES))


def test_a_network_learns_what_no_sum_of_weights_tells() -> None:
    """Either of places 1 and 2 alone is one wish, both or neither the other."""
    asked = [([0], 0), ([0, 1], 1), ([0, 2], 1), ([0, 1, 2], 0)]
    turns = [(np.array(places, dtype=np.int32), wish) for places, wish in asked] * 300
    network = fitted_network(turns, np.arange(3), buckets=8)
    for places, wish in asked:
        hidden = np.maximum(network.inputs[places].sum(axis=0), 0)
        assert (hidden @ network.outputs).argmax() == wish


def test_handwritten_turns_are_understood() -> None:
    right = evaluate(STARTER, None, turns=600)["intent_right_percent"]
    assert right["handwritten"] >= 95
    assert right["unseen wording"] >= 88
    assert right["unseen names, half misheard"] >= 93


def test_names_are_code_s_and_wishes_the_model_s(starter: WishModel) -> None:
    chain = DecisionChain(standard_policies(wishes=starter))
    turn = TurnContext("please let alice know that it got late", DIRECTORY, WEDNESDAY)
    decision = chain.decide(turn)
    assert (decision.intent, decision.target_id) == (Intent.MESSAGE, "alice")
    assert decision.action is Action.TAKE_MESSAGE


def test_a_sure_wish_needs_no_language_model(starter: WishModel) -> None:
    model = ModelOutOfOrder()
    chain = DecisionChain(standard_policies(model, wishes=starter))
    text = "could somebody of your team please phone me back some time"
    decision = chain.decide(TurnContext(text, DIRECTORY, WEDNESDAY))
    assert decision.intent is Intent.MESSAGE
    assert model.asked == 0


def test_a_model_that_does_not_answer_leaves_what_is_known(starter: WishModel) -> None:
    model = ModelOutOfOrder()
    chain = DecisionChain(standard_policies(model, wishes=starter))
    text = "i want to talk to somebody about my gizmo"
    decision = chain.decide(TurnContext(text, DIRECTORY, WEDNESDAY))
    assert decision.action in {Action.CLARIFY, Action.TRANSFER}


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.npz: cannot be read"):
        WishModel.load(tmp_path / "nowhere.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"{}"])
def test_a_file_that_is_no_model_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.npz"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"model\.npz"):
        WishModel.load(path)


def test_tables_that_do_not_fit_are_named(tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    np.savez(path, buckets=8, places=[1, 2], weights=[[1]], scales=[1, 1], outputs=[[1.0]])
    with pytest.raises(ConfigurationError, match="do not fit"):
        WishModel.load(path)


@pytest.mark.parametrize(("places", "fits"), [([1, 2], True), ([2, 1], False), ([1, 1], False)])
def test_places_ascend_as_they_are_searched_by_halves(
    tmp_path: Path, places: list[int], fits: bool
) -> None:
    path = tmp_path / "model.npz"
    weights, outputs = np.zeros((2, len(WISHES) + 1)), np.zeros((1, len(WISHES)))
    weights[1, 0] = 100
    np.savez(path, buckets=8, places=places, weights=weights, scales=[1, 1], outputs=outputs)
    if not fits:
        with pytest.raises(ConfigurationError, match="do not fit"):
            WishModel.load(path)
        return
    model = WishModel.load(path)
    sure = [model.chances([place])[0] > 0.5 for place in range(8)]
    assert sure == [place == 2 for place in range(8)]
