"""Orders that reach a call's session: done, or refused without a trace in how the call goes on."""

import pytest

from appliance.calls.errors import SwitchGoneError
from appliance.calls.events import OrderAnswered, Outcome
from appliance.calls.orders import Order, OrderAnswer, Verb
from appliance.controller.inputs import OrderGiven
from tests.unit.actions.doubles import CALL_ID, ORGANISATION, FakeAudio, Scene
from tests.unit.controller.doubles import Begin, outcome


def hang_up(answers: list[OrderAnswer]) -> OrderGiven:
    order = Order(
        order_id="an order", call_id=CALL_ID, organisation_id=ORGANISATION, verb=Verb.HANG_UP,
        given_by="Ann",
    )  # fmt: skip
    return OrderGiven(order, answers.append)


def test_a_call_that_is_hung_up_by_order_says_by_whose(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.spoken()
    answers: list[OrderAnswer] = []
    session.session.post(hang_up(answers))
    scene.link.next("uuid_kill")
    scene.channel.hang_up()
    session.end()
    assert answers == [OrderAnswer(True, "Hung up.")]
    ended = outcome(scene)
    assert (ended.outcome, ended.how) == (Outcome.ENDED_BY_ORDER, "Ann hung up from the page")


@pytest.mark.parametrize("failing", [SwitchGoneError("the link is down"), "-ERR No such channel"])
def test_a_call_that_cannot_be_hung_up_goes_on_as_if_nobody_had_tried(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch, failing: Exception | str
) -> None:
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    scene.link.answers["uuid_kill"] = failing
    session = begin()
    greeting = session.spoken()
    answers: list[OrderAnswer] = []
    session.session.post(hang_up(answers))
    assert not scene.kept.next(OrderAnswered).done
    assert not greeting.interrupted
    scene.channel.hang_up()
    session.end()
    assert [answer.done for answer in answers] == [False]
    assert outcome(scene).outcome is Outcome.CALLER_HUNG_UP
