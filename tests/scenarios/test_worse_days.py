"""Bad days with exact checks: not an event lost or doubled, no call without an end."""

import json
import time
import wave
from collections.abc import Callable
from pathlib import Path

import gevent
import pytest

from appliance.calls.errors import StorageError
from appliance.calls.events import CallEnded, CallResumed, CallStarted, Event, Outcome
from appliance.events.reader import call_record, open_calls, recent_calls, stored_events_of
from appliance.lab.runner import Runner
from appliance.lab.scenario import Expect, Scenario
from appliance.lab.session import Lab
from tests.scenarios.playing import SCENARIOS, Playing

pytestmark = pytest.mark.timeout(1200)

OUTAGE_S = 60.0
_LOOK_EVERY_S = 0.2


def until(condition: Callable[[], bool], within_s: float, what: str) -> None:
    """Wait for something that no event tells of; the phones' audio goes on meanwhile."""
    with gevent.Timeout(within_s, AssertionError(f"not within {within_s:g} s: {what}")):
        while not gevent.get_hub().threadpool.apply(condition):
            gevent.sleep(_LOOK_EVERY_S)


def events_of(lab: Lab, call_id: str) -> list[Event]:
    return stored_events_of(lab.database, lab.directory.organisation_id, call_id)


def all_ended(lab: Lab) -> bool:
    try:
        return not open_calls(lab.database, lab.directory.organisation_id)
    except StorageError:
        return False


def spooled(lab: Lab, call_ids: set[str]) -> list[str]:
    """Ids of the events of these calls, as the controllers wrote them down."""
    lines = [
        json.loads(line)
        for path in (lab.stack.work / "state" / "spool").glob("*/*.jsonl")
        for line in path.read_bytes().splitlines()
    ]
    return [line["event_id"] for line in lines if line["call_id"] in call_ids]


def without_expectations(scenario: Scenario) -> Scenario:
    calls = [call.model_copy(update={"expect": Expect()}) for call in scenario.calls]
    return scenario.model_copy(update={"calls": calls})


def is_whole(events: list[Event]) -> bool:
    """Every event once: numbered without a gap, one beginning, one end, which is the last."""
    return (
        [event.seq for event in events] == list(range(1, len(events) + 1))
        and [type(event) for event in events].count(CallStarted) == 1
        and [type(event) for event in events].count(CallEnded) == 1
        and isinstance(events[-1], CallEnded)
    )


def recorded_ms(path: Path) -> int:
    with wave.open(str(path), "rb") as file:
        return file.getnframes() * 1000 // file.getframerate()


def story(events: list[Event]) -> str:
    return "\n".join(f"{event.seq:4} {event.at:%H:%M:%S.%f} {event.kind}" for event in events)


def test_the_database_is_away_for_a_minute(bench_lab: Lab) -> None:
    """Calls go on through it, and afterwards every event is there once."""
    lab = bench_lab
    cluster = lab.stack.cluster
    assert cluster is not None
    aside = gevent.get_hub().threadpool
    blind = Runner(lab.backend)  # there are no records to look at meanwhile
    finished: list[tuple[str, float]] = []

    def lane(name: str, until_s: float) -> None:
        scenario = without_expectations(SCENARIOS[name])
        while time.monotonic() < until_s:
            result = blind.run(scenario)
            assert result.passed, result.as_dict()
            finished.extend((call.call_id, time.monotonic()) for call in result.calls)

    # Calls begin before the database goes, so that it goes in the middle of them.
    began = time.monotonic()
    lanes = [
        gevent.spawn(lane, name, began + OUTAGE_S)
        for name in ("keys-operator", "demo-2-person", "demo-5-hours")
    ]
    gevent.sleep(2.0)
    aside.apply(cluster.stop)
    stopped = time.monotonic()
    try:
        gevent.joinall(lanes, raise_error=True)
        gevent.sleep(max(0.0, stopped + OUTAGE_S - time.monotonic()))
        assert len([end for _, end in finished if end - stopped < OUTAGE_S]) >= 6
    finally:
        aside.apply(cluster.start)
    calls = {call_id for call_id, _ in finished}
    until(lambda: all_ended(lab), 40.0, "the calls' ends are in the database")
    until(
        lambda: sum(len(events_of(lab, call)) for call in calls) >= len(spooled(lab, calls)), 40.0,
        "all events are in the database",
    )  # fmt: skip
    stored = [event for call in calls for event in events_of(lab, call)]
    assert sorted(str(event.event_id) for event in stored) == sorted(spooled(lab, calls))
    for call in calls:
        assert is_whole(events_of(lab, call)), story(events_of(lab, call))


