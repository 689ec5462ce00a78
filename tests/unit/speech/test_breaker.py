"""The circuit breaker, on a clock of the tests' own."""

import pytest

from appliance.speech.breaker import CircuitBreaker, Health


def failing(breaker: CircuitBreaker, now: float) -> None:
    assert breaker.allows(now)
    breaker.failed(now)


def test_failures_in_a_row_open_it_and_a_success_between_does_not() -> None:
    breaker = CircuitBreaker(failures=2, rest_s=2.0)
    failing(breaker, 0.0)
    breaker.succeeded()
    failing(breaker, 1.0)
    assert breaker.health(1.0) is Health.CLOSED
    failing(breaker, 2.0)
    assert breaker.health(2.0) is Health.OPEN
    assert not breaker.allows(3.9)


def test_after_a_rest_one_probe_decides() -> None:
    breaker = CircuitBreaker(failures=1, rest_s=2.0)
    failing(breaker, 0.0)
    assert breaker.health(2.0) is Health.HALF_OPEN
    assert breaker.allows(2.0)
    assert not breaker.allows(2.0)  # the others wait for what comes of it
    breaker.succeeded()
    assert breaker.health(2.0) is Health.CLOSED
    assert breaker.allows(2.0)
    assert breaker.allows(2.0)


def test_each_failed_probe_doubles_the_rest_up_to_a_limit() -> None:
    breaker = CircuitBreaker(failures=1, rest_s=2.0, longest_rest_s=7.0)
    now = 0.0
    failing(breaker, now)
    for rest_s in (2.0, 4.0, 7.0, 7.0):
        assert not breaker.allows(now + rest_s - 0.01)
        now += rest_s
        failing(breaker, now)
    now += 7.0
    assert breaker.allows(now)
    breaker.succeeded()
    failing(breaker, now)
    assert breaker.health(now + 2.0) is Health.HALF_OPEN  # and it begins anew


def test_a_probe_that_was_dropped_says_nothing() -> None:
    breaker = CircuitBreaker(failures=1, rest_s=2.0)
    failing(breaker, 0.0)
    assert breaker.allows(2.0)
    breaker.let_go()
    assert breaker.health(2.0) is Health.HALF_OPEN
    assert breaker.allows(2.0)


@pytest.mark.parametrize("late", [1, 5])
def test_work_from_before_the_rest_that_fails_in_it_does_not_lengthen_it(late: int) -> None:
    breaker = CircuitBreaker(failures=1, rest_s=2.0)
    for _ in range(late + 1):
        assert breaker.allows(0.0)
    breaker.failed(0.0)
    for _ in range(late):
        breaker.failed(1.0)
    assert breaker.allows(2.0)
