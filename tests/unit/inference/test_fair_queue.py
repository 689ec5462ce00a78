"""Who is served next, on time that the test makes."""

import pytest

from appliance.inference.fair_queue import FairQueue, QueueFullError, Ticket, Urgency

NOW = 100.0


def ticket(
    name: str, call: str = "", *, speculative: bool = False, deadline: float = 1e9
) -> Ticket[str]:
    urgency = Urgency.SPECULATIVE if speculative else Urgency.FINAL
    return Ticket(name, call, urgency, deadline)


def filled(*tickets: Ticket[str], limit: int = 100) -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue(limit)
    for one in tickets:
        assert queue.put(one, NOW) is None
    return queue


def order(queue: FairQueue[str], now: float = NOW) -> list[str]:
    taken = []
    while (one := queue.take(now)) is not None:
        taken.append(one.item)
    return taken


def test_one_call_is_served_in_order() -> None:
    queue = filled(*(ticket(f"a{n}", "a") for n in range(4)))
    assert order(queue) == ["a0", "a1", "a2", "a3"]
    assert len(queue) == 0


def test_calls_take_turns_so_that_one_with_many_requests_starves_nobody() -> None:
    many = [ticket(f"a{n}", "a") for n in range(5)]
    queue = filled(*many, ticket("b0", "b"), ticket("c0", "c"), ticket("c1", "c"))
    assert order(queue) == ["a0", "b0", "c0", "a1", "c1", "a2", "a3", "a4"]


def test_who_was_just_served_waits_for_those_who_were_there() -> None:
    queue = filled(ticket("a0", "a"), ticket("b0", "b"))
    first = queue.take(NOW)
    assert first is not None
    assert first.item == "a0"
    queue.put(ticket("a1", "a"), NOW)
    assert order(queue) == ["b0", "a1"]


def test_final_requests_go_before_speculative_ones() -> None:
    queue = filled(
        ticket("guess", "a", speculative=True), ticket("sure", "b"), ticket("surer", "b")
    )
    assert order(queue) == ["sure", "surer", "guess"]


def test_what_is_late_or_withdrawn_is_not_served() -> None:
    late, left = ticket("late", "a", deadline=NOW - 1), ticket("left", "a")
    queue = filled(late, left, ticket("there", "a"))
    queue.withdraw(left)
    queue.withdraw(left)
    assert len(queue) == 2
    assert order(queue) == ["there"]
    assert len(queue) == 0


def test_taking_and_withdrawing_again_counts_once() -> None:
    one = ticket("one")
    queue = filled(one, ticket("two"))
    assert queue.take(NOW) is one
    queue.withdraw(one)
    assert len(queue) == 1


def test_a_full_queue_refuses_an_equal() -> None:
    queue = filled(ticket("a", "a"), ticket("b", "b"), limit=2)
    with pytest.raises(QueueFullError):
        queue.put(ticket("c", "c"), NOW)
    assert len(queue) == 2


def test_a_free_worker_is_room_for_one_more() -> None:
    queue = filled(limit=0)
    assert queue.put(ticket("served at once"), NOW, room=1) is None
    with pytest.raises(QueueFullError):
        queue.put(ticket("too many"), NOW, room=1)


def test_late_requests_make_room_first() -> None:
    queue = filled(ticket("late", deadline=NOW + 1), limit=1)
    assert queue.put(ticket("new"), NOW + 2) is None
    assert order(queue, NOW + 2) == ["new"]


def test_a_final_request_pushes_out_the_newest_speculative_one() -> None:
    queue = filled(
        ticket("old guess", "a", speculative=True), ticket("guess", "b", speculative=True), limit=2
    )
    pushed = queue.put(ticket("sure", "c"), NOW)
    assert pushed is not None
    assert pushed.item == "guess"
    assert order(queue) == ["sure", "old guess"]


def test_a_speculative_request_pushes_out_no_final_one() -> None:
    queue = filled(ticket("a0", "a"), ticket("a1", "a"), limit=2)
    with pytest.raises(QueueFullError):
        queue.put(ticket("guess", "b", speculative=True), NOW)


def test_the_greediest_call_makes_room_for_another_but_never_for_itself() -> None:
    queue = filled(*(ticket(f"a{n}", "a") for n in range(3)), ticket("b0", "b"), limit=4)
    with pytest.raises(QueueFullError):
        queue.put(ticket("a3", "a"), NOW)
    pushed = queue.put(ticket("c0", "c"), NOW)
    assert pushed is not None
    assert pushed.item == "a2"
    # Two of the first call's wait still, and one of every other one's: that is fair enough.
    with pytest.raises(QueueFullError):
        queue.put(ticket("b1", "b"), NOW)


def test_clearing_hands_everything_back() -> None:
    tickets = [ticket("a", "a"), ticket("b", "b", speculative=True)]
    queue = filled(*tickets)
    assert queue.clear() == tickets
    assert len(queue) == 0
    assert queue.take(NOW) is None
