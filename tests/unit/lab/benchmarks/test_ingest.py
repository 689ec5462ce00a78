"""The events that are ingested, and how they come to the database both ways."""

import json
from pathlib import Path

import pytest

from appliance.calls.events import CallEnded, CallStarted, DecisionMade, TurnTaken
from appliance.events.encoding import encode
from appliance.events.reader import recent_calls
from appliance.lab.benchmarks.ingest import _row, a_call, ingest
from appliance.lab.benchmarks.rig import DIRECTORY, Store
from appliance.storage.database import Database
from appliance.storage.directory_import import import_directory
from tests.integration.events.calls_for_tests import count_events
from tests.unit.decisions.front_desk import front_desk


def test_a_call_is_recorded_whole_and_in_order() -> None:
    events = a_call(front_desk())
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[0], CallStarted)
    assert isinstance(events[-1], CallEnded)
    assert len({event.event_id for event in events}) == len(events)
    turns = [event for event in events if isinstance(event, TurnTaken)]
    assert [turn.turn for turn in turns] == list(range(1, len(turns) + 1))
    decisions = [event for event in events if isinstance(event, DecisionMade)]
    assert len(decisions) == 3
    assert all(event.decision["verdicts"] for event in decisions)


def test_a_row_to_copy_has_the_event_s_columns() -> None:
    event = a_call(front_desk())[0]
    columns = _row(encode(event)).decode().split("\2")
    assert columns[:4] == [str(event.event_id), event.organisation_id, event.call_id, "1"]
    assert columns[5] == "call_started"
    assert json.loads(columns[6])["did"] == "+15550001"


@pytest.mark.postgres
@pytest.mark.usefixtures("nobody_else")
def test_events_are_stored_once_and_copied_beside(database: Database, postgres_url: str) -> None:
    organisation_id = import_directory(database, Path(DIRECTORY))
    store = Store(postgres_url, database, organisation_id)
    before = count_events(database, organisation_id)
    rates = ingest(store, 100)
    assert rates.stored_per_s > 0
    assert rates.copied_per_s > 0
    calls = recent_calls(database, organisation_id, limit=3)
    assert count_events(database, organisation_id) - before >= 100
    assert all(call.outcome == "informed" for call in calls)
    assert store.rows("SELECT to_regclass('plain_events') IS NULL") == [(True,)]
    assert store.wait_ended([call.call_id for call in calls]) == 3
