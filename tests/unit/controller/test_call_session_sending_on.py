"""A call session while the caller is about to be sent on, by a blind transfer."""

import gevent
import pytest
from gevent.event import AsyncResult

from appliance.calls.decision import Action, Decision, Intent
from appliance.calls.events import TransferEnded
from appliance.calls.transfer import TransferMode
from appliance.dialogue.steps import Transfer
from appliance.speech.events import (
    BackChannel,
    PauseStarted,
    SpeechDismissed,
    SpeechEvent,
    SpeechStarted,
)
from tests.unit.actions.doubles import Scene
from tests.unit.controller.doubles import Begin, pause, transcript, turn_ended

EMERGENCY = Decision("fire", Intent.EMERGENCY, Action.TRANSFER)


class SendingOn:
    """A call that is to be sent on unannounced, once "One moment." is over."""

    def __init__(self, begin: Begin, scene: Scene) -> None:
        self.session = begin([Transfer("david", TransferMode.BLIND, "", "One moment.")])
        scene.audio.plays_at_once = False
        self.moment = self.session.spoken()
        gevent.idle()  # the session has nothing to do
        self.session.conversation.changes_to = EMERGENCY

    def is_called_off(self) -> None:
        assert self.session.conversation.next() == ("changed course", EMERGENCY)
        scene = self.session.scene
        assert scene.kept.next(TransferEnded).result == "called_off"
        assert "uuid_transfer" not in scene.link.verbs()


def test_sending_on_is_called_off_in_the_middle_of_a_word(begin: Begin, scene: Scene) -> None:
    sending = SendingOn(begin, scene)
    sending.session.says("fire")
    assert sending.session.conversation.next() == ("second thoughts", "fire", False)
    sending.is_called_off()
    assert sending.moment.interrupted


def test_sending_on_is_called_off_by_a_key(begin: Begin, scene: Scene) -> None:
    sending = SendingOn(begin, scene)
    scene.channel.press("0")
    assert sending.session.conversation.next() == ("second thoughts", "0", True)
    sending.is_called_off()


def test_nobody_is_sent_on_in_the_middle_of_what_they_say(begin: Begin, scene: Scene) -> None:
    sending = SendingOn(begin, scene)
    sending.session.frame(SpeechStarted(200, 100))
    sending.moment.finish()
    gevent.idle()
    assert scene.link.commands == []
    sending.session.says("fire")
    assert sending.session.conversation.next() == ("second thoughts", "fire", False)
    sending.is_called_off()


def test_nobody_is_sent_on_while_what_they_said_is_thought_about(
    begin: Begin, scene: Scene
) -> None:
    sending = SendingOn(begin, scene)
    sending.session.conversation.thinking = thinking = AsyncResult()
    sending.session.says("fire")
    assert sending.session.conversation.next() == ("second thoughts", "fire", False)
    sending.moment.finish()
    gevent.idle()
    assert scene.link.commands == []
    thinking.set()
    sending.is_called_off()


@pytest.mark.parametrize("nothing", [SpeechDismissed(900), turn_ended(), pause()])
def test_whoever_said_nothing_after_all_is_sent_on(
    begin: Begin, scene: Scene, nothing: SpeechEvent
) -> None:
    """It was a noise, or a turn or a nod without a word in it."""
    sending = SendingOn(begin, scene)
    sending.session.frame(SpeechStarted(200, 100))
    sending.moment.finish()
    sending.session.frame(nothing)
    if isinstance(nothing, PauseStarted):
        sending.session.frame(BackChannel(1000))
    if not isinstance(nothing, SpeechDismissed):
        gevent.idle()
        assert scene.link.commands == []
        _, answer = sending.session.recognizer.next()
        answer.set(transcript(""))
    assert scene.kept.next(TransferEnded).result == "connected"
    assert scene.link.verbs() == ["uuid_transfer"]


def test_an_emergency_after_the_caller_was_sent_on_comes_next_when_that_failed(
    begin: Begin, scene: Scene
) -> None:
    scene.link.answers["uuid_transfer"] = answer = AsyncResult()
    sending = SendingOn(begin, scene)
    sending.moment.finish()
    scene.link.next("uuid_transfer")
    sending.session.says("fire")
    assert sending.session.conversation.next() == ("second thoughts", "fire", False)
    answer.set("-ERR no such channel")
    assert sending.session.conversation.next() == ("changed course", EMERGENCY)
    assert scene.kept.next(TransferEnded).result == "failed"
    assert scene.link.verbs() == ["uuid_transfer"]
