"""A phone that sends no audio, told from a person who says nothing."""

from typing import Any, cast

import pytest
from gevent.event import AsyncResult

from appliance.actions.mute import sends_nothing
from appliance.calls.errors import SwitchGoneError
from appliance.calls.transfer import TransferResult
from tests.unit.actions.attempt import ANNOUNCEMENT, Attempt
from tests.unit.actions.doubles import Scene


@pytest.fixture
def ringing(scene: Scene) -> AsyncResult:
    """FreeSWITCH's answer to ``originate``: nothing until the leg is ended."""
    scene.line.open()
    answer: AsyncResult = AsyncResult()
    scene.link.answers["originate"] = answer

    def cancelled(command: str) -> str:
        answer.set("-ERR ORIGINATOR_CANCEL")
        return "+OK"

    scene.link.answers["uuid_kill"] = cancelled
    return answer


@pytest.mark.parametrize(
    ("packets", "mute"),
    [("0", True), ("42", False), ("_undef_", False), (SwitchGoneError("no link"), False)],
)
def test_only_a_count_of_none_tells(scene: Scene, packets: str | Exception, mute: bool) -> None:
    scene.link.answers["uuid_getvar"] = packets
    assert sends_nothing(cast("Any", scene.link), "leg-1") is mute


@pytest.mark.parametrize(
    ("packets", "result", "times"),
    [("0", TransferResult.NO_MEDIA, 1), ("42", TransferResult.NO_RESPONSE, 2)],
)
def test_a_desk_that_sends_no_packet_is_asked_once(
    scene: Scene, ringing: AsyncResult, packets: str, result: TransferResult, times: int
) -> None:
    scene.link.answers["uuid_getvar"] = packets
    said: list[str] = []
    speak = scene.voice.speak

    def heard(text: str, *rest: Any, **options: Any) -> Any:
        said.append(text)
        return speak(text, *rest, **options)

    scene.voice.speak = heard  # type: ignore[method-assign]
    attempt = Attempt(scene)
    attempt.answered()
    assert attempt.result() is result
    assert said == [ANNOUNCEMENT] * times


def test_a_desk_that_sends_no_packet_may_take_the_call(scene: Scene, ringing: AsyncResult) -> None:
    scene.link.answers["uuid_getvar"] = "0"
    attempt = Attempt(scene)
    attempt.answered().press("1")
    assert attempt.result() is TransferResult.CONNECTED
