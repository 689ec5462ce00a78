"""From frames to turns: speculation taken or dropped, hints, errors, nods."""

from collections.abc import Iterator
from typing import Any, cast

import gevent
import pytest
from gevent.queue import Empty, Queue

from appliance.calls.errors import InferenceError
from appliance.controller.inputs import CallerSaid, Input, MediaStopped, NotUnderstood
from appliance.controller.listening import Listener
from appliance.inference.client import InferenceBusyError
from appliance.inference.work import Work, current_work
from appliance.speech.events import (
    BackChannel,
    BargedIn,
    Expectation,
    SpeechDismissed,
    SpeechEvent,
    SpeechResumed,
    SpeechStarted,
)
from appliance.speech.recognizer import Transcript
from tests.unit.actions.doubles import LIMIT_S
from tests.unit.controller.doubles import (
    FakeRecognizer,
    FakeTurnTaker,
    pause,
    transcript,
    turn_ended,
)


class Ears:
    def __init__(self, recognizer: FakeRecognizer | None = None) -> None:
        self.turns = FakeTurnTaker()
        self.recognizer = recognizer or FakeRecognizer()
        self.inbox: Queue = Queue()
        self.barged_in: list[None] = []
        self.late: list[SpeechEvent] = []
        self.caught_up = 0
        self.waiting: list[bool] = []
        self.listener = Listener(
            cast("Any", self.turns), self.recognizer, 8000, post=self.inbox.put,
            barged_in=lambda: self.barged_in.append(None), played=lambda: None,
            catch_up=self._catch_up, hotwords=("Anna Jones",), name="test", work=Work("a call"),
        )  # fmt: skip
        self.listener.on_waiting = self.waiting.append

    def _catch_up(self) -> None:
        self.caught_up += 1
        if self.late:
            self.frame(self.late.pop())

    def frame(self, *events: SpeechEvent) -> None:
        self.turns.next = list(events)
        self.listener.on_frame(b"", 0)

    def heard(self) -> Input:
        return cast("Input", self.inbox.get(timeout=LIMIT_S))

    def nothing_heard(self) -> bool:
        gevent.idle()
        try:
            self.inbox.get_nowait()
        except Empty:
            return True
        return False


@pytest.fixture
def ears() -> Iterator[Ears]:
    ears = Ears()
    yield ears
    ears.listener.close()


def test_a_speculation_that_is_ready_costs_no_time(ears: Ears) -> None:
    ears.frame(SpeechStarted(200, 100))
    ears.frame(pause())
    pcm, answer = ears.recognizer.next()
    assert pcm == b"pause"
    answer.set(transcript("billing please"))
    assert ears.turns.hints.get(timeout=LIMIT_S) == "billing please"
    ears.frame(turn_ended())
    said = ears.inbox.get_nowait()  # at once, in the frame that ended the turn
    assert isinstance(said, CallerSaid)
    assert (said.text, said.started_ms, said.ended_ms, said.endpoint_ms) == (
        "billing please", 100, 900, 300,
    )  # fmt: skip
    assert said.transcribe_ms < 50
    assert ears.waiting == []
    assert ears.recognizer.asked.empty()  # heard once, not twice


def test_a_speculation_under_way_is_waited_for(ears: Ears) -> None:
    ears.frame(pause())
    _, answer = ears.recognizer.next()
    ears.frame(turn_ended())
    assert ears.nothing_heard()
    assert ears.listener.busy
    assert ears.waiting == [True]
    answer.set(transcript("billing"))
    assert cast("CallerSaid", ears.heard()).text == "billing"
    assert ears.recognizer.asked.empty()
    gevent.idle()
    assert ears.waiting == [True]  # the caller waits on, for the answer to these words
    assert not ears.listener.busy


