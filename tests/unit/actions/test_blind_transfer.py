"""Blind transfers: the caller is sent on once, until which it can be called off."""

import gevent
import pytest
from gevent.event import AsyncResult

from appliance.actions.blind_transfer import blind_transfer
from appliance.actions.desks import ACCEPT, CALLED_OFF, DECLINE
from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.calls.events import TransferEnded
from appliance.calls.transfer import TransferResult
from tests.unit.actions.doubles import (
    CALL_ID,
    DAVID,
    LIMIT_S,
    NOBODY,
    Scene,
    playback,
)


def test_blind_sends_the_leg_on_after_the_last_word(scene: Scene) -> None:
    spoken, meanwhile = playback()
    job = gevent.spawn(blind_transfer, scene.call, DAVID, 2, meanwhile)
    gevent.idle()
    assert scene.link.commands == []
    spoken.finish()
    assert job.get(timeout=LIMIT_S) is TransferResult.CONNECTED
    assert scene.link.commands == ["uuid_transfer caller-1 216 XML internal"]
    [ended] = scene.kept.of(TransferEnded)
    assert (ended.transfer, ended.result) == (2, "connected")


def test_blind_refused_keeps_the_caller(scene: Scene) -> None:
    scene.link.answers["uuid_transfer"] = "-ERR no such channel"
    assert blind_transfer(scene.call, DAVID, 1, None) is TransferResult.FAILED
    assert scene.link.verbs() == ["uuid_transfer"]
    assert scene.kept.of(TransferEnded)[0].cause


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("appliance.actions.blind_transfer._TOLD_WITHIN_S", 0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("lost", [SwitchGoneError("lost"), SwitchTimeoutError("late")])
@pytest.mark.parametrize(
    ("there", "result"),
    [
        ("216", TransferResult.CONNECTED),
        ("voicemail", TransferResult.CONNECTED),
        ("controllers", TransferResult.FAILED),
        ("-ERR No such channel!", TransferResult.FAILED),
        (SwitchGoneError("again"), TransferResult.FAILED),
    ],
)
def test_blind_whose_answer_was_lost_is_looked_up_and_not_sent_again(
    scene: Scene, lost: SwitchError, there: str | SwitchError, result: TransferResult
) -> None:
    scene.link.answers |= {"uuid_transfer": lost, "uuid_getvar": there}
    assert blind_transfer(scene.call, DAVID, 1, None) is result
    assert scene.link.verbs() == ["uuid_transfer", "uuid_getvar"]
    [ended] = scene.kept.of(TransferEnded)
    assert ended.result == result.value
    assert bool(ended.cause) is (result is TransferResult.FAILED)


def test_blind_whose_answer_was_lost_is_told_of_by_the_call_itself(scene: Scene) -> None:
    scene.link.answers["uuid_transfer"] = SwitchGoneError("lost")
    job = gevent.spawn(blind_transfer, scene.call, DAVID, 1, None)
    scene.link.next("uuid_transfer")
    scene.channel.sent_on.set()
    assert job.get(timeout=LIMIT_S) is TransferResult.CONNECTED
    assert scene.link.verbs() == ["uuid_transfer"]


def test_blind_that_could_not_be_sent_keeps_nobody_waiting(scene: Scene) -> None:
    scene.link.connected = False
    scene.link.answers["uuid_transfer"] = SwitchGoneError("not connected")
    assert blind_transfer(scene.call, DAVID, 1, None) is TransferResult.FAILED
    assert scene.link.verbs() == ["uuid_transfer"]


@pytest.mark.usefixtures("impatient")
def test_blind_whose_link_does_not_come_back_keeps_the_caller(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.link.answers["uuid_transfer"] = SwitchGoneError("lost")
    monkeypatch.setattr(scene.link, "wait_connected", lambda timeout_s: False)
    assert blind_transfer(scene.call, DAVID, 1, None) is TransferResult.FAILED


def test_a_caller_who_hangs_up_after_a_blind_transfer_was_connected(scene: Scene) -> None:
    scene.link.answers["uuid_transfer"] = answer = AsyncResult()
    job = gevent.spawn(blind_transfer, scene.call, DAVID, 1, None)
    scene.link.next("uuid_transfer")
    scene.channel.sent_on.set()
    job.kill(timeout=LIMIT_S)
    assert job.value is TransferResult.CONNECTED
    assert scene.kept.of(TransferEnded)[0].result == "connected"
    answer.set("+OK")


def test_blind_without_a_phone(scene: Scene) -> None:
    assert blind_transfer(scene.call, NOBODY, 1, None) is TransferResult.UNREACHABLE


def test_blind_killed_in_the_middle_spares_the_link(scene: Scene) -> None:
    scene.link.answers["uuid_transfer"] = answer = AsyncResult()
    job = gevent.spawn(blind_transfer, scene.call, DAVID, 1, None)
    scene.link.next("uuid_transfer")
    job.kill(timeout=LIMIT_S)
    assert scene.link.given_up == []
    assert scene.kept.of(TransferEnded)[0].result == "caller_hung_up"
    answer.set("+OK")


@pytest.mark.parametrize(
    ("word", "result", "cause"),
    [
        (CALLED_OFF, TransferResult.CALLED_OFF, "ORIGINATOR_CANCEL"),
        (DECLINE, TransferResult.DECLINED, "CALL_REJECTED"),
    ],
)
def test_blind_that_is_stopped_before_the_last_word_is_not_sent(
    scene: Scene, word: str, result: TransferResult, cause: str
) -> None:
    _, meanwhile = playback()
    job = gevent.spawn(blind_transfer, scene.call, DAVID, 1, meanwhile)
    gevent.idle()
    assert scene.desks.decide(CALL_ID, word)
    assert job.get(timeout=LIMIT_S) is result
    assert scene.link.commands == []
    [ended] = scene.kept.of(TransferEnded)
    assert (ended.result, ended.cause) == (result.value, cause)


def test_blind_that_was_accepted_elsewhere_can_still_be_called_off(scene: Scene) -> None:
    _, meanwhile = playback()
    job = gevent.spawn(blind_transfer, scene.call, DAVID, 1, meanwhile)
    gevent.idle()
    assert scene.desks.decide(CALL_ID, ACCEPT)
    gevent.idle()
    assert scene.link.commands == []  # the last word is heard all the same
    assert scene.desks.decide(CALL_ID, CALLED_OFF)
    assert job.get(timeout=LIMIT_S) is TransferResult.CALLED_OFF


@pytest.mark.parametrize("called_off", [True, False])
def test_blind_hears_out_a_caller_who_is_still_speaking(scene: Scene, called_off: bool) -> None:
    spoken, meanwhile = playback()
    scene.call.settled.clear()
    job = gevent.spawn(blind_transfer, scene.call, DAVID, 1, meanwhile)
    gevent.idle()
    spoken.finish()
    gevent.idle()
    assert scene.link.commands == []
    if called_off:
        assert scene.desks.decide(CALL_ID, CALLED_OFF)
    scene.call.settled.set()
    job.get(timeout=LIMIT_S)
    assert scene.link.verbs() == ([] if called_off else ["uuid_transfer"])


def test_blind_waits_for_nobody_who_speaks_for_ever(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.actions.blind_transfer._LAST_WORDS_S", 0.01)
    scene.call.settled.clear()
    assert blind_transfer(scene.call, DAVID, 1, None) is TransferResult.CONNECTED


def test_blind_that_was_sent_is_neither_called_back_nor_sent_again(scene: Scene) -> None:
    scene.link.answers["uuid_transfer"] = answer = AsyncResult()
    job = gevent.spawn(blind_transfer, scene.call, DAVID, 1, None)
    scene.link.next("uuid_transfer")
    assert not scene.desks.decide(CALL_ID, CALLED_OFF)
    answer.set("+OK")
    assert job.get(timeout=LIMIT_S) is TransferResult.CONNECTED
    assert scene.link.verbs() == ["uuid_transfer"]


def test_a_caller_who_hangs_up_before_the_last_word_is_not_sent_on(scene: Scene) -> None:
    _, meanwhile = playback()
    job = gevent.spawn(blind_transfer, scene.call, DAVID, 1, meanwhile)
    gevent.idle()
    job.kill(timeout=LIMIT_S)
    assert scene.link.commands == []
    assert scene.kept.of(TransferEnded)[0].result == "caller_hung_up"
    assert not scene.desks.decide(CALL_ID, CALLED_OFF)
