"""The way out to the dialplan, hanging up, messages, and the line itself."""

import gevent
import pytest

from appliance.actions.fall_back import fall_back
from appliance.actions.hang_up import hang_up
from appliance.actions.take_message import take_message
from appliance.actions.unbroken import unbroken
from appliance.calls.errors import (
    ConfigurationError,
    SwitchError,
    SwitchGoneError,
)
from appliance.calls.events import MessageTaken
from appliance.dialogue.steps import SaveMessage
from tests.unit.actions.doubles import (
    LIMIT_S,
    FakeAudio,
    FakeChannel,
    Scene,
    playback,
)


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
