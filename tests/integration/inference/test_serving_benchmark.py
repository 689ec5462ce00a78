"""The serving benchmarks run, and their figures are of the right kind."""

import pytest

from appliance.lab.benchmarks import serving
from appliance.lab.benchmarks.crowd import crowd

pytestmark = pytest.mark.models


def test_a_crowd_is_served_up_to_the_capacity() -> None:
    result = crowd(callers=4, capacity=2, turns=2, pause_s=0.0)
    assert result.failed == []
    assert (result.served, len(result.refusals_ms)) == (2, 2)
    assert len(result.turns_ms) == 4
    assert result.sustained >= 1


def test_a_cached_prompt_is_faster_than_a_cold_one() -> None:
    times = serving.prefix_times(rounds=4)
    assert 500 <= times.tokens < 700
    assert times.warm_ms < times.cold_ms / 2
    assert times.copied_ms < times.cold_ms / 2


def test_scheduling_is_measured_beside_the_engine_alone() -> None:
    share = serving.scheduled_share(*serving.decider_work(), rounds=4, requests=8)
    # How much it leaves is for the benchmark on a quiet machine to say.
    assert share.by_clock > 0
    assert share.by_processor > 0


def test_scheduling_takes_a_fraction_of_the_fastest_engine() -> None:
    assert 0 < serving.scheduling_ms(rounds=5) < 5
