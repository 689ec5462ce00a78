"""How many calls there may be, on time that the test makes."""

import pytest

from appliance.inference.capacity import MOST_CALLS, CallBook, Capacity, Done


def test_calls_past_the_capacity_are_refused_and_those_in_progress_are_not() -> None:
    book = CallBook(idle_s=30)
    assert [book.arrive(f"call-{n}", 0.0, 10) for n in range(20)] == [True] * 10 + [False] * 10
    assert book.active == 10
    assert book.refused == 10
    assert all(book.arrive(f"call-{n}", 1.0, 10) for n in range(10))
    assert book.arrive("call-3", 2.0, 1), "a capacity that sinks ends no call"


def test_a_call_that_ends_makes_room() -> None:
    book = CallBook()
    assert book.arrive("a", 0.0, 1)
    assert not book.arrive("b", 0.0, 1)
    assert book.end("a")
    assert not book.end("a")
    assert book.arrive("b", 0.0, 1)


def test_an_idle_call_counts_no_more_but_may_come_back() -> None:
    book = CallBook(idle_s=30)
    book.arrive("transferred", 0.0, 1)
    assert book.expire(29.9) == []
    assert book.expire(30.0) == ["transferred"]
    assert book.arrive("new", 31.0, 1)
    assert book.arrive("transferred", 40.0, 1), "nobody took the transfer: the call goes on"
    assert book.active == 2
    book.end("transferred")
    assert not book.arrive("transferred", 50.0, 1), "it ended: this would be a new one"


def test_every_request_keeps_a_call_in_progress() -> None:
    book = CallBook(idle_s=30)
    for at in (0.0, 20.0, 40.0):
        book.arrive("a", at, 5)
    book.arrive("b", 45.0, 5)
    assert book.expire(69.0) == []
    assert book.expire(71.0) == ["a"]
    assert "b" in book


def observed(capacity: Capacity, seconds: int, active: int, **busy_s: float) -> None:
    """So many seconds, with each kind busy for so long in each of them."""
    start = 1000.0
    capacity.observe({kind: Done() for kind in busy_s}, active, start)
    for second in range(1, seconds + 1):
        done = {kind: Done(calls_s=each) for kind, each in busy_s.items()}
        capacity.observe(done, active, start + second)


def test_before_any_call_it_goes_by_the_trial_and_what_calls_usually_need() -> None:
    capacity = Capacity(cores=8)
    capacity.observe({"recognizer": Done(service_s=0.2)}, 0, 0.0)
    # A request of 0.2 s every 3 s, at most 70 % busy.
    assert capacity.calls == 10


def test_an_engine_that_was_slow_at_first_is_not_held_to_it() -> None:
    capacity = Capacity(cores=8)
    capacity.observe({"recognizer": Done(service_s=0.8)}, 0, 0.0)
    assert capacity.calls == 2
    capacity.observe({"recognizer": Done(calls_s=0.1, service_s=0.1)}, 1, 1.0)
    assert capacity.calls > 15


def test_what_calls_were_seen_to_cost_replaces_the_assumption() -> None:
    capacity = Capacity(cores=8)
    observed(capacity, 2000, active=5, recognizer=0.1)
    # Each of the five takes 0.02: 0.7 / 0.02 is 35, if only a little of the assumption is left.
    assert 33 <= capacity.calls <= 38
    assert capacity.utilisation("recognizer") == pytest.approx(0.1, rel=0.1)


def test_the_busiest_engine_decides() -> None:
    capacity = Capacity(cores=8)
    observed(capacity, 2000, active=5, recognizer=0.05, voice=0.5)
    assert capacity.calls == pytest.approx(7, abs=1)


def test_workers_add_up_until_the_cores_are_taken() -> None:
    def with_workers(workers: int, cores: int) -> int:
        capacity = Capacity(cores=cores)
        for second in range(2000):
            done = Done(calls_s=0.5, workers=workers)
            capacity.observe({"recognizer": done}, 5, float(second))
        return capacity.calls

    assert with_workers(2, cores=8) == pytest.approx(2 * with_workers(1, cores=8), abs=1)
    assert with_workers(4, cores=2) == with_workers(2, cores=2)


def test_requests_of_no_call_take_from_what_is_left_for_calls() -> None:
    capacity = Capacity(cores=8)
    for second in range(2000):
        done = Done(calls_s=0.1, others_s=0.35)
        capacity.observe({"recognizer": done}, 5, float(second))
    # Half of the 0.7 is taken, and each call needs 0.02.
    assert capacity.calls == pytest.approx(17, abs=2)


def test_there_is_always_room_for_one_and_never_for_thousands() -> None:
    swamped, idle = Capacity(cores=2), Capacity(cores=2)
    observed(swamped, 2000, active=1, recognizer=1.0)
    assert swamped.calls == 1
    observed(idle, 10, active=1, recognizer=0.0)
    assert idle.calls == MOST_CALLS


def test_the_operators_figure_stands() -> None:
    capacity = Capacity(cores=8, fixed=12)
    observed(capacity, 2000, active=5, recognizer=0.5)
    assert capacity.calls == 12
    assert capacity.measured < 12


def test_old_times_fade() -> None:
    capacity = Capacity(cores=8)
    observed(capacity, 1000, active=5, recognizer=0.5)
    for second in range(2000, 4000):
        capacity.observe({"recognizer": Done(calls_s=0.05)}, 5, float(second))
    assert capacity.calls > 60
