"""Orders that reach a call's session: done, or refused without a trace in how the call goes on."""

import pytest
from gevent.event import AsyncResult

from appliance.calls.errors import SwitchGoneError
from appliance.calls.events import OrderAnswered, Outcome
from appliance.calls.orders import Order, OrderAnswer, Verb
from appliance.controller.inputs import OrderGiven
from tests.unit.actions.doubles import CALL_ID, LIMIT_S, ORGANISATION, FakeAudio, Scene
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


def test_an_order_whose_answer_was_lost_is_not_said_to_be_undone(
    begin: Begin, scene: Scene
) -> None:
    scene.link.answers["uuid_kill"] = SwitchGoneError("the link is down")
    session = begin()
    session.spoken()
    answers: list[OrderAnswer] = []
    session.session.post(ordered(Verb.HANG_UP, answers))
    assert scene.kept.next(OrderAnswered).words == (
        "FreeSWITCH did not confirm it: the link is down. Look at the call before you order it "
        "again."
    )
    scene.channel.hang_up()
    session.end()


def test_a_mistake_in_carrying_out_an_order_is_answered(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr("appliance.switch.commands.kill", mistaken)
    session = begin()
    session.spoken()
    answers: list[OrderAnswer] = []
    session.session.post(ordered(Verb.HANG_UP, answers))
    with pytest.raises(ZeroDivisionError):
        session.job.get(timeout=LIMIT_S)
    [answer] = answers
    assert not answer.done
    assert answer.words.startswith("It went wrong")
