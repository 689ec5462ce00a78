"""Interruptions, back-channels and our own echo, on virtual time."""

from collections.abc import Callable

import numpy as np
import pytest

from appliance.speech.barge_in import BargeInRules, EchoWatch, echo_share
from appliance.speech.events import (
    BackChannel,
    BargedIn,
    Expectation,
    PauseStarted,
    SpeechEvent,
    TurnEnded,
)
from appliance.speech.turn_taker import TurnTaker
from tests.unit.speech.synthetic_voice import (
    Wave,
    names,
    of_kind,
    quiet,
    room,
    speech,
    syllable,
    take_turns,
)

RATES = pytest.mark.parametrize("rate_hz", [8000, 16000])
LENGTH_S = 10.0
SPAN = (1000, 8000)


def our_voice(rate_hz: int) -> Wave:
    """Seven seconds of speech from the first second on, one of silence before and after."""
    voice = speech(rate_hz, 7.0, pitch_hz=190, seed=21)[: rate_hz * 7]
    return np.concatenate([quiet(rate_hz, 1), voice, quiet(rate_hz, LENGTH_S)])[
        : round(rate_hz * LENGTH_S)
    ]


def with_caller(background: Wave, rate_hz: int, at_s: float, spoken: Wave) -> Wave:
    mixed = background.copy()
    start = round(rate_hz * at_s)
    mixed[start : start + len(spoken)] += spoken
    return mixed


def run(
    rate_hz: int,
    heard: Wave,
    *,
    hint: Callable[[PauseStarted], str | None] = lambda pause: None,
    hint_after_ms: int = 0,
    expect: Expectation = Expectation.OPEN,
) -> list[SpeechEvent]:
    taker = TurnTaker(rate_hz)
    taker.expect(expect)
    return take_turns(
        taker, rate_hz, heard, played=our_voice(rate_hz), played_ms=SPAN, hint=hint,
        hint_after_ms=hint_after_ms,
    )  # fmt: skip


@RATES
@pytest.mark.parametrize("gain_db", [-6, -12, -20, -30])
@pytest.mark.parametrize("delay_ms", [20, 120, 250])
def test_our_own_echo_is_never_a_turn(rate_hz: int, gain_db: int, delay_ms: int) -> None:
    assert run(rate_hz, room(our_voice(rate_hz), rate_hz, delay_ms, gain_db)) == []


@RATES
def test_half_a_second_of_speech_interrupts(rate_hz: int) -> None:
    caller = speech(rate_hz, 1.5, pitch_hz=110, seed=5) * 0.3
    silence = quiet(rate_hz, LENGTH_S)
    events = run(rate_hz, with_caller(silence, rate_hz, 3.0, caller))
    barged = of_kind(events, BargedIn)
    assert len(barged) == 1
    assert barged[0].started_ms == pytest.approx(3000, abs=60)
    assert 3480 <= barged[0].at_ms <= 3640
    assert len(of_kind(events, TurnEnded)) == 1


@RATES
@pytest.mark.parametrize("gain_db", [-12, -20])
def test_a_caller_is_heard_over_the_echo(rate_hz: int, gain_db: int) -> None:
    echo = room(our_voice(rate_hz), rate_hz, 120, gain_db)
    caller = speech(rate_hz, 2.5, pitch_hz=110, seed=5)
    barged = of_kind(run(rate_hz, with_caller(echo, rate_hz, 4.0, caller)), BargedIn)
    assert len(barged) == 1
    assert 4300 <= barged[0].at_ms <= 5300


@RATES
def test_a_back_channel_does_not_interrupt(rate_hz: int) -> None:
    nod = syllable(rate_hz, 0.25, 2) * 0.4
    events = run(rate_hz, with_caller(quiet(rate_hz, LENGTH_S), rate_hz, 3.0, nod))
    assert names(events) == ["SpeechStarted", "PauseStarted", "BackChannel"]


@pytest.mark.parametrize("text", ["mhm", "okay", "Uh huh.", ""])
def test_a_back_channel_is_known_as_soon_as_it_is_transcribed(text: str) -> None:
    nod = syllable(8000, 0.25, 2) * 0.4
    heard = with_caller(quiet(8000, LENGTH_S), 8000, 3.0, nod)
    events = run(8000, heard, hint=lambda _: text)
    assert names(events) == ["SpeechStarted", "PauseStarted", "BackChannel"]
    assert events[-1].at_ms == events[-2].at_ms


