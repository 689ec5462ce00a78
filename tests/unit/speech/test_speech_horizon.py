"""How long the caller's frames may be left lying: no decision falls late, and it is worth it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.media.pcm import QUIET_DB, level_db, silent_frame
from appliance.speech.barge_in import BargeInRules
from appliance.speech.endpointing import PauseLengths
from appliance.speech.events import Expectation, SpeechEvent, SpeechResumed
from appliance.speech.turn_taker import TurnTaker, TurnTakerConfig
from tests.unit.speech.synthetic_voice import (
    Wave,
    frames_of,
    names,
    noise,
    quiet,
    speech,
    syllable,
)

RATE_HZ = 8000
VOICE = speech(RATE_HZ, 3.0)
HEARD: dict[str, list[bytes | None]] = {
    "voice": [*frames_of(VOICE, RATE_HZ)],
    "loud voice": [*frames_of(VOICE * 1.9, RATE_HZ)],
    "low voice": [*frames_of(VOICE * 0.1, RATE_HZ)],
    "faint voice": [*frames_of(VOICE * 0.02, RATE_HZ)],
    "noise": [*frames_of(noise(RATE_HZ, 3.0, 0.05), RATE_HZ)],
    "quiet": [silent_frame(RATE_HZ)],
    "lost": [None],
}
OURS = frames_of(speech(RATE_HZ, 3.0, pitch_hz=190, seed=21), RATE_HZ)
TEXTS = ("yes", "mhm", "i would like to", "call me back please", "sales", "five five", "stop", "")


class DrawnGate:
    """A second stage that answers as hypothesis likes."""

    def __init__(self, answers: list[bool]) -> None:
        self._answers = answers

    def is_speech(self, pcm: bytes, rate_hz: int) -> bool:
        self._answers.append(self._answers.pop(0))
        return self._answers[-1]


def milliseconds(least: int, most: int) -> st.SearchStrategy[int]:
    return st.integers(least, most)


configs = st.one_of(
    st.just(TurnTakerConfig()),
    st.builds(
        TurnTakerConfig,
        pauses=st.builds(
            PauseLengths,
            finished_ms=milliseconds(0, 500),
            short_answer_ms=milliseconds(0, 800),
            default_ms=milliseconds(100, 900),
            unfinished_ms=milliseconds(300, 1500),
            digits_ms=milliseconds(300, 1500),
            cap_ms=milliseconds(200, 1600),
        ),
        barge_in=st.builds(
            BargeInRules,
            speech_ms=milliseconds(60, 600),
            loud_speech_ms=milliseconds(60, 600),
            guard_ms=milliseconds(0, 300),
        ),
        speculate_ms=milliseconds(0, 300),
        onset_ms=milliseconds(0, 140),
        unconfirmed_ms=milliseconds(0, 1600),
        longest_ms=milliseconds(300, 6000),
        aggressiveness=st.integers(0, 3),
    ),
)
spans = st.lists(
    st.tuples(
        st.sampled_from([*HEARD, "voice", "loud voice", "quiet"]),
        st.integers(1, 30),
        st.booleans(),
        st.one_of(st.none(), st.sampled_from(Expectation), st.sampled_from(TEXTS)),
    ),
    min_size=8, max_size=24,
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(configs, st.lists(st.booleans(), min_size=1, max_size=6), spans)
def test_no_event_comes_before_the_time_that_was_promised(
    config: TurnTakerConfig,
    answers: list[bool],
    spans: list[tuple[str, int, bool, Expectation | str | None]],
) -> None:
    """Asked after every frame, and held to all that was promised since the last change."""
    taker = TurnTaker(RATE_HZ, config, gate=DrawnGate([True, *answers]))
    at_ms = promised_ms = 0
    for kind, count, playing, change in spans:
        if isinstance(change, Expectation):
            taker.expect(change)
            promised_ms = 0
        for index in range(count):
            heard, ours = (frames[at_ms // 20 % len(frames)] for frames in (HEARD[kind], OURS))
            at_ms += 20
            rests = taker.at_rest and (heard is None or level_db(heard) < QUIET_DB)
            events = taker.frame(heard, at_ms, ours if playing else None)
            assert not rests or (taker.at_rest and not events)
            exact = [event for event in events if not isinstance(event, SpeechResumed)]
            assert not exact or at_ms >= promised_ms, (exact, promised_ms)
            if isinstance(change, str) and index == count // 2:
                taker.hint(change, at_ms)
                promised_ms = 0
            until_ms = taker.undecided_until_ms(at_ms)
            assert until_ms - at_ms in range(20, 201, 20)
            promised_ms = max(promised_ms, until_ms)


def test_it_is_at_rest_until_the_caller_speaks() -> None:
    taker = TurnTaker(RATE_HZ)
    rests = []
    for index, frame in enumerate(frames_of(question(), RATE_HZ), start=1):
        taker.frame(frame, index * 20, None)
        rests.append(taker.at_rest)
    assert set(rests[:50]) == {True}
    assert set(rests[60:200]) == {False}
    assert rests[-1]


class Lumps:
    """A turn taker that is woken only when it asked to be.

    Attributes:
        woken_ms: when it was.
        events: what came of it.
    """

    def __init__(
        self, heard: Wave, *, played_ms: tuple[int, int] = (0, 0), gate: DrawnGate | None = None
    ) -> None:
        self.taker = TurnTaker(RATE_HZ, gate=gate)
        self.woken_ms: list[int] = []
        self.events: list[SpeechEvent] = []
        self._frames = frames_of(heard, RATE_HZ)
        self._played_ms = range(*played_ms)
        self.until_ms = self.at_ms = 0

    def run(self, to_ms: int) -> None:
        while self.at_ms < to_ms:
            played = OURS[self.at_ms // 20 % len(OURS)] if self.at_ms in self._played_ms else None
            frame = self._frames[self.at_ms // 20]
            self.at_ms += 20
            self.events += self.taker.frame(frame, self.at_ms, played)
            if self.at_ms >= self.until_ms:
                self._ask()

    def hint(self, text: str) -> None:
        self.events += self.taker.hint(text, self.at_ms)
        self._ask()

    def _ask(self) -> None:
        self.woken_ms.append(self.at_ms)
        self.until_ms = self.taker.undecided_until_ms(self.at_ms)

    def woken(self, from_ms: int, to_ms: int) -> list[int]:
        return [at_ms for at_ms in self.woken_ms if from_ms < at_ms <= to_ms]


def question(length_s: float = 3.0) -> Wave:
    """A second of silence, the question, four seconds of silence."""
    return np.concatenate([quiet(RATE_HZ, 1), speech(RATE_HZ, length_s), quiet(RATE_HZ, 4)])


@pytest.mark.parametrize("played_ms", [(0, 0), (0, 4000)])
def test_while_the_caller_is_silent_it_is_woken_every_180_ms(played_ms: tuple[int, int]) -> None:
    lumps = Lumps(quiet(RATE_HZ, 4), played_ms=played_ms)
    lumps.run(4000)
    assert set(np.diff(lumps.woken_ms[1:])) == {180}


def test_while_the_caller_speaks_it_is_woken_when_there_may_be_a_pause() -> None:
    lumps = Lumps(question())
    lumps.run(4000)
    assert names(lumps.events) == ["SpeechStarted"]
    assert 6.2 <= len(lumps.woken(1000, 4000)) / 3 <= 7


def test_an_utterance_that_has_faded_at_once_is_judged_in_time() -> None:
    """One loud frame, and what makes it an utterance is too faint to draw it out."""
    loud, faint = VOICE[112 * 160 : 113 * 160] * 1.9, VOICE[113 * 160 : 119 * 160] * 0.02
    heard = np.concatenate([quiet(RATE_HZ, 0.6), loud, faint, quiet(RATE_HZ, 1)])
    lumps = Lumps(heard, gate=DrawnGate([True]))
    lumps.run(1000)
    assert names(lumps.events) == ["SpeechStarted", "PauseStarted"]
    assert lumps.events[0].at_ms == 600 + 20 + 160
    assert lumps.events[0].at_ms in lumps.woken_ms


def test_in_a_pause_it_is_woken_when_the_turn_is_over() -> None:
    lumps = Lumps(question())
    lumps.run(6000)
    started, paused, ended = lumps.events
    assert names(lumps.events) == ["SpeechStarted", "PauseStarted", "TurnEnded"]
    assert {started.at_ms, paused.at_ms, ended.at_ms} <= set(lumps.woken_ms)
    ahead_ms = [at_ms - paused.at_ms for at_ms in lumps.woken(paused.at_ms, ended.at_ms)]
    assert ahead_ms == [200, 400, 540]


def test_a_transcript_brings_the_end_of_the_pause_nearer() -> None:
    lumps = Lumps(question())
    lumps.run(4200)
    paused = lumps.events[-1]
    lumps.hint("call me back please")
    assert lumps.until_ms == paused.at_ms + 140
    lumps.run(4400)
    assert names(lumps.events)[-1] == "TurnEnded"
    assert lumps.events[-1].at_ms == paused.at_ms + 140


def test_when_a_second_look_is_due_it_is_woken_as_soon_as_the_caller_may_have_resumed() -> None:
    """The look that fell into the pause is taken with the frame in which the caller goes on."""
    lumps = Lumps(question(1.9))
    lumps.run(6000)
    started, _, ended = lumps.events
    look_ms = started.at_ms + 2000
    assert set(np.diff(lumps.woken(look_ms, ended.at_ms - 20))) == {60}


def test_while_an_interruption_is_possible_it_is_woken_with_every_frame() -> None:
    """A shout would interrupt from 300 ms of speech on, and could come at any moment."""
    spoken = np.concatenate([quiet(RATE_HZ, 1), speech(RATE_HZ, 1.5) * 0.3, quiet(RATE_HZ, 3)])
    lumps = Lumps(spoken, played_ms=(0, 5000))
    lumps.run(1800)
    assert names(lumps.events) == ["SpeechStarted", "BargedIn"]
    barged_ms = lumps.events[-1].at_ms
    assert set(np.diff(lumps.woken(barged_ms - 160, barged_ms))) == {20}
    assert lumps.woken(barged_ms, 1800) == [barged_ms + 160]


def test_what_was_said_over_playback_is_judged_as_soon_as_that_goes_on() -> None:
    nod = np.concatenate([quiet(RATE_HZ, 2), syllable(RATE_HZ, 0.25, 2) * 0.4, quiet(RATE_HZ, 2)])
    lumps = Lumps(nod, played_ms=(0, 2100))
    lumps.run(2500)
    assert names(lumps.events) == ["SpeechStarted", "PauseStarted"]
    lumps.hint("mhm")
    assert lumps.until_ms - lumps.at_ms == 20


@pytest.mark.parametrize(("played_ms", "most"), [((0, 0), 6.5), ((0, 7000), 8.5)])
def test_a_question_and_its_pause_take_few_awakenings(
    played_ms: tuple[int, int], most: float
) -> None:
    lumps = Lumps(question() * 0.3, played_ms=played_ms)
    lumps.run(7000)
    assert "TurnEnded" in names(lumps.events)
    assert len(lumps.woken(0, 7000)) / 7 <= most
