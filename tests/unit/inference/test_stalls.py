"""When an engine counts as stalled, on time that the test makes."""

from appliance.inference.stalls import Replacements, StallClock


def test_lateness_counts_from_the_deadline() -> None:
    clock = StallClock()
    assert clock.look(None, 0.0) == 0
    assert clock.look(10.0, 9.75) == 0
    late = [clock.look(10.0, 10.0 + step / 4) for step in range(1, 9)]
    assert late[-1] == 2.0
    assert late == sorted(late)


def test_an_idle_or_a_new_request_starts_anew() -> None:
    clock = StallClock()
    for at in (10.0, 10.5, 11.0):
        clock.look(9.0, at)
    assert clock.look(None, 11.25) == 0
    assert clock.look(9.0, 11.5) == 0.25
    clock.begin()
    assert clock.look(11.0, 11.75) == 0.25


def test_a_stop_of_the_whole_process_blames_no_engine() -> None:
    clock = StallClock()
    clock.look(10.0, 9.0)
    assert clock.look(10.0, 600.0) <= 0.5


def test_replacements_come_at_once_then_ever_slower_then_not_at_all() -> None:
    policy = Replacements(most=4, window_s=600, first_pause_s=1)
    made = []
    for quarter in range(4 * 700):
        now = quarter / 4
        if policy.may(now, left_behind=0):
            policy.made(now)
            made.append(now)
    assert made[:4] == [0.0, 1.0, 3.0, 7.0]
    assert made[4] == 600.0, "when the first one is forgotten"


def test_threads_left_behind_are_bounded() -> None:
    policy = Replacements(most=3)
    assert policy.may(0.0, left_behind=3)
    assert not policy.may(0.0, left_behind=4)