@pytest.mark.parametrize("hint_after_ms", [0, 300, 1500])
@pytest.mark.parametrize("text", ["stop", "No.", "operator"])
def test_a_short_word_that_means_something_interrupts(text: str, hint_after_ms: int) -> None:
    word = syllable(8000, 0.25, 2) * 0.4
    heard = with_caller(quiet(8000, LENGTH_S), 8000, 3.0, word)
    events = run(8000, heard, hint=lambda _: text, hint_after_ms=hint_after_ms)
    assert len(of_kind(events, BargedIn)) == 1
    assert len(of_kind(events, TurnEnded)) == 1


def test_a_transcript_that_comes_too_late_changes_nothing() -> None:
    word = syllable(8000, 0.25, 2) * 0.4
    heard = with_caller(quiet(8000, LENGTH_S), 8000, 3.0, word)
    events = run(8000, heard, hint=lambda _: "stop", hint_after_ms=3000)
    assert not of_kind(events, BargedIn)


def test_yes_while_a_question_is_being_asked_is_an_answer() -> None:
    word = syllable(8000, 0.25, 2) * 0.4
    heard = with_caller(quiet(8000, LENGTH_S), 8000, 3.0, word)
    events = run(8000, heard, hint=lambda _: "yes", expect=Expectation.CLOSED)
    assert len(of_kind(events, BargedIn)) == len(of_kind(events, TurnEnded)) == 1
    assert not of_kind(run(8000, heard, hint=lambda _: "yes"), BargedIn)


@RATES
@pytest.mark.parametrize("at_s", [7.7, 8.05])
def test_an_answer_at_the_end_of_the_prompt_is_a_turn(rate_hz: int, at_s: float) -> None:
    """The last words of a question are often spoken over."""
    echo = room(our_voice(rate_hz), rate_hz, 60, -30)
    answer = syllable(rate_hz, 0.3, 1, 100)
    events = run(rate_hz, with_caller(echo, rate_hz, at_s, answer))
    assert len(of_kind(events, TurnEnded)) == 1
    assert not of_kind(events, BackChannel)


def test_a_caller_who_was_speaking_before_us_interrupts() -> None:
    caller = speech(8000, 2.5, pitch_hz=110, seed=5) * 0.3
    events = run(8000, with_caller(quiet(8000, LENGTH_S), 8000, 0.4, caller))
    assert 1480 <= of_kind(events, BargedIn)[0].at_ms <= 1800


def test_the_rules_of_interruption() -> None:
    rules = BargeInRules()
    assert rules.interrupts(500, -25, 2000)
    assert not rules.interrupts(480, -25, 2000)
    assert rules.interrupts(300, -10, 2000)
    assert not rules.interrupts(500, -25, 100), "just after our speech started"


def test_the_share_of_an_echo_and_of_other_speech() -> None:
    ours = our_voice(8000)[: 8000 * 5].astype(np.float32)
    echo = room(ours.astype(np.float64), 8000, 100, -20).astype(np.float32)
    other = speech(8000, 5.0, pitch_hz=110, seed=8).astype(np.float32)
    played = ours[8000 * 3 - 2400 : 8000 * 3 + 4000]
    share, delay = echo_share(echo[8000 * 3 : 8000 * 3 + 4000], played)
    assert share > 0.75
    assert delay == pytest.approx(800, abs=160)
    assert echo_share(other[8000 * 3 : 8000 * 3 + 4000], played)[0] < 0.5


def test_an_unknown_line_explains_only_what_is_very_soft() -> None:
    watch = EchoWatch(8000)
    loud = (np.sin(np.arange(160)) * 8000).astype("<i2").tobytes()
    watch.frame(None, -100.0, loud)
    assert watch.playing
    assert watch.explains(-60.0)
    assert not watch.explains(-25.0)
    for _ in range(15):
        watch.frame(None, -100.0, None)
    assert not watch.playing
    assert not watch.explains(-60.0)
