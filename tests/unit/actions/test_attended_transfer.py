"""Attended transfers: a desk rings, is asked, and takes the call or not."""

import pytest
from gevent.event import AsyncResult

from appliance.actions.desk import ANNOUNCEMENTS
from appliance.actions.desks import (
    ACCEPT,
    CALLED_OFF,
    DECLINE,
)
from appliance.calls.directory import Person
from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.calls.events import LegEnded, Speaker, TurnTaken
from appliance.calls.hangup import HangupCause
from appliance.calls.transfer import TransferResult
from tests.unit.actions.attempt import ANNOUNCEMENT, Attempt
from tests.unit.actions.doubles import (
    FakeAudio,
    Scene,
)


def test_accepted_is_bridged(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    desk = attempt.answered()
    ringing.set(f"+OK {desk.uuid}")
    desk.press("1")
    assert attempt.result() is TransferResult.CONNECTED
    assert attempt.ended().result == "connected"
    assert scene.link.verbs() == [
        "module_exists", "originate", "uuid_setvar", "uuid_bridge", "uuid_setvar", "uuid_setvar",
    ]  # fmt: skip
    assert not desk.closed.is_set()
    assert scene.kept.of(LegEnded) == []
    [said] = [turn for turn in scene.kept.of(TurnTaken) if turn.speaker is Speaker.DESK]
    assert said.text == ANNOUNCEMENT


def test_the_announcement_must_not_hide_the_answer(scene: Scene, ringing: AsyncResult) -> None:
    """A key in the middle of the announcement counts."""
    attempt = Attempt(scene)
    attempt.answered().press("2")
    assert attempt.result() is TransferResult.DECLINED


def test_declined_takes_the_leg_down(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    desk = attempt.answered()
    desk.press("2")
    assert attempt.result() is TransferResult.DECLINED
    assert f"uuid_kill {desk.uuid} ORIGINATOR_CANCEL" in scene.link.commands
    assert desk.closed.is_set()  # also when FreeSWITCH never got the kill
    [leg] = scene.kept.of(LegEnded)
    assert (leg.leg_id, leg.role, leg.extension) == (desk.uuid, "desk", "212")


def test_accepted_from_elsewhere_is_bridged_without_a_key(
    scene: Scene, ringing: AsyncResult
) -> None:
    attempt = Attempt(scene)
    desk = attempt.answered(decided=ACCEPT)
    assert attempt.result() is TransferResult.CONNECTED
    assert not any(turn.speaker is Speaker.DESK for turn in scene.kept.of(TurnTaken))
    desk.close()


def test_declined_from_elsewhere_stops_the_ringing(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    scene.link.next("originate")
    assert scene.desks.decide("caller-1", DECLINE)
    assert attempt.result() is TransferResult.DECLINED
    assert attempt.ended().cause == "CALL_REJECTED"
    assert any(command.startswith("uuid_kill") for command in scene.link.commands)


def test_accepted_from_elsewhere_and_called_off_before_anybody_picks_up(
    scene: Scene, ringing: AsyncResult
) -> None:
    attempt = Attempt(scene)
    scene.link.next("originate")
    assert scene.desks.decide("caller-1", ACCEPT)
    assert scene.desks.decide("caller-1", CALLED_OFF)
    assert attempt.result() is TransferResult.CALLED_OFF
    assert any(command.startswith("uuid_kill") for command in scene.link.commands)


def test_other_keys_are_no_answer(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    desk = attempt.answered()
    for digit in "9#*1":
        desk.press(digit)
    assert attempt.result() is TransferResult.CONNECTED


def test_no_key_after_two_announcements_is_no_response(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    attempt.answered()
    assert attempt.result() is TransferResult.NO_RESPONSE
    turns = [turn for turn in scene.kept.of(TurnTaken) if turn.speaker is Speaker.DESK]
    assert len(turns) == 1
    assert ANNOUNCEMENTS == 2


def test_a_phone_without_audio(
    scene: Scene, ringing: AsyncResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeAudio, "has_media", False)
    attempt = Attempt(scene)
    attempt.answered()
    assert attempt.result() is TransferResult.NO_MEDIA


def test_no_port_for_the_desk_is_a_failure_with_its_cause(
    scene: Scene, ringing: AsyncResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeAudio, "no_port", True)
    attempt = Attempt(scene)
    desk = attempt.answered()
    assert attempt.result() is TransferResult.FAILED
    assert "no port" in attempt.ended().cause
    assert desk.closed.is_set()


@pytest.mark.parametrize(
    ("cause", "result"),
    [
        ("USER_BUSY", TransferResult.BUSY),
        ("CALL_REJECTED", TransferResult.DECLINED),
        ("NO_ANSWER", TransferResult.NO_ANSWER),
        ("ALLOTTED_TIMEOUT", TransferResult.NO_ANSWER),
        ("USER_NOT_REGISTERED", TransferResult.UNREACHABLE),
        ("SUBSCRIBER_ABSENT", TransferResult.UNREACHABLE),
        ("UNALLOCATED_NUMBER", TransferResult.UNREACHABLE),
        ("NO_ROUTE_DESTINATION", TransferResult.UNREACHABLE),
        ("NORMAL_TEMPORARY_FAILURE", TransferResult.UNREACHABLE),
        ("SOMETHING_NEW", TransferResult.FAILED),
    ],
)
def test_each_cause_of_a_ringing_in_vain(
    scene: Scene, ringing: AsyncResult, cause: str, result: TransferResult
) -> None:
    attempt = Attempt(scene)
    ringing.set(f"-ERR {cause}")
    assert attempt.result() is result
    expected = cause if cause in HangupCause.__members__ else "UNKNOWN"
    assert attempt.ended().cause == expected
    assert scene.kept.of(LegEnded)[0].cause == expected


def test_a_phone_that_rings_for_ever_is_given_up(
    scene: Scene, ringing: AsyncResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FreeSWITCH's own time-out did not come."""
    monkeypatch.setattr("appliance.actions.attended_transfer._ARRIVAL_GRACE_S", 0.01)
    attempt = Attempt(scene, Person("x", "X", "215", ring_timeout_s=0))
    assert attempt.result() is TransferResult.NO_ANSWER
    assert attempt.ended().cause == "NO_ANSWER"


def test_answered_and_never_seen(
    scene: Scene, ringing: AsyncResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The phone was picked up and its session never came: a wrong address, most likely."""
    monkeypatch.setattr("appliance.actions.attended_transfer._ARRIVAL_GRACE_S", 0.01)
    attempt = Attempt(scene)
    ringing.set("+OK leg")
    assert attempt.result() is TransferResult.UNREACHABLE


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SwitchGoneError("no connection to FreeSWITCH"), "switch.gone"),
        (SwitchTimeoutError("no result"), "switch.timeout"),
        (SwitchError("refused"), "switch.refused"),
    ],
)
def test_originate_fails(scene: Scene, ringing: AsyncResult, error: SwitchError, code: str) -> None:
    attempt = Attempt(scene)
    ringing.set(error)
    assert attempt.result() is TransferResult.FAILED
    assert attempt.ended().cause.startswith(code)


def test_the_control_link_is_lost_while_it_rings(scene: Scene, ringing: AsyncResult) -> None:
    """Nothing can be taken down then, and nothing is raised for it."""
    scene.link.answers["uuid_kill"] = SwitchGoneError("lost")
    attempt = Attempt(scene)
    scene.link.next("originate")
    ringing.set(SwitchGoneError("lost"))
    assert attempt.result() is TransferResult.FAILED
    assert attempt.ended().cause.startswith("switch.gone")
    assert len(scene.kept.of(LegEnded)) == 1


def test_the_control_link_is_lost_before_the_desk_declines(
    scene: Scene, ringing: AsyncResult
) -> None:
    scene.link.answers["uuid_kill"] = SwitchGoneError("lost")
    attempt = Attempt(scene)
    desk = attempt.answered()
    ringing.set(SwitchGoneError("lost"))
    desk.press("2")
    assert attempt.result() is TransferResult.DECLINED
    assert desk.closed.is_set()  # its session ends, and FreeSWITCH hangs it up


def test_the_desk_hangs_up_during_the_announcement(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    attempt.answered().hang_up()
    assert attempt.result() is TransferResult.DECLINED


def test_the_desk_hangs_up_as_it_arrives(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    desk = attempt.answered()
    desk.closed.set()
    assert attempt.result() is TransferResult.DECLINED