def test_a_caller_who_goes_on_makes_the_speculation_void(ears: Ears) -> None:
    ears.frame(pause())
    ears.recognizer.next()
    ears.frame(SpeechResumed(1100))
    gevent.idle()
    assert ears.recognizer.dropped == [b"pause"]
    ears.frame(turn_ended(pcm=b"whole turn"))
    pcm, answer = ears.recognizer.next()
    assert pcm == b"whole turn"
    answer.set(transcript("billing or sales"))
    assert cast("CallerSaid", ears.heard()).text == "billing or sales"


def test_only_the_last_pause_counts(ears: Ears) -> None:
    ears.frame(pause())
    ears.recognizer.next()
    ears.frame(SpeechResumed(1100))
    ears.frame(pause(2000))
    _, second = ears.recognizer.next()
    second.set(transcript("the second"))
    ears.turns.hints.get(timeout=LIMIT_S)
    ears.frame(turn_ended())
    assert cast("CallerSaid", ears.heard()).text == "the second"
    assert ears.recognizer.dropped == [b"pause"]
    assert ears.turns.hints.empty()


def test_a_hint_is_told_after_the_frames_before_it(ears: Ears) -> None:
    """They come several at a time; and the end of the turn may be nearer once it is told."""
    ears.frame(pause())
    _, answer = ears.recognizer.next()
    ears.late = [SpeechResumed(1500)]
    answer.set(transcript("billing please"))
    assert ears.turns.hints.get(timeout=LIMIT_S) == "billing please"
    gevent.idle()
    assert ears.late == []
    assert ears.caught_up == 2


def test_what_is_expected_counts_from_this_moment(ears: Ears) -> None:
    ears.late = [SpeechResumed(1500)]
    ears.listener.expect(Expectation.CLOSED)
    assert ears.turns.expected == [Expectation.CLOSED]
    assert ears.late == []
    assert ears.caught_up == 2


def test_the_hint_ends_the_turn(ears: Ears) -> None:
    """The words sound finished: the turn ends with them, and they are its words."""
    ears.turns.after_hint = [turn_ended()]
    ears.frame(pause())
    _, answer = ears.recognizer.next()
    answer.set(transcript("thank you"))
    said = ears.heard()
    assert cast("CallerSaid", said).text == "thank you"
    assert ears.recognizer.asked.empty()


def test_a_recogniser_that_fails_is_told_once(ears: Ears) -> None:
    ears.frame(pause())
    _, answer = ears.recognizer.next()
    ears.frame(turn_ended())
    answer.set(InferenceError("out of reach"))
    assert ears.heard() == NotUnderstood("out of reach")
    assert ears.nothing_heard()
    assert ears.waiting == [True]


def test_a_speculation_that_a_busy_server_put_off_is_made_good(ears: Ears) -> None:
    ears.frame(pause())
    _, answer = ears.recognizer.next()
    answer.set(InferenceBusyError("speculation comes last"))
    gevent.idle()
    ears.frame(turn_ended(pcm=b"the turn"))
    pcm, answer = ears.recognizer.next()
    assert pcm == b"the turn"
    answer.set(transcript("billing"))
    assert cast("CallerSaid", ears.heard()).text == "billing"


def test_a_busy_server_at_the_end_of_a_turn_is_a_failure(ears: Ears) -> None:
    ears.frame(turn_ended())
    _, answer = ears.recognizer.next()
    answer.set(InferenceBusyError("too much to do"))
    assert ears.heard() == NotUnderstood("too much to do")


def test_the_recogniser_knows_whose_work_it_is_and_how_sure_it_is_needed() -> None:
    seen: list[Work] = []

    class Recognizer(FakeRecognizer):
        def transcribe(self, pcm: bytes, rate_hz: int, **options: Any) -> Transcript:
            seen.append(current_work())
            return super().transcribe(pcm, rate_hz, **options)

    ears = Ears(Recognizer())
    ears.frame(pause())
    ears.recognizer.next()
    ears.frame(SpeechResumed(1100))
    ears.frame(turn_ended())
    ears.recognizer.next()
    ears.listener.close()
    assert [(work.call_id, work.speculative) for work in seen] == [
        ("a call", True),
        ("a call", False),
    ]