def test_a_call_that_another_controller_took_up_is_one_call(on_bench: Playing) -> None:
    [call] = on_bench.result("bad-controller-killed").calls
    events = events_of(on_bench.lab, call.call_id)
    assert is_whole(events), story(events)
    [started] = [event for event in events if isinstance(event, CallStarted)]
    [resumed] = [event for event in events if isinstance(event, CallResumed)]
    assert (started.controller, resumed.controller) == ("controller-1", "controller-2")
    lab = on_bench.lab
    record = call_record(lab.database, lab.directory.organisation_id, call.call_id)
    assert record is not None
    assert [recording.part for recording in record.recordings] == [1, 2]
    for recording in record.recordings:
        lasts_ms = recorded_ms(Path(recording.path))
        turns = [turn for turn in record.turns if turn.part == recording.part]
        assert turns
        # What a second of the disk's had not reached when its controller was killed is lost.
        assert all(turn.ended_ms <= lasts_ms + 1000 for turn in turns), (turns, lasts_ms)


def test_a_call_that_every_controller_died_on_is_closed_once(on_bench: Playing) -> None:
    [call] = on_bench.result("bad-all-controllers-killed").calls
    events = events_of(on_bench.lab, call.call_id)
    assert is_whole(events), story(events)
    assert isinstance(events[-1], CallEnded)
    assert events[-1].outcome is Outcome.LOST


@pytest.mark.parametrize(
    ("name", "part"),
    [
        # The switch changes some characters on their way in, as FreeSWITCH does; what could do harm
        # is still there, and is text.
        ("bad-name-html", "<script>alert(1)</script>"),
        ("bad-name-long", "Bartholomew X Bartholomew"),
        ("bad-name-newlines", "api shutdown"),
        ("bad-name-percent", "Injected: yes"),
        ("bad-name-quotes", "{origination_uuid=x}[a=b],user/200@appliance.local &park()"),
    ],
)
def test_an_absurd_name_is_text_in_the_database(on_bench: Playing, name: str, part: str) -> None:
    [call] = on_bench.result(name).calls
    lab = on_bench.lab
    record = call_record(lab.database, lab.directory.organisation_id, call.call_id)
    assert record is not None
    [given] = SCENARIOS[name].calls
    assert record.call.caller_name is not None
    assert part in record.call.caller_name
    assert len(record.call.caller_name) <= 200
    assert record.call.caller_number == given.caller.number
    # Nobody was rung but the two phones of the department that was asked for.
    legs = sorted((leg.role, leg.extension) for leg in record.legs)
    assert legs == [("caller", ""), ("desk", "201"), ("desk", "202")]
    assert all(leg.ended_at is not None for leg in record.legs)


def test_every_call_of_this_session_has_an_end(bench_lab: Lab) -> None:
    """The last test here: whatever was played, on the best days and on the worst."""
    organisation = bench_lab.directory.organisation_id
    until(lambda: all_ended(bench_lab), 90.0, "every call's record has an end")
    for call in recent_calls(bench_lab.database, organisation, limit=1000):
        assert call.outcome, call
        assert call.how, call
        events = events_of(bench_lab, call.call_id)
        assert is_whole(events), story(events)
