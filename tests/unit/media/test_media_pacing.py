"""Playout and audio time on virtual time."""

import random
from typing import Any

import pytest

from appliance.media.media_thread import library
from appliance.media.pacing import LEAD_LIMIT_MS, IntakeClock


class Schedule:
    """The media thread's, without the thread."""

    def __init__(self) -> None:
        ffi, self._lib = library()
        self._schedule: Any = ffi.new("playout_schedule *")

    def due(self, speech: bool) -> float:
        return float(self._lib.playout_due(self._schedule, speech))

    def align(self, now: float) -> None:
        self._lib.playout_align(self._schedule, now)

    def sent(self, now: float) -> int:
        return int(self._lib.playout_sent(self._schedule, now))


def play(schedule: Schedule, until: float, talking: list[tuple[float, float]]) -> list[float]:
    """Send frames when they are due, polling every 0.1 ms. Speech is ready within ``talking``."""
    sent = []
    for tick in range(round(until * 10_000)):
        now = tick / 10_000
        speech = any(start <= now < end for start, end in talking)
        if schedule.due(speech) <= now + 1e-9:
            schedule.sent(now)
            sent.append(now)
    return sent


def test_silence_leaves_every_20_ms() -> None:
    sent = play(Schedule(), 2.0, [])
    assert sent == pytest.approx([slot * 0.02 for slot in range(100)], abs=1e-6)


def test_speech_begins_at_once() -> None:
    sent = play(Schedule(), 1.0, [(0.5071, 0.8)])
    assert any(moment == pytest.approx(0.5071, abs=1e-6) for moment in sent)


@pytest.mark.parametrize("seed", range(5))
def test_what_was_gained_is_given_back(seed: int) -> None:
    """At no time has the far end been sent more than one frame ahead, nor one too few."""
    rng = random.Random(seed)
    talking = [(start, start + rng.uniform(0.001, 0.3)) for start in
               (rng.uniform(0, 9.5) for _ in range(40))]  # fmt: skip
    sent = play(Schedule(), 10.0, talking)
    for count, moment in enumerate(sent, 1):
        assert moment / 0.02 - 0.01 <= count <= moment / 0.02 + 2.01
    assert len(play(Schedule(), 10.0, [*talking, (9.9, 9.9)])) in (500, 501)


def test_a_short_hold_up_is_caught_up_and_a_long_one_is_not() -> None:
    schedule = Schedule()
    schedule.sent(0.0)
    burst = 0
    while schedule.due(False) <= 0.09:
        assert schedule.sent(0.09) == 0
        burst += 1
    assert burst == 4
    assert schedule.sent(1.0) == 45
    assert schedule.due(False) == pytest.approx(1.02)


def test_the_grid_moves_to_the_caller_s_frames() -> None:
    schedule = Schedule()
    for slot in range(10):
        schedule.sent(slot * 0.02)
    schedule.align(0.1931)
    assert schedule.due(False) == pytest.approx(0.2146)


def take(clock: IntakeClock, arrivals: list[float], until: float) -> list[str]:
    """Feed frames at their times, looking for missing ones every 20 ms. ``F`` or ``-`` a slot."""
    slots = []
    waiting = sorted(arrivals)
    for tick in range(round(until * 1000)):
        now = tick / 1000
        while waiting and waiting[0] <= now:
            waiting.pop(0)
            clock.datagram(now, 20)
            slots.append("F" if clock.accept(now) else "x")
        if tick % 20 == 7:
            while clock.missing(now):
                slots.append("-")
    return slots


def test_frames_make_time() -> None:
    clock = IntakeClock(0.0)
    assert take(clock, [0.02 * n for n in range(1, 51)], 1.01) == ["F"] * 50
    assert clock.audio_ms == 1000


def test_jitter_makes_no_gaps() -> None:
    rng = random.Random(1)
    arrivals = [0.02 * n + rng.uniform(0, 0.017) for n in range(1, 101)]
    assert take(IntakeClock(0.0), arrivals, 2.03) == ["F"] * 100


def test_time_goes_on_when_nothing_comes() -> None:
    clock = IntakeClock(0.0)
    arrivals = [0.02 * n for n in range(1, 26)] + [2.0 + 0.02 * n for n in range(25)]
    slots = "".join(take(clock, arrivals, 2.5))
    assert slots.count("-") == pytest.approx(74, abs=2)
    assert clock.audio_ms == pytest.approx(2500, abs=40)


def test_a_burst_runs_ahead_only_so_far() -> None:
    clock = IntakeClock(0.0)
    slots = take(clock, [0.5] * 50, 0.6)
    assert slots.count("F") in (LEAD_LIMIT_MS // 20, LEAD_LIMIT_MS // 20 + 1)
    assert "x" in slots
    assert clock.audio_ms <= 500 + LEAD_LIMIT_MS


def test_long_packets_are_no_stall() -> None:
    """A phone that packs 60 ms into each datagram leaves 60 ms between them."""
    clock = IntakeClock(0.0)
    slots = ""
    for tick in range(1, 100):
        now = tick * 0.02
        if tick % 3 == 0:
            clock.datagram(now, 60)
            slots += "".join("F" if clock.accept(now) else "x" for _ in range(3))
        while tick > 3 and clock.missing(now):
            slots += "-"
    assert set(slots) == {"F"}


@pytest.mark.parametrize(("frames", "expected_s"), [(1, 0.05), (2, 0.05), (3, 0.07), (10, 0.21)])
def test_a_frame_is_given_up_half_a_frame_after_its_time(frames: int, expected_s: float) -> None:
    """But not before the stream counts as stalled; counted from the last that came."""
    clock = IntakeClock(0.0)
    clock.datagram(1.0, 20)
    clock.accept(1.0)
    while clock.missing(1.0):
        pass
    assert clock.due_in_s(frames, 1.0) == pytest.approx(expected_s)
    assert clock.due_in_s(frames, 1.01) == pytest.approx(expected_s - 0.01)


def test_of_a_stream_that_has_stopped_the_clock_alone_tells() -> None:
    clock = IntakeClock(0.0)
    while clock.missing(1.0):
        pass
    assert clock.due_in_s(4, 1.0) == pytest.approx(0.07)


def test_long_packets_may_be_awaited_for_longer() -> None:
    clock = IntakeClock(0.0)
    clock.datagram(0.06, 60)
    for _ in range(3):
        clock.accept(0.06)
    assert clock.due_in_s(1, 0.06) == pytest.approx(0.11)


def test_a_few_lost_frames_are_made_up_for_in_time() -> None:
    arrivals = [0.02 * n for n in range(1, 200) if n % 5]
    clock = IntakeClock(0.0)
    take(clock, arrivals, 4.0)
    assert 4000 - LEAD_LIMIT_MS - 40 <= clock.audio_ms <= 4000
