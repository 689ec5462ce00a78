"""Blind transfers, the way out to the dialplan, hanging up, messages, and the line itself."""

import gevent
import pytest
from gevent.event import AsyncResult

from appliance.actions.blind_transfer import blind_transfer
from appliance.actions.fall_back import fall_back
from appliance.actions.hang_up import hang_up
from appliance.actions.take_message import take_message
from appliance.actions.unbroken import unbroken
from appliance.calls.errors import (
    ConfigurationError,
    SwitchError,
    SwitchGoneError,
    SwitchTimeoutError,
)
from appliance.calls.events import MessageTaken, TransferEnded
from appliance.calls.transfer import TransferResult
from appliance.dialogue.steps import SaveMessage
from tests.unit.actions.doubles import (
    DAVID,
    LIMIT_S,
    NOBODY,
    FakeAudio,
    FakeChannel,
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


def test_falling_back_names_the_hunt_group_and_closes(scene: Scene) -> None:
    scene.line.open()
    fall_back(scene.call)
    assert scene.channel.told[-1] == ("set", "appliance_fallback", "hunt")
    assert scene.channel.closed.is_set()
    assert scene.audio.closed


@pytest.mark.parametrize("error", [SwitchGoneError("hung up"), SwitchError("refused")])
def test_falling_back_when_the_leg_is_gone(scene: Scene, error: SwitchError) -> None:
    scene.line.open()
    scene.channel.failing["set"] = error
    fall_back(scene.call)
    assert scene.channel.closed.is_set()
    assert scene.audio.closed


def test_hanging_up_waits_for_the_goodbye(scene: Scene) -> None:
    spoken, last_words = playback("Goodbye.")
    job = gevent.spawn(hang_up, scene.call, last_words)
    gevent.idle()
    assert scene.channel.told == []
    spoken.finish()
    job.get(timeout=LIMIT_S)
    assert scene.channel.told == [("hangup", "NORMAL_CLEARING")]


def test_a_message_is_an_event(scene: Scene) -> None:
    take_message(
        scene.call, SaveMessage("anna", "Anna Jones", "Maria", "15550101", "call <b>me</b>", True)
    )
    [message] = scene.kept.of(MessageTaken)
    assert message.text == "call <b>me</b>"
    assert message.urgent


@pytest.mark.parametrize(
    ("variables", "rate_hz"),
    [
        ({"variable_read_rate": "16000"}, 16000),
        ({"variable_read_rate": "8000"}, 8000),
        ({"variable_write_rate": "16000"}, 16000),
        ({"variable_read_rate": "48000"}, 8000),
        ({"variable_read_rate": "16000; rm"}, 8000),
        ({}, 8000),
    ],
)
def test_the_rate_is_the_channel_s(scene: Scene, variables: dict[str, str], rate_hz: int) -> None:
    from appliance.actions.line import Line

    line = Line(FakeChannel(**variables), scene.voice)  # type: ignore[arg-type]
    assert line.rate_hz == rate_hz


def test_a_line_that_was_never_opened_can_be_closed(scene: Scene) -> None:
    scene.line.fall_silent()
    scene.line.close()
    assert scene.line.audio_ms == 0


def test_no_port_is_an_error_of_ours(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAudio, "no_port", True)
    with pytest.raises(SwitchError, match="no port"):
        scene.line.open()
    scene.line.close()
    assert scene.audio.closed


def test_a_voice_that_fails_is_told_and_not_raised(scene: Scene) -> None:
    errors: list[str] = []
    scene.line.on_voice_failed = errors.append
    scene.line.open()
    scene.voice.broken = True
    scene.line.say("hello")
    assert errors == ["no voice"]


def test_unbroken_gives_the_answer_or_the_error() -> None:
    def refused(_: int) -> int:
        raise ConfigurationError("no")

    assert unbroken("double", lambda n: 2 * n, 21) == 42
    with pytest.raises(ConfigurationError):
        unbroken("refuse", refused, 1)
