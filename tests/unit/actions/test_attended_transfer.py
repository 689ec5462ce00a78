"""Attended transfers: every way an attempt can end, and what is left behind."""

import re
from typing import Any, cast

import gevent
import pytest
from gevent.event import AsyncResult

from appliance.actions.attended_transfer import attended_transfer
from appliance.actions.desk import ANNOUNCEMENTS
from appliance.actions.desks import (
    ACCEPT,
    CALL_VARIABLE,
    DECLINE,
    ROLE_VARIABLE,
    TRANSFER_VARIABLE,
)
from appliance.calls.directory import Person, Target
from appliance.calls.errors import SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.calls.events import LegEnded, Speaker, TransferEnded, TransferStarted, TurnTaken
from appliance.calls.hangup import HangupCause
from appliance.calls.outside import OutsideLine
from appliance.calls.transfer import TransferResult
from tests.unit.actions.doubles import (
    ANNA,
    BILLING,
    CALL_ID,
    LIMIT_S,
    NOBODY,
    FakeAudio,
    FakeChannel,
    Scene,
    playback,
)

ANNOUNCEMENT = "Call for Anna Jones. Press 1 to take the call, 2 to decline."


class Attempt:
    """One attended transfer under way, and the desk that it rings."""

    def __init__(
        self, scene: Scene, target: Target | OutsideLine = ANNA, meanwhile: Any = None
    ) -> None:
        self.scene = scene
        self.job = gevent.spawn(attended_transfer, scene.call, target, ANNOUNCEMENT, 1, meanwhile)

    def answered(self, extension: str = "212", decided: str = "") -> FakeChannel:
        """Somebody picks up: the leg's session arrives at the call server.

        Args:
            decided: elsewhere, while it rang.
        """
        started = self.scene.kept.next(TransferStarted)
        self.scene.link.next("originate")
        if decided:
            assert self.scene.desks.decide(CALL_ID, decided)
        desk = FakeChannel(
            started.leg_id,
            **{
                f"variable_{ROLE_VARIABLE}": "desk",
                f"variable_{CALL_VARIABLE}": "caller-1",
                f"variable_{TRANSFER_VARIABLE}": started.leg_id,
                "variable_dialed_user": extension,
            },
        )
        self.attending = gevent.spawn(self.scene.desks.attend, cast("Any", desk))
        return desk

    def result(self) -> TransferResult:
        return cast("TransferResult", self.job.get(timeout=LIMIT_S))

    def ended(self) -> TransferEnded:
        """The one record of the attempt's end."""
        [ended] = self.scene.kept.of(TransferEnded)
        return cast("TransferEnded", ended)


@pytest.fixture
def ringing(scene: Scene) -> AsyncResult:
    """FreeSWITCH's answer to ``originate``, when the test gives it."""
    scene.line.open()
    scene.link.answers["originate"] = answer = AsyncResult()

    def cancelled(command: str) -> str:
        if not answer.ready():
            answer.set("-ERR ORIGINATOR_CANCEL")
        return "+OK"

    scene.link.answers["uuid_kill"] = cancelled
    return answer


