"""Attended transfers: the caller hangs up in the middle, and nothing rings on."""

import pytest
from gevent.event import AsyncResult

from appliance.calls.events import LegEnded, TransferEnded, TurnTaken
from tests.unit.actions.attempt import Attempt
from tests.unit.actions.doubles import (
    LIMIT_S,
    Scene,
)


def kill(attempt: Attempt) -> None:
    """What the session does when the caller hangs up."""
    attempt.job.kill(timeout=LIMIT_S)
    assert attempt.ended().result == "caller_hung_up"
    assert len(attempt.scene.kept.of(LegEnded)) == 1
    assert attempt.scene.link.given_up == []


def test_the_caller_hangs_up_while_it_rings(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    scene.link.next("originate")
    kill(attempt)
    assert "uuid_kill" in scene.link.verbs()
    assert ringing.ready()


def test_the_caller_hangs_up_before_freeswitch_has_made_the_leg(
    scene: Scene, ringing: AsyncResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first kill finds no leg; without another the phone would ring on for nobody."""
    monkeypatch.setattr("appliance.actions.attended_transfer._CANCEL_EVERY_S", 0.01)
    kills: list[str] = []

    def no_such_leg_at_first(command: str) -> str:
        kills.append(command)
        if len(kills) == 1:
            return "-ERR No such channel!"
        if not ringing.ready():
            ringing.set("-ERR ORIGINATOR_CANCEL")
        return "+OK"

    scene.link.answers["uuid_kill"] = no_such_leg_at_first
    attempt = Attempt(scene)
    scene.link.next("originate")
    kill(attempt)
    assert len(kills) == 2


def test_the_caller_hangs_up_while_the_desk_listens(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    desk = attempt.answered()
    scene.kept.next(TurnTaken)
    kill(attempt)
    assert desk.closed.is_set()
    attempt.attending.join(LIMIT_S)
    assert attempt.attending.ready()


def test_the_caller_hangs_up_while_the_bridge_is_asked_for(
    scene: Scene, ringing: AsyncResult
) -> None:
    """The command is on its way: giving it up would cost the link that all calls share."""
    scene.link.answers["uuid_bridge"] = bridging = AsyncResult()
    attempt = Attempt(scene)
    desk = attempt.answered()
    desk.press("1")
    scene.link.next("uuid_bridge")
    kill(attempt)
    assert desk.closed.is_set()
    bridging.set("-ERR no such channel")


def test_the_caller_hangs_up_while_the_desk_is_being_taken_down(
    scene: Scene, ringing: AsyncResult
) -> None:
    scene.link.answers["uuid_kill"] = killing = AsyncResult()
    attempt = Attempt(scene)
    attempt.answered().press("2")
    scene.link.next("uuid_kill")
    attempt.job.kill(timeout=LIMIT_S)
    assert scene.link.given_up == []
    assert len(scene.kept.of(TransferEnded)) == 1
    killing.set("+OK")
