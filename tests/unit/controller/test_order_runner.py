"""Orders that reach a call's session: done, or refused without a trace in how the call goes on."""

import pytest
from gevent.event import AsyncResult

from appliance.calls.errors import SwitchGoneError
from appliance.calls.events import OrderAnswered, Outcome
from appliance.calls.orders import Order, OrderAnswer, Verb
from appliance.controller.inputs import OrderGiven
from tests.unit.actions.doubles import CALL_ID, ORGANISATION, FakeAudio, Scene
from tests.unit.controller.doubles import TO_ANNA, Begin, outcome


def ordered(verb: Verb, answers: list[OrderAnswer], text: str = "") -> OrderGiven:
    order = Order(
        order_id="an order", call_id=CALL_ID, organisation_id=ORGANISATION, verb=verb,
        given_by="Ann", text=text,
    )  # fmt: skip
    return OrderGiven(order, answers.append)


def test_a_call_that_is_hung_up_by_order_says_by_whose(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.spoken()
    answers: list[OrderAnswer] = []
    session.session.post(ordered(Verb.HANG_UP, answers))
    scene.link.next("uuid_kill")
    scene.channel.hang_up()
    session.end()
    assert answers == [OrderAnswer(True, "Hung up.")]
    ended = outcome(scene)
    assert (ended.outcome, ended.how) == (Outcome.ENDED_BY_ORDER, "Ann hung up from the page")


def test_a_line_is_heard_in_place_of_the_ringing_and_then_it_rings_on(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ringing has no end: behind it nobody would ever hear the line."""
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    scene.link.answers["originate"] = AsyncResult()
    session = begin([TO_ANNA])
    session.spoken().finish()
    ringing = session.spoken()
    answers: list[OrderAnswer] = []
    session.session.post(ordered(Verb.SAY, answers, "She is on her way."))
    line = session.spoken()
    assert line.said == "She is on her way."
    assert ringing.interrupted
    line.finish()
    assert session.spoken().said == ringing.said
    scene.link.answers["originate"].set("-ERR NO_ANSWER")


@pytest.mark.parametrize("failing", [SwitchGoneError("the link is down"), "-ERR No such channel"])
def test_a_call_that_cannot_be_hung_up_goes_on_as_if_nobody_had_tried(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch, failing: Exception | str
) -> None:
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    scene.link.answers["uuid_kill"] = failing
    session = begin()
    greeting = session.spoken()
    answers: list[OrderAnswer] = []
    session.session.post(ordered(Verb.HANG_UP, answers))
    assert not scene.kept.next(OrderAnswered).done
    assert not greeting.interrupted
    scene.channel.hang_up()
    session.end()
    assert [answer.done for answer in answers] == [False]
    assert outcome(scene).outcome is Outcome.CALLER_HUNG_UP
