"""Turns on virtual time: short answers, pauses, digits, noises, missing and absurd frames."""

from collections.abc import Callable

import numpy as np
import pytest

from appliance.speech.endpointing import PauseLengths
from appliance.speech.events import (
    EndReason,
    Expectation,
    PauseStarted,
    SpeechDismissed,
    SpeechResumed,
    SpeechStarted,
    TurnEnded,
)
from appliance.speech.turn_taker import TurnTaker, TurnTakerConfig
from tests.unit.speech.synthetic_voice import (
    Wave,
    frames_of,
    names,
    noise,
    of_kind,
    quiet,
    seconds,
    speech,
    syllable,
    take_turns,
    to_pcm,
    to_wave,
)

RATES = pytest.mark.parametrize("rate_hz", [8000, 16000])


def said(rate_hz: int, *parts: float, gaps_s: float = 0.5) -> np.ndarray:
    """A second of silence, speech of each length with gaps between, three seconds of silence."""
    waves = [quiet(rate_hz, 1.0)]
    for index, length_s in enumerate(parts):
        waves += [speech(rate_hz, length_s, seed=index), quiet(rate_hz, gaps_s)]
    return np.concatenate([*waves, quiet(rate_hz, 3.0)])


@RATES
def test_a_turn_starts_pauses_and_ends(rate_hz: int) -> None:
    events = take_turns(TurnTaker(rate_hz), rate_hz, said(rate_hz, 1.5))

    assert names(events) == ["SpeechStarted", "PauseStarted", "TurnEnded"]
    turn = of_kind(events, TurnEnded)[0]
    assert turn.started_ms == pytest.approx(1000, abs=60)
    assert turn.last_audible_ms == pytest.approx(2500, abs=60)
    assert turn.delay_ms == 700 == turn.at_ms - turn.last_audible_ms
    assert turn.reason is EndReason.DEFAULT


@RATES
def test_the_pause_is_counted_from_the_last_audible_frame(rate_hz: int) -> None:
    """Not from where webrtcvad, which hangs over by 100 ms, says that speech ended."""
    pause = of_kind(take_turns(TurnTaker(rate_hz), rate_hz, said(rate_hz, 1.5)), PauseStarted)[0]
    assert pause.at_ms - pause.last_audible_ms == 160


@RATES
def test_the_turn_holds_all_that_was_said(rate_hz: int) -> None:
    wave = said(rate_hz, 1.0)
    turn = of_kind(take_turns(TurnTaker(rate_hz), rate_hz, wave), TurnEnded)[0]
    heard = to_wave(turn.pcm)
    assert np.square(heard).sum() == pytest.approx(np.square(wave).sum(), rel=0.01)
    assert len(heard) / rate_hz < 1.6


@RATES
@pytest.mark.parametrize("length_s", [0.16, 0.2, 0.3])
def test_a_short_answer_is_heard(rate_hz: int, length_s: float) -> None:
    answer = [quiet(rate_hz, 1), syllable(rate_hz, length_s, 3), quiet(rate_hz, 1.5)]
    taker = TurnTaker(rate_hz)
    taker.expect(Expectation.CLOSED)
    turns = of_kind(take_turns(taker, rate_hz, np.concatenate(answer)), TurnEnded)
    assert [turn.reason for turn in turns] == [EndReason.SHORT_ANSWER]
    assert turns[0].delay_ms == 400


@pytest.mark.parametrize(
    ("text", "delay_ms", "reason"),
    [
        ("i would like to speak to bob", 300, EndReason.FINISHED),
        ("i would like to speak to", 1400, EndReason.UNFINISHED),
        ("sales", 700, EndReason.DEFAULT),
        ("my number is five five five", 1400, EndReason.DIGITS),
        ("", 700, EndReason.DEFAULT),
    ],
)
def test_the_transcript_of_the_pause_decides_how_long_it_may_be(
    text: str, delay_ms: int, reason: EndReason
) -> None:
    events = take_turns(TurnTaker(8000), 8000, said(8000, 1.5), hint=lambda pause: text)
    turn = of_kind(events, TurnEnded)[0]
    assert (turn.delay_ms, turn.reason) == (delay_ms, reason)


