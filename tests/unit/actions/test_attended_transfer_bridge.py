"""Attended transfers: from the desk's yes to two people who talk."""

from typing import cast

import pytest
from gevent.event import AsyncResult

from appliance.actions.desks import ACCEPT, CALLED_OFF
from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.calls.events import TurnTaken
from appliance.calls.transfer import TransferResult
from tests.unit.actions.attempt import Attempt
from tests.unit.actions.doubles import (
    CALL_ID,
    LIMIT_S,
    Scene,
    playback,
)


def test_the_caller_comes_back_if_the_desk_vanishes_before_the_bridge_is_up(
    scene: Scene, ringing: AsyncResult
) -> None:
    attempt = Attempt(scene)
    attempt.answered().press("1")
    attempt.result()
    back, _bridge, hang_up, not_back = scene.link.commands[2:]
    assert back.endswith("transfer_after_bridge appliance:XML:public")
    assert hang_up.endswith("hangup_after_bridge true")
    assert "transfer_after_bridge" in not_back


def test_the_desk_hangs_up_between_its_key_and_the_bridge(
    scene: Scene, ringing: AsyncResult
) -> None:
    """While the caller still hears that he is being connected."""
    spoken, meanwhile = playback()
    attempt = Attempt(scene, meanwhile=meanwhile)
    desk = attempt.answered()
    desk.press("1")
    desk.hang_up()
    assert attempt.result() is TransferResult.DECLINED
    assert not spoken.done.is_set()
    assert "uuid_bridge" not in scene.link.verbs()


def test_the_bridge_waits_for_the_last_word(scene: Scene, ringing: AsyncResult) -> None:
    spoken, meanwhile = playback()
    attempt = Attempt(scene, meanwhile=meanwhile)
    attempt.answered().press("1")
    scene.kept.next(TurnTaken)
    assert not attempt.job.ready()
    assert "uuid_bridge" not in scene.link.verbs()
    spoken.finish()
    assert attempt.result() is TransferResult.CONNECTED


def test_the_bridge_is_refused(scene: Scene, ringing: AsyncResult) -> None:
    scene.link.answers["uuid_bridge"] = "-ERR no such channel"
    attempt = Attempt(scene)
    desk = attempt.answered()
    desk.press("1")
    assert attempt.result() is TransferResult.FAILED
    assert "no such channel" in attempt.ended().cause
    assert desk.closed.is_set()


def test_the_bridge_never_comes_up(scene: Scene, ringing: AsyncResult) -> None:
    scene.link.answers["uuid_bridge"] = "+OK"
    attempt = Attempt(scene)
    desk = attempt.answered()
    desk.press("1")
    assert attempt.result() is TransferResult.FAILED
    assert desk.closed.is_set()


@pytest.mark.parametrize("error", [SwitchTimeoutError("late"), SwitchGoneError("lost")])
def test_the_answer_to_the_bridge_is_lost_but_it_is_up(
    scene: Scene, ringing: AsyncResult, error: SwitchError
) -> None:
    """Taking the desk down now would end a conversation that has begun."""

    def bridged_all_the_same(command: str) -> str:
        scene.call.bridged.set()
        raise error

    scene.link.answers["uuid_bridge"] = bridged_all_the_same
    attempt = Attempt(scene)
    desk = attempt.answered()
    desk.press("1")
    assert attempt.result() is TransferResult.CONNECTED
    assert not desk.closed.is_set()


def test_variables_that_cannot_be_set_do_not_end_a_bridge(
    scene: Scene, ringing: AsyncResult
) -> None:
    def set_until_bridged(command: str) -> str:
        if scene.call.bridged.is_set():
            raise SwitchGoneError("lost")
        return "+OK"

    scene.link.answers["uuid_setvar"] = set_until_bridged
    attempt = Attempt(scene)
    attempt.answered().press("1")
    assert attempt.result() is TransferResult.CONNECTED


def test_one_of_them_hangs_up_as_soon_as_they_are_connected(
    scene: Scene, ringing: AsyncResult
) -> None:
    """The hang-up overtakes FreeSWITCH's answer to the bridge; they were connected all the same."""
    answer: AsyncResult = AsyncResult()

    def bridged_and_no_answer(command: str) -> str:
        scene.call.bridged.set()
        return cast("str", answer.get(timeout=LIMIT_S))

    scene.link.answers["uuid_bridge"] = bridged_and_no_answer
    attempt = Attempt(scene)
    desk = attempt.answered()
    desk.press("1")
    scene.link.next("uuid_bridge")
    assert scene.call.bridged.wait(LIMIT_S)
    attempt.job.kill(timeout=LIMIT_S)
    assert attempt.ended().result == "connected"
    assert attempt.job.value is TransferResult.CONNECTED
    assert scene.call.desk_legs == [(desk.uuid, "212")]
    assert not desk.closed.is_set()
    answer.set("+OK")


def test_a_caller_who_cannot_wait_is_connected_without_another_word(
    scene: Scene, ringing: AsyncResult
) -> None:
    spoken, meanwhile = playback()
    attempt = Attempt(scene, meanwhile=meanwhile)
    attempt.answered().press("1")
    assert scene.desks._decisions[CALL_ID].made.wait(LIMIT_S) == ACCEPT
    assert not scene.desks.decide(CALL_ID, CALLED_OFF)
    scene.desks.hurry(CALL_ID)
    assert attempt.result() is TransferResult.CONNECTED
    assert not spoken.done.is_set()
