"""Whether frames came in time, judged from their arrival times alone."""

from appliance.lab.benchmarks.jitter import Playout, playout

FRAME_S = 0.02


def sent(kinds: str, begin_after_s: float = 0.0) -> tuple[list[float], list[bool]]:
    """Arrivals of ``.`` silence and ``s`` speech as the controller sends them, on the dot.

    Speech leads by one frame; its first frame comes ``begin_after_s`` after the frame before.
    """
    arrivals: list[float] = []
    speech: list[bool] = []
    for slot, kind in enumerate(kinds):
        spoken = kind == "s"
        at = 100 + FRAME_S * (slot - spoken)
        if spoken and not (speech and speech[-1]):
            at += begin_after_s
        arrivals.append(at)
        speech.append(spoken)
    return arrivals, speech


TALK = "." * 60 + "s" * 40 + "." * 30 + "s" * 70 + "." * 50


def test_frames_on_the_dot_are_in_time() -> None:
    assert playout(*sent(TALK)) == Playout(250, 250, 0)


def test_the_first_frame_of_speech_may_come_at_any_time_of_its_20_ms() -> None:
    for begin_after_s in (0.0, 0.007, 0.0199):
        assert playout(*sent(TALK, begin_after_s)) == Playout(250, 250, 0)
    assert playout(*sent(TALK, 0.026)).in_time == 248


def test_frames_are_late_or_early_past_5_ms() -> None:
    arrivals, speech = sent(TALK)
    arrivals[20] += 0.0049
    arrivals[30] += 0.0051
    arrivals[75] += 0.0051
    arrivals[150] -= 0.0051
    arrivals[220] -= 0.0049
    assert playout(arrivals, speech) == Playout(250, 247, 0)


def test_silence_that_takes_the_place_of_speech_comes_too_early() -> None:
    arrivals, speech = sent(TALK)
    arrivals[100] -= FRAME_S  # at once after the last frame of speech, not a frame later
    assert playout(arrivals, speech).in_time == 249


def test_lost_frames_are_counted_and_the_rest_stays_in_time() -> None:
    arrivals, speech = sent(TALK)
    for index in (150, 151, 40):
        del arrivals[index], speech[index]
    found = playout(arrivals, speech)
    assert found.lost == 3
    assert found.in_time == found.frames == 247


def test_a_clock_that_runs_a_little_differently_makes_no_jitter() -> None:
    arrivals, speech = sent("." * 1000)
    arrivals = [at * (1 + 5e-4) for at in arrivals]
    found = playout(arrivals, speech)
    assert (found.in_time, found.lost) == (1000, 0)


def test_too_short_a_stretch_says_nothing() -> None:
    assert playout(*sent("." * 40)) == Playout()


def test_calls_add_up() -> None:
    both = sum([Playout(100, 99, 0), Playout(100, 100, 1)], Playout())
    assert both == Playout(200, 199, 1)
    assert both.in_time_percent == 99.5
    assert Playout().in_time_percent == 0