def test_a_late_transcript_ends_the_turn_at_once_when_the_pause_was_long_enough() -> None:
    events = take_turns(
        TurnTaker(8000), 8000, said(8000, 1.5), hint=lambda _: "call me back please",
        hint_after_ms=300,
    )  # fmt: skip
    turn = of_kind(events, TurnEnded)[0]
    assert turn.delay_ms == 460
    assert turn.reason is EndReason.FINISHED


def test_a_hint_after_the_caller_went_on_is_ignored() -> None:
    wave = said(8000, 1.0, 1.0, gaps_s=0.3)
    events = take_turns(
        TurnTaker(8000), 8000, wave, hint=lambda p: "yes please" if p.at_ms < 2500 else None,
        hint_after_ms=500,
    )  # fmt: skip
    assert len(of_kind(events, SpeechResumed)) == 1
    assert [turn.reason for turn in of_kind(events, TurnEnded)] == [EndReason.DEFAULT]


def test_speech_after_a_pause_resumes_the_same_turn() -> None:
    events = take_turns(TurnTaker(8000), 8000, said(8000, 1.0, 1.0))
    assert names(events) == [
        "SpeechStarted", "PauseStarted", "SpeechResumed", "PauseStarted", "TurnEnded",
    ]  # fmt: skip
    turn = of_kind(events, TurnEnded)[0]
    assert turn.last_audible_ms - turn.started_ms == pytest.approx(2500, abs=80)


def test_a_faint_voice_in_the_background_does_not_resume_the_turn() -> None:
    """What is too faint to end the pause is too faint to make its transcript void."""
    wave = said(8000, 1.5) * 1.9
    wave[20800:24000] = speech(8000, 0.4, seed=7)[:3200] * 0.02
    events = take_turns(TurnTaker(8000), 8000, wave, hint=lambda _: "i would like to speak to")
    assert names(events) == ["SpeechStarted", "PauseStarted", "TurnEnded"]
    assert of_kind(events, TurnEnded)[0].delay_ms == 1400


def test_a_number_read_out_in_groups_is_one_turn() -> None:
    taker = TurnTaker(8000)
    taker.expect(Expectation.DIGITS)
    turns = of_kind(take_turns(taker, 8000, said(8000, 0.8, 0.8, 0.9, gaps_s=1.1)), TurnEnded)
    assert [turn.reason for turn in turns] == [EndReason.DIGITS]


def test_no_pause_is_waited_out_beyond_the_cap() -> None:
    config = TurnTakerConfig(pauses=PauseLengths(unfinished_ms=9000, cap_ms=2500))
    events = take_turns(TurnTaker(8000, config), 8000, said(8000, 1.0), hint=lambda _: "i want to")
    assert of_kind(events, TurnEnded)[0].delay_ms == 2500


def test_an_endless_turn_is_cut_so_that_its_audio_is_bounded() -> None:
    config = TurnTakerConfig(longest_ms=5000)
    wave = np.concatenate([quiet(8000, 1), speech(8000, 12.0), quiet(8000, 2)])
    turns = of_kind(take_turns(TurnTaker(8000, config), 8000, wave), TurnEnded)
    assert [turn.reason for turn in turns[:2]] == [EndReason.TOO_LONG] * 2
    assert max(len(turn.pcm) for turn in turns) <= 5000 * 16


@RATES
@pytest.mark.parametrize("snr_db", [25, 15])
def test_speech_over_line_noise_makes_one_turn(rate_hz: int, snr_db: int) -> None:
    wave = np.concatenate([quiet(rate_hz, 1), said(rate_hz, 1.5)])
    loud = float(speech(rate_hz, 1.5).std())
    wave = wave + noise(rate_hz, len(wave) / rate_hz, loud * 10 ** (-snr_db / 20))
    turns = of_kind(take_turns(TurnTaker(rate_hz), rate_hz, wave), TurnEnded)
    assert len(turns) == 1
    assert turns[0].last_audible_ms == pytest.approx(3500, abs=150)


def _notes(rate_hz: int) -> np.ndarray:
    t = seconds(rate_hz, 0.4)
    held = np.exp(-3 * t) * np.minimum(1, t * 100)
    return np.concatenate(
        [
            sum(0.1 * np.sin(2 * np.pi * f * m * k * t) / k for m in (1, 1.26, 1.5) for k in (1, 2))
            * held
            for f in (262, 294, 220, 349) * 4
        ]
    )


