"""What an engine has done: noted on one thread, added up on another."""

import pytest
from prometheus_client import generate_latest

from appliance.inference.meters import Meters
from appliance.inference.tally import Spent, Tally


def test_nothing_counts_before_it_is_added_up() -> None:
    tally = Tally(Meters().of("voice"))
    tally.note(Spent("call-1", 0.1, 0.5, whole=True))
    assert (tally.served, tally.service_s) == (0, 0.0)
    tally.add_up()
    tally.add_up()
    assert (tally.served, tally.service_s, tally.wait_s) == (1, 0.25, 0.05)


def test_work_for_calls_and_for_others_is_told_apart_and_told_once() -> None:
    tally = Tally(Meters().of("voice"))
    for call, took_s in (("call-1", 0.5), ("", 0.25), ("call-2", 1.0)):
        tally.note(Spent(call, 0.0, took_s, whole=True))
    done = tally.collected(workers=2)
    assert (done.calls_s, done.others_s, done.workers) == (1.5, 0.25, 2)
    assert tally.collected(workers=2).calls_s == 0.0


def test_a_request_that_was_broken_off_is_work_but_no_measure_of_the_service() -> None:
    tally = Tally(Meters().of("voice"))
    tally.service_s = 0.3
    tally.note(Spent("call-1", 0.0, 0.01, whole=False))
    assert tally.collected(workers=1).calls_s == 0.01
    assert (tally.served, tally.service_s) == (0, 0.3)


def test_the_newest_weighs_a_tenth_once_there_are_ten() -> None:
    tally = Tally(Meters().of("voice"))
    for _ in range(20):
        tally.note(Spent("", 0.0, 1.0, whole=True))
    tally.add_up()
    before = tally.service_s
    tally.note(Spent("", 0.0, 2.0, whole=True))
    tally.add_up()
    assert tally.service_s == pytest.approx(before + 0.1 * (2.0 - before))


def test_prometheus_is_told_when_it_is_added_up() -> None:
    meters = Meters()
    tally = Tally(meters.of("voice"))
    tally.note(Spent("", 0.2, 0.4, whole=True))
    assert 'appliance_engine_work_seconds_count{kind="voice"} 0.0' in _page(meters)
    tally.add_up()
    assert 'appliance_engine_work_seconds_count{kind="voice"} 1.0' in _page(meters)


def _page(meters: Meters) -> str:
    return generate_latest(meters.registry).decode()
