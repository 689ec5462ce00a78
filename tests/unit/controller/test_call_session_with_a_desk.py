"""A call session while a desk rings, and while the caller is with a person."""

from dataclasses import replace

import gevent
import pytest
from gevent.event import AsyncResult

from appliance.actions.desks import ACCEPT, DECLINE
from appliance.calls.decision import Action, Decision, Intent
from appliance.calls.errors import InferenceError, SwitchGoneError
from appliance.calls.events import (
    CallEnded,
    Outcome,
    Speaker,
    TransferEnded,
    TurnTaken,
)
from appliance.calls.transfer import TransferMode, TransferResult
from appliance.controller.call_session import SessionTiming
from appliance.controller.inputs import CallerPressed, FinishedSpeaking, Hangup, Superseded
from appliance.dialogue.steps import Say, Step, Transfer
from appliance.media.tones import ringback
from tests.unit.actions.doubles import LIMIT_S, Scene
from tests.unit.controller.doubles import PATIENT, TO_ANNA, Begin, nothing_left, outcome, turn_ended


class Ringing:
    """A call whose transfer is under way."""

    def __init__(self, begin: Begin, scene: Scene, step: Step = TO_ANNA) -> None:
        scene.link.answers["originate"] = self.answer = AsyncResult()
        scene.link.answers["uuid_kill"] = self._kill
        self.session = begin([step])
        scene.link.next("originate")

    def _kill(self, command: str) -> str:
        if not self.answer.ready():
            self.answer.set("-ERR ORIGINATOR_CANCEL")
        return "+OK"


def test_the_caller_hears_it_ring(begin: Begin, scene: Scene) -> None:
    session = Ringing(begin, scene).session
    assert session.spoken().said == "One moment."
    period = next(ringback(8000)).decode(errors="replace")
    assert session.spoken().said == period[:200]


def test_a_transfer_in_vain_goes_on_with_the_conversation(begin: Begin, scene: Scene) -> None:
    ringing = Ringing(begin, scene)
    session = ringing.session
    session.spoken()
    session.spoken()  # it rings
    session.conversation.steps["transferred"] = [Say("She is busy.")]
    ringing.answer.set("-ERR USER_BUSY")
    assert session.conversation.next() == ("transferred", TransferResult.BUSY)
    assert session.spoken().said == "She is busy."
    assert not session.job.ready()


def test_while_it_rings_broken_engines_change_nothing(begin: Begin, scene: Scene) -> None:
    session = Ringing(begin, scene).session
    session.listener.on_lost(3000)
    session.frame(turn_ended())
    _, answer = session.recognizer.next()
    answer.set(InferenceError("gone"))
    session.session.post(FinishedSpeaking())
    gevent.idle()
    assert session.conversation.inputs.empty()
    assert not session.job.ready()


def test_what_is_said_and_keyed_while_it_rings_is_on_record(begin: Begin, scene: Scene) -> None:
    session = Ringing(begin, scene).session
    scene.channel.press("7")
    assert session.conversation.next() == ("second thoughts", "7", True)
    session.says("it is ringing")
    assert session.conversation.next() == ("second thoughts", "it is ringing", False)
    heard = [turn.text for turn in scene.kept.of(TurnTaken) if turn.speaker is Speaker.CALLER]
    assert heard == ["7", "it is ringing"]
    assert scene.kept.of(TransferEnded) == []


def test_what_rings_is_called_off_for_what_the_caller_wants_instead(
    begin: Begin, scene: Scene
) -> None:
    ringing = Ringing(begin, scene)
    session = ringing.session
    decision = Decision("never mind", Intent.CONFIRM_NO, Action.ANSWER)
    session.conversation.changes_to = decision
    session.conversation.steps["changed course"] = [Say("All right.")]
    session.spoken()
    session.spoken()  # it rings
    session.says("never mind")
    assert session.conversation.next() == ("second thoughts", "never mind", False)
    assert session.conversation.next() == ("changed course", decision)
    assert session.spoken().said == "All right."
    assert ringing.answer.ready()  # the phone rings no more
    assert scene.kept.next(TransferEnded).result == "called_off"
    assert not session.job.ready()


def test_what_is_called_off_too_late_changes_nothing(begin: Begin, scene: Scene) -> None:
    ringing = Ringing(begin, scene)
    session = ringing.session
    scene.call.desks.decide(scene.call.call_id, DECLINE)
    session.conversation.changes_to = Decision("x", Intent.CONFIRM_NO, Action.ANSWER)
    session.says("never mind")
    assert session.conversation.next() == ("second thoughts", "never mind", False)
    assert session.conversation.next() == ("transferred", TransferResult.DECLINED)


EMERGENCY = Decision("fire", Intent.EMERGENCY, Action.TRANSFER)