def test_accepted_is_bridged(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    desk = attempt.answered()
    ringing.set(f"+OK {desk.uuid}")
    desk.press("1")
    assert attempt.result() is TransferResult.CONNECTED
    assert attempt.ended().result == "connected"
    assert scene.link.verbs() == [
        "originate", "uuid_setvar", "uuid_bridge", "uuid_setvar", "uuid_setvar",
    ]  # fmt: skip
    assert not desk.closed.is_set()
    assert scene.kept.of(LegEnded) == []
    [said] = [turn for turn in scene.kept.of(TurnTaken) if turn.speaker is Speaker.DESK]
    assert said.text == ANNOUNCEMENT


def test_the_caller_comes_back_if_the_desk_vanishes_before_the_bridge_is_up(
    scene: Scene, ringing: AsyncResult
) -> None:
    attempt = Attempt(scene)
    attempt.answered().press("1")
    attempt.result()
    back, _bridge, hang_up, not_back = scene.link.commands[1:]
    assert back.endswith("transfer_after_bridge appliance:XML:public")
    assert hang_up.endswith("hangup_after_bridge true")
    assert "transfer_after_bridge" in not_back


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


def test_a_desk_that_is_taken_is_busy_and_does_not_ring(scene: Scene) -> None:
    scene.line.open()
    with scene.desks.reserved(("212",)):
        attempt = Attempt(scene)
        assert attempt.result() is TransferResult.BUSY
    assert scene.link.commands == []
    assert scene.kept.of(LegEnded) == []


def test_only_the_free_phones_of_a_department_ring(scene: Scene, ringing: AsyncResult) -> None:
    with scene.desks.reserved(("201",)):
        attempt = Attempt(scene, BILLING)
        command = scene.link.next("originate")
        ringing.set("-ERR NO_ANSWER")
        assert attempt.result() is TransferResult.NO_ANSWER
    assert "user/202@appliance.local" in command
    assert "user/201" not in command


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


def test_every_phone_of_a_department_is_on_record(scene: Scene, ringing: AsyncResult) -> None:
    """The one that talks ends with the call, the others now."""
    attempt = Attempt(scene, BILLING)
    desk = attempt.answered("201")
    desk.press("1")
    assert attempt.result() is TransferResult.CONNECTED
    [leg] = scene.kept.of(LegEnded)
    assert (leg.leg_id, leg.extension, leg.cause) == (f"{desk.uuid}-2", "202", "LOSE_RACE")
    assert scene.call.desk_legs == [(desk.uuid, "201")]


def test_no_phone_of_a_department_answers(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene, BILLING)
    ringing.set("-ERR NO_ANSWER")
    attempt.result()
    legs = [(leg.extension, leg.cause) for leg in scene.kept.of(LegEnded)]
    assert legs == [("201", "NO_ANSWER"), ("202", "NO_ANSWER")]


def test_a_department_without_phones_is_unreachable(scene: Scene) -> None:
    scene.line.open()
    assert Attempt(scene, NOBODY).result() is TransferResult.UNREACHABLE
    assert scene.link.commands == []


def test_a_number_outside_is_rung_through_its_trunk_and_counted(scene: Scene) -> None:
    line = OutsideLine("+4930999888", "211", "Provider 1", "+4930123450")
    attempt = Attempt(scene, line)
    attempt.answered(decided=ACCEPT)
    command = next(text for text in scene.link.commands if text.startswith("originate"))
    assert re.search(r"}sofia/gateway/provider-1-\w{6}/\+4930999888 &socket", command)
    assert "execute_on_originate='limit hash outbound 211 2 !CALL_REJECTED'" in command
    assert "origination_caller_id_number=+4930123450" in command
    assert attempt.result() is TransferResult.CONNECTED


def test_an_extension_that_is_none_is_never_dialled(scene: Scene) -> None:
    scene.line.open()
    attempt = Attempt(scene, Person("x", "X", "201&park()"))
    assert attempt.result() is TransferResult.FAILED
    assert attempt.ended().cause.startswith("configuration")
    assert scene.link.commands == []


def test_the_phone_is_free_again_after_every_attempt(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    desk = attempt.answered()
    desk.press("2")
    attempt.result()
    attempt.attending.join(LIMIT_S)
    with scene.desks.reserved(("212",)) as free:
        assert free == ("212",)


def test_the_phone_stays_taken_while_they_talk(scene: Scene, ringing: AsyncResult) -> None:
    attempt = Attempt(scene)
    desk = attempt.answered()
    desk.press("1")
    assert attempt.result() is TransferResult.CONNECTED
    assert Attempt(scene).result() is TransferResult.BUSY
    scene.desks.hung_up(desk.uuid)
    attempt.attending.join(LIMIT_S)
    with scene.desks.reserved(("212",)) as free:
        assert free == ("212",)


def test_the_caller_s_name_reaches_the_phone_harmless(scene: Scene, ringing: AsyncResult) -> None:
    hostile = "O'Brien\n{origination_uuid=x}[a=b],user/200@x &park() ${system(x)} <b>"
    object.__setattr__(scene.call, "caller_name", hostile)
    attempt = Attempt(scene)
    command = scene.link.next("originate")
    ringing.set("-ERR NO_ANSWER")
    attempt.result()
    assert "\n" not in command
    variables, _, endpoint = command.partition("}")
    assert endpoint == "user/212@appliance.local &socket('127.0.0.1:8085 async full')"
    assert variables.count("{") == 1
    assert "$" not in variables
    assert "[" not in variables
    assert variables.count("origination_uuid=") == 1
