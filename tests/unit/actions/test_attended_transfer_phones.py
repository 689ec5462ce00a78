"""Attended transfers: which phones ring, by what number, and whose they are meanwhile."""

import re

from gevent.event import AsyncResult

from appliance.actions.desks import (
    ACCEPT,
)
from appliance.calls.directory import Person
from appliance.calls.events import LegEnded
from appliance.calls.outside import OutsideLine
from appliance.calls.transfer import TransferResult
from tests.unit.actions.attempt import Attempt
from tests.unit.actions.doubles import (
    BILLING,
    LIMIT_S,
    NOBODY,
    Scene,
)


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
