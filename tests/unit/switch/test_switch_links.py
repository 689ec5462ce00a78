"""What both control links share: back-off, jobs, who gets which event."""

import random

import gevent
import pytest
from gevent.event import Event as Flag

from appliance.calls.errors import SwitchError, SwitchGoneError
from appliance.switch.base_link import BackOff, Jobs, Router
from appliance.switch.connection import Limits
from appliance.switch.wire import Event, Headers


def event(name: str, **headers: str) -> Event:
    return Event(
        Headers({"Event-Name": name} | {k.replace("_", "-"): v for k, v in headers.items()})
    )


def test_waiting_doubles_with_jitter_up_to_a_limit() -> None:
    back_off = BackOff(0.2, 3.0, random.Random(7))
    waits = [back_off.next_s() for _ in range(8)]
    for wait, step in zip(waits, [0.2, 0.4, 0.8, 1.6, 3.0, 3.0, 3.0, 3.0], strict=True):
        assert step / 2 <= wait <= step
    assert len(set(waits)) == 8
    back_off.reset()
    assert back_off.next_s() <= 0.2


def test_jobs_are_matched_by_id_and_forgotten() -> None:
    jobs = Jobs()
    with jobs.expected() as (first_id, first), jobs.expected() as (second_id, second):
        assert first_id != second_id
        jobs.finish(event("BACKGROUND_JOB", Job_UUID="somebody else's"))
        jobs.finish(event("BACKGROUND_JOB", Job_UUID=second_id))
        assert second.get(block=False)["Job-UUID"] == second_id
        assert not first.ready()
        jobs.fail_all("lost")
        with pytest.raises(SwitchGoneError):
            first.get(block=False)
    assert len(jobs) == 0


def test_each_handler_gets_what_it_asked_for_in_order() -> None:
    router = Router(Limits())
    seen: list[str] = []
    done = Flag()
    router.add(lambda e: seen.append(f"a:{e.name}"), ["CHANNEL_ANSWER", "sofia::register"])
    router.add(lambda e: 1 / 0, ["CHANNEL_ANSWER"])  # type: ignore[arg-type]
    router.add(lambda e: seen.append(f"b:{e.name}"), ["CHANNEL_ANSWER"])
    router.add(lambda e: done.set(), ["END"])
    for name in ("CHANNEL_ANSWER", "DTMF", "CHANNEL_HANGUP", "END"):
        router.put(event(name))
    runner = gevent.spawn(router.run)
    try:
        assert done.wait(5)
    finally:
        runner.kill()
    assert seen == ["a:CHANNEL_ANSWER", "b:CHANNEL_ANSWER"]


def test_the_subscription_names_subclasses_last() -> None:
    router = Router(Limits())
    router.add(lambda e: None, ["sofia::register", "DTMF"])
    router.add(lambda e: None, ["CHANNEL_ANSWER"])
    assert router.command() == (
        "event plain BACKGROUND_JOB CHANNEL_ANSWER DTMF CUSTOM sofia::register"
    )


@pytest.mark.parametrize("name", ["", "A B", "A\nexit", "::", "a::"])
def test_names_that_no_event_has(name: str) -> None:
    with pytest.raises(SwitchError):
        Router(Limits()).add(lambda e: None, [name])


def test_slow_handlers_lose_events_and_keep_memory() -> None:
    router = Router(Limits(queued_events=3))
    router.add(lambda e: None, ["DTMF"])
    for _ in range(10):
        router.put(event("DTMF"))
    assert router.lost == 7