NOISES: dict[str, Callable[[int, Wave], Wave]] = {
    "nothing": lambda rate, t: 0 * t,
    "hiss": lambda rate, t: noise(rate, 6, 0.02),
    "loud hiss": lambda rate, t: noise(rate, 6, 0.1),
    "mains hum": lambda rate, t: 0.05 * np.sin(100 * np.pi * t) + 0.02 * np.sin(300 * np.pi * t),
    "tone": lambda rate, t: 0.3 * np.sin(2 * np.pi * 440 * t),
    "busy tone": lambda rate, t: 0.3 * np.sin(2 * np.pi * 425 * t) * ((t % 1) < 0.5),
    "keys": lambda rate, t: (
        (np.sin(1540 * np.pi * t) + np.sin(2672 * np.pi * t)) * 0.2 * ((t % 0.5) < 0.1)
    ),
    "hold music": lambda rate, t: _notes(rate),
    "breath": lambda rate, t: noise(rate, 6, 0.05) * np.maximum(0, np.sin(np.pi * t)) ** 2,
    "puffs": lambda rate, t: noise(rate, 6, 0.1) * (np.sin(4 * np.pi * t) > 0.5),
    "clicks": lambda rate, t: (np.random.default_rng(4).random(len(t)) > 0.9995) * 0.8,
}


@RATES
@pytest.mark.parametrize("name", NOISES)
def test_what_is_no_speech_makes_no_turn(rate_hz: int, name: str) -> None:
    wave = NOISES[name](rate_hz, seconds(rate_hz, 6))
    assert take_turns(TurnTaker(rate_hz), rate_hz, np.asarray(wave)) == []


def test_music_that_was_taken_for_a_voice_is_dismissed() -> None:
    class Fickle:
        answers = iter([True, False])

        def is_speech(self, pcm: bytes, rate_hz: int) -> bool:
            return next(self.answers, False)

    wave = np.concatenate([quiet(8000, 1), speech(8000, 4.0), quiet(8000, 2)])
    events = take_turns(TurnTaker(8000, gate=Fickle()), 8000, wave)
    assert len(of_kind(events, SpeechStarted)) == len(of_kind(events, SpeechDismissed)) == 1
    assert not of_kind(events, TurnEnded)


def test_missing_frames_are_silence_and_time_goes_on() -> None:
    """A phone that stops sending when its owner stops talking still ends its turn."""
    spoken = frames_of(speech(8000, 1.0), 8000)
    frames: list[bytes | None] = [None] * 50
    frames += [*spoken, *[None] * 100]
    turn = of_kind(take_turns(TurnTaker(8000), 8000, frames), TurnEnded)[0]
    assert turn.delay_ms == 700
    assert turn.last_audible_ms == pytest.approx(1000 + len(spoken) * 20, abs=60)


@pytest.mark.parametrize("frame", [b"", b"\1", b"\1\2\3", bytes(319), bytes(100_000)])
def test_frames_of_absurd_sizes_do_no_harm(frame: bytes) -> None:
    taker = TurnTaker(8000)
    mixed: list[bytes | None] = [frame] * 20
    mixed += frames_of(said(8000, 1.0), 8000)
    assert len(of_kind(take_turns(taker, 8000, mixed), TurnEnded)) == 1


def test_random_bytes_do_no_harm() -> None:
    rng = np.random.default_rng(9)
    frames: list[bytes | None] = [rng.bytes(int(rng.integers(0, 700))) for _ in range(500)]
    assert not of_kind(take_turns(TurnTaker(8000), 8000, frames), TurnEnded)


def test_speaking_tells_whether_the_caller_has_the_turn() -> None:
    taker = TurnTaker(8000)
    assert not taker.speaking
    take_turns(taker, 8000, np.concatenate([quiet(8000, 1), speech(8000, 1.0)]))
    assert taker.speaking
    take_turns(taker, 8000, quiet(8000, 2), from_ms=2000)
    assert not taker.speaking


def test_a_rate_that_is_no_telephone_s_is_refused() -> None:
    with pytest.raises(ValueError, match="44100"):
        TurnTaker(44100)


def test_quiet_callers_are_heard() -> None:
    wave = said(8000, 1.5) * 0.03
    assert to_pcm(wave) != bytes(len(wave) * 2)
    assert len(of_kind(take_turns(TurnTaker(8000), 8000, wave), TurnEnded)) == 1