@pytest.mark.parametrize("picked_up", [False, True])
def test_an_emergency_once_the_desk_has_accepted(
    begin: Begin, scene: Scene, picked_up: bool
) -> None:
    """Nobody there: it rings no more. Somebody there: they get the caller at once, or, should they
    vanish, what the caller wanted comes next."""
    ringing = Ringing(begin, scene)
    session = ringing.session
    scene.call.desks.decide(scene.call.call_id, ACCEPT)
    decision = scene.call.desks._decisions[scene.call.call_id]
    decision.picked_up = picked_up
    session.conversation.changes_to = EMERGENCY
    session.says("fire")
    assert session.conversation.next() == ("second thoughts", "fire", False)
    if picked_up:
        assert decision.hurried.wait(LIMIT_S)
        assert not ringing.answer.ready()
        ringing.answer.set("-ERR NORMAL_TEMPORARY_FAILURE")
    assert session.conversation.next() == ("changed course", EMERGENCY)
    result = "unreachable" if picked_up else "called_off"
    assert scene.kept.next(TransferEnded).result == result


def test_what_was_keyed_before_it_rings_calls_it_off(begin: Begin, scene: Scene) -> None:
    session = begin([TO_ANNA])
    session.conversation.changes_to = EMERGENCY
    session.session.post(CallerPressed("0"))
    assert session.conversation.next() == ("second thoughts", "0", True)
    assert session.conversation.next() == ("changed course", EMERGENCY)
    assert scene.kept.next(TransferEnded).result == "called_off"


def test_an_emergency_as_the_desk_declines_comes_next(begin: Begin, scene: Scene) -> None:
    session = Ringing(begin, scene).session
    session.conversation.changes_to = EMERGENCY
    scene.call.desks.decide(scene.call.call_id, DECLINE)
    session.says("fire")
    assert session.conversation.next() == ("second thoughts", "fire", False)
    assert session.conversation.next() == ("changed course", EMERGENCY)


def test_the_caller_hangs_up_while_it_rings(begin: Begin, scene: Scene) -> None:
    ringing = Ringing(begin, scene)
    scene.channel.hang_up()
    ringing.session.end()
    assert ringing.answer.ready()
    assert scene.kept.of(TransferEnded)[0].result == "caller_hung_up"
    assert outcome(scene).outcome is Outcome.CALLER_HUNG_UP
    nothing_left(ringing.session)


def test_a_target_that_is_not_in_the_directory_rings_nobody(begin: Begin, scene: Scene) -> None:
    session = begin([Transfer("somebody", TransferMode.ATTENDED, "", "One moment.")])
    assert session.conversation.next() == ("transferred", TransferResult.UNREACHABLE)
    assert scene.link.commands == []


def test_a_mistake_in_a_transfer_loses_nobody(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*_: object) -> TransferResult:
        raise ZeroDivisionError

    monkeypatch.setattr("appliance.controller.steps.attended_transfer", mistaken)
    session = begin([TO_ANNA])
    assert session.conversation.next() == ("transferred", TransferResult.FAILED)


class Connected:
    """A call that is with a person, by way of a blind transfer: nobody need pick up."""

    def __init__(self, begin: Begin, timing: SessionTiming = PATIENT) -> None:
        self.session = begin([Transfer("david", TransferMode.BLIND, "", "")], timing=timing)
        self.session.scene.kept.next(TransferEnded)
        while not self.session.scene.audio.closed:  # the session has taken note of it
            gevent.idle()


def test_a_connected_call_ends_with_the_people(begin: Begin, scene: Scene) -> None:
    connected = Connected(begin)
    connected.session.session.post(Hangup("NORMAL_CLEARING"))
    connected.session.end()
    assert outcome(scene).outcome is Outcome.CONNECTED


def test_a_connected_call_outlives_its_session(begin: Begin, scene: Scene) -> None:
    connected = Connected(begin)
    scene.channel.close()
    connected.session.looked_up.get(timeout=LIMIT_S)
    gevent.idle()
    assert not connected.session.job.ready()
    connected.session.session.post(Hangup("NORMAL_CLEARING"))
    connected.session.end()
    assert outcome(scene).outcome is Outcome.CONNECTED


def test_a_connected_call_whose_end_nobody_told_is_found_out(begin: Begin, scene: Scene) -> None:
    connected = Connected(begin, replace(PATIENT, look_again_s=0.01))
    connected.session.looked_up.get(timeout=LIMIT_S)
    assert not connected.session.job.ready()
    connected.session.up = SwitchGoneError("the link is down")
    connected.session.looked_up.get(timeout=LIMIT_S)
    connected.session.looked_up.get(timeout=LIMIT_S)
    assert not connected.session.job.ready()
    connected.session.up = False
    connected.session.end()
    ended = outcome(scene)
    assert (ended.outcome, ended.cause) == (Outcome.CONNECTED, "UNKNOWN")


def test_a_call_that_came_back_on_another_session_is_not_ended_here(
    begin: Begin, scene: Scene
) -> None:
    ringing = Ringing(begin, scene)
    ringing.session.session.post(Superseded())
    ringing.session.end()
    assert scene.kept.of(CallEnded) == []
    assert ringing.answer.ready()  # what rang here rings no more
    nothing_left(ringing.session)