def test_a_failed_speculation_gives_no_hint(ears: Ears) -> None:
    ears.frame(pause())
    _, answer = ears.recognizer.next()
    answer.set(InferenceError("out of reach"))
    gevent.idle()
    assert ears.turns.hints.empty()
    ears.frame(turn_ended())
    assert ears.heard() == NotUnderstood("out of reach")


def test_nothing_heard_is_no_turn(ears: Ears) -> None:
    ears.frame(turn_ended())
    _, answer = ears.recognizer.next()
    answer.set(transcript(""))
    gevent.idle()
    assert ears.nothing_heard()
    assert ears.waiting == [True, False]
    assert not ears.listener.busy


def test_what_was_no_speech_is_dropped(ears: Ears) -> None:
    ears.frame(SpeechStarted(200, 100))
    assert ears.listener.busy
    ears.frame(pause())
    ears.recognizer.next()
    ears.frame(SpeechDismissed(1100))
    gevent.idle()
    assert ears.recognizer.dropped == [b"pause"]
    assert not ears.listener.busy


def test_a_nod_is_no_turn(ears: Ears) -> None:
    ears.frame(pause())
    _, answer = ears.recognizer.next()
    ears.frame(BackChannel(1100))
    answer.set(transcript("mhm"))
    assert ears.turns.hints.get(timeout=LIMIT_S) == "mhm"
    assert ears.nothing_heard()
    assert ears.barged_in == []


def test_a_nod_whose_words_come_late_may_be_a_wish(ears: Ears) -> None:
    """A slow recogniser: "operator" was taken for a nod until its words came."""
    ears.frame(pause())
    _, answer = ears.recognizer.next()
    ears.frame(BackChannel(1100))
    ears.turns.after_hint = [BargedIn(1500, 900), turn_ended()]
    answer.set(transcript("operator"))
    assert cast("CallerSaid", ears.heard()).text == "operator"
    assert ears.barged_in == [None]


def test_the_words_of_a_nod_are_not_taken_for_what_comes_after(ears: Ears) -> None:
    ears.frame(pause())
    _, answer = ears.recognizer.next()
    ears.frame(BackChannel(1100))
    answer.set(transcript("mhm"))
    ears.turns.hints.get(timeout=LIMIT_S)
    ears.frame(SpeechStarted(2000, 1900))
    ears.frame(turn_ended(30_000, b"half a minute without a pause"))
    pcm, second = ears.recognizer.next()
    assert pcm == b"half a minute without a pause"
    second.set(transcript("a long story"))
    assert cast("CallerSaid", ears.heard()).text == "a long story"


def test_an_interruption_is_told_in_the_frame_it_was_noticed(ears: Ears) -> None:
    ears.frame(BargedIn(500, 100))
    assert ears.barged_in == [None]


def test_a_dead_line_is_told(ears: Ears) -> None:
    ears.listener.on_lost(3000)
    assert ears.heard() == MediaStopped(3000)


def test_closing_drops_everything(ears: Ears) -> None:
    ears.frame(pause())
    ears.recognizer.next()
    ears.frame(turn_ended())
    ears.frame(turn_ended(pcm=b"another"))
    ears.recognizer.next()
    ears.listener.close()
    gevent.idle()
    assert sorted(ears.recognizer.dropped) == [b"another", b"pause"]
    assert ears.nothing_heard()


def test_words_are_told_while_the_caller_may_go_on(ears: Ears) -> None:
    words: Queue = Queue()
    ears.listener.on_words = words.put
    ears.frame(SpeechStarted(200, 100))
    ears.frame(pause())
    _, answer = ears.recognizer.next()
    answer.set(transcript("I would like"))
    assert words.get(timeout=LIMIT_S) == "I would like"
    ears.frame(SpeechResumed(1100))
    ears.turns.after_hint = [turn_ended()]
    ears.frame(pause(2000))
    _, answer = ears.recognizer.next()
    answer.set(transcript("I would like to speak to billing"))
    ears.heard()
    gevent.idle()
    assert words.empty()  # they are a turn now
