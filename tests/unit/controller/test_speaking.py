"""What is said, what of it was heard, and what is written down."""

from collections.abc import Iterator

import gevent
import pytest

from appliance.calls.events import Speaker, TurnTaken
from appliance.controller.speaking import SpeechOutput
from tests.unit.actions.doubles import FakeAudio, FakePlayback, Scene

TEXT = "Good morning, you have reached the Harbour Clinic."


class Voice:
    def __init__(self, scene: Scene) -> None:
        scene.line.open()
        self.scene = scene
        self.output = SpeechOutput(scene.line, scene.call.log)
        self.silences: list[None] = []
        self.output.on_silent = lambda: self.silences.append(None)

    @property
    def last(self) -> FakePlayback:
        return self.scene.audio.said[-1]

    def turns(self) -> list[TurnTaken]:
        return self.scene.kept.of(TurnTaken)


@pytest.fixture
def voice(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Voice]:
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    voice = Voice(scene)
    yield voice
    voice.output.close()


def test_what_was_said_to_its_end_is_a_turn(voice: Voice) -> None:
    voice.output.say(TEXT)
    assert voice.output.speaking
    voice.last.finish(3000)
    gevent.idle()
    assert not voice.output.speaking
    [turn] = voice.turns()
    assert (turn.speaker, turn.text, turn.interrupted) == (Speaker.APPLIANCE, TEXT, False)
    assert turn.ended_ms - turn.started_ms == 3000
    assert voice.silences == [None]


def test_an_interruption_cuts_the_text_at_a_word(voice: Voice) -> None:
    voice.output.say(TEXT)
    voice.last.played_ms = 1000
    assert voice.output.interrupt()
    assert voice.last.interrupted
    [turn] = voice.turns()
    assert turn.interrupted
    assert turn.text == "Good morning,"
    assert TEXT.startswith(turn.text)
    gevent.idle()
    assert voice.silences == [None]


def test_an_interruption_before_a_word_was_heard_leaves_no_turn(voice: Voice) -> None:
    voice.output.say(TEXT)
    assert voice.output.interrupt()
    assert voice.turns() == []


def test_what_must_be_heard_is_not_interrupted(voice: Voice) -> None:
    voice.output.say("One moment, I am connecting you.", interruptible=False)
    assert not voice.output.interrupt()
    assert not voice.last.interrupted
    assert voice.output.speaking


def test_interrupting_nothing(voice: Voice) -> None:
    assert not voice.output.interrupt()


def test_the_next_sentence_stops_the_last(voice: Voice) -> None:
    voice.output.say(TEXT)
    first = voice.last
    first.played_ms = 60_000
    voice.output.say("Goodbye.")
    assert first.interrupted
    voice.last.finish()
    gevent.idle()
    assert [(turn.text, turn.interrupted) for turn in voice.turns()] == [
        (TEXT, True), ("Goodbye.", False),
    ]  # fmt: skip
    assert voice.silences == [None]


def test_a_sentence_that_a_hang_up_cut_short_is_recorded_as_cut(voice: Voice) -> None:
    voice.output.say(TEXT)
    voice.last.played_ms = 1000
    voice.scene.line.fall_silent()
    gevent.idle()
    [turn] = voice.turns()
    assert turn.interrupted
    assert turn.text == "Good morning,"


def test_the_delay_of_a_reply_counts_from_the_caller_s_last_sound(voice: Voice) -> None:
    voice.output.say(TEXT, delays_ms={"endpoint": 300.0, "decide": 2.0}, decided_at=10.0)
    voice.last.first_frame_at = 10.025
    voice.last.finish()
    gevent.idle()
    [turn] = voice.turns()
    assert turn.delays_ms == {
        "endpoint": 300.0, "decide": 2.0, "first_audio": 25.0, "reply": 325.0,
    }  # fmt: skip


def test_closing_leaves_no_greenlet_behind(voice: Voice) -> None:
    voice.output.say(TEXT)
    voice.last.played_ms = 1000
    voice.output.close()
    [turn] = voice.turns()
    assert turn.interrupted
    assert voice.silences == []
