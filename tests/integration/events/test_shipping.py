"""Events on their way to PostgreSQL: whole, once, in order, also on bad days."""

import json
import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from appliance.calls.errors import StorageError
from appliance.calls.events import (
    CallResumed,
    Event,
    RecordingStarted,
    Speaker,
    TurnTaken,
    from_record,
)
from appliance.events.encoding import encode
from appliance.events.log import CallLog, EventLog
from appliance.events.reader import (
    call_record,
    history,
    open_calls,
    recall,
    recent_calls,
    stored_events_of,
)
from appliance.events.shipper import Shipper, ShipperConfig, store_events
from appliance.storage.database import Database
from appliance.storage.migrate import migrate
from appliance.storage.private_cluster import PrivateCluster
from appliance.storage.spool import Spool
from appliance.storage.spool_reader import spool_directories
from tests.integration.events.calls_for_tests import count_events, make_organisation, whole_call

pytestmark = pytest.mark.postgres
_QUICK = ShipperConfig(gather_s=0.001, first_wait_s=0.01, longest_wait_s=0.05, adopt_every_s=0.05)


@pytest.fixture
def organisation(database: Database) -> str:
    return make_organisation(database)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path)
    yield spool
    spool.close()


def _lines(events: list[Event]) -> list[bytes]:
    return [encode(event)[:-1] for event in events]


def _known(events: list[Event]) -> list[Event]:
    """As they look after a way through JSON."""
    return [from_record(json.loads(encode(event))) for event in events]


def _with(event: Event, **changes: Any) -> Event:
    return replace(event, **changes)


def test_a_whole_call_becomes_its_record(database: Database, organisation: str) -> None:
    events = whole_call(organisation)
    assert store_events(database, _lines(events)) == len(events)
    record = call_record(database, organisation, events[0].call_id)
    assert record is not None
    call = record.call
    assert (call.did, call.caller_number, call.caller_name) == ("+49301", "+49172", "Bob")
    assert (call.outcome, call.cause, call.how, call.talked_ms) == (
        "message_taken", "NORMAL_CLEARING", "hung up", 21_000,
    )  # fmt: skip
    assert (call.started_at, call.ended_at, call.last_seq) == (events[0].at, events[-1].at, 11)
    assert call.controller == "one"
    assert [(leg.role, leg.extension, leg.cause) for leg in record.legs] == [
        ("caller", "", "NORMAL"),
        ("desk", "201", "USER_BUSY"),
    ]
    assert [(turn.turn, turn.speaker, turn.text) for turn in record.turns] == [
        (1, "appliance", "Hello."),
        (2, "caller", "sales please"),
    ]
    assert record.turns[1].delays_ms == {"endpoint": 310.0, "decide": 3.5}
    (decision,) = record.decisions
    assert (decision.heard, decision.intent, decision.target_id) == (
        "sales please", "transfer", "t-1",
    )  # fmt: skip
    assert len(decision.decision["verdicts"]) == 5
    (transfer,) = record.transfers
    assert (transfer.result, transfer.extensions, transfer.took_ms) == ("busy", ["201", "202"], 812)
    (message,) = record.messages
    assert (message.text, message.urgent) == ("call me", True)
    assert stored_events_of(database, organisation, call.call_id) == _known(events)


def test_any_order_in_any_pieces_and_twice_gives_the_same_record(
    database: Database, organisation: str
) -> None:
    chance = random.Random(7)
    for _ in range(5):
        events = whole_call(organisation)
        expected_id = str(uuid4())
        twin = [replace(event, call_id=expected_id, event_id=uuid4()) for event in events]
        twin = [
            _with(event, leg_id=event.leg_id.replace(events[0].call_id, expected_id))
            if hasattr(event, "leg_id")
            else event
            for event in twin
        ]
        store_events(database, _lines(twin))
        pieces = events + events[3:7]
        chance.shuffle(pieces)
        new = sum(store_events(database, _lines(pieces[i : i + 3])) for i in range(0, 15, 3))
        assert new == len(events)
        record = call_record(database, organisation, events[0].call_id)
        expected = call_record(database, organisation, expected_id)
        assert record is not None
        assert expected is not None
        assert repr(record).replace(events[0].call_id, expected_id) == repr(expected)


def test_a_take_over_is_seen_in_the_call(database: Database, organisation: str) -> None:
    events = whole_call(organisation)
    call_id = events[0].call_id
    base: dict[str, Any] = {"call_id": call_id, "organisation_id": organisation}
    resumed = [
        CallResumed(**base, seq=12, controller="two", reason="take-over"),
        RecordingStarted(**base, seq=13, part=2, path="c-2.wav"),
        TurnTaken(**base, seq=14, turn=3, speaker=Speaker.APPLIANCE, text="Sorry.", part=2),
    ]
    events.append(RecordingStarted(**base, seq=1, part=1, path="c.wav"))
    for event in reversed(resumed):
        store_events(database, _lines([event]))
    store_events(database, _lines(events))
    record = call_record(database, organisation, call_id)
    assert record is not None
    assert (record.call.controller, record.call.times_resumed) == ("two", 1)
    assert [(one.part, one.path) for one in record.recordings] == [(1, "c.wav"), (2, "c-2.wav")]
    assert [turn.part for turn in record.turns] == [1, 1, 2]


def test_a_recording_that_a_spool_of_before_the_upgrade_tells_of_is_kept(
    database: Database, organisation: str
) -> None:
    events = whole_call(organisation)
    lines = [json.loads(line) for line in _lines(events)]
    for line in lines:
        if line["kind"] == "call_started":
            line["data"]["recording"] = "2026-11-20/c.wav"
    store_events(database, [json.dumps(line).encode() for line in lines])
    record = call_record(database, organisation, events[0].call_id)
    assert record is not None
    assert [(one.part, one.path) for one in record.recordings] == [(1, "2026-11-20/c.wav")]


def test_calls_are_listed_newest_first_and_open_ones_apart(
    database: Database, organisation: str
) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(4):
        at = begin + timedelta(minutes=number)
        events = [replace(event, at=at) for event in whole_call(organisation, f"call-{number}")]
        store_events(database, _lines(events if number else events[:3]))
    newest = recent_calls(database, organisation, limit=3)
    assert [call.call_id for call in newest] == ["call-3", "call-2", "call-1"]
    assert [call.call_id for call in open_calls(database, organisation)] == ["call-0"]
    assert recent_calls(database, make_organisation(database)) == []


_HOSTILE = (
    "\0", "a\0b\\u0000", "\\", "\\\\", "\ud800", "\udc00\ud800", "%s%(x)s{}",
    "'; DROP TABLE calls; --",
    "<script>alert(1)</script>", "line\nbreak\r\n\t", "\x01\x02", "\\.", '"', "é" * 5000, "\u2028",
    "\U0001d54f" * 100, "\x7f\x1b[2J", "null", "",
)  # fmt: skip


@pytest.mark.parametrize("text", _HOSTILE)
def test_hostile_text_is_stored_whole(
    database: Database, organisation: str, spool: Spool, text: str
) -> None:
    events = whole_call(organisation, caller_name=text, caller_number=text, did=text)
    events.append(_with(events[2], text=text, seq=12, event_id=uuid4()))
    assert store_events(database, _lines(events)) == len(events)
    record = call_record(database, organisation, events[0].call_id)
    assert record is not None
    stored = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    assert record.call.caller_name == stored
    assert record.turns[-1].text == stored
    assert stored_events_of(database, organisation, events[0].call_id) == _known(events)


def test_numbers_that_are_none_do_not_stop_a_turn(database: Database, organisation: str) -> None:
    events = whole_call(organisation)
    turn = events[2]
    assert isinstance(turn, TurnTaken)
    events[2] = replace(turn, confidence=float("nan"), delays_ms={"reply": float("inf")})
    store_events(database, _lines(events))
    record = call_record(database, organisation, events[0].call_id)
    assert record is not None
    assert record.turns[1].confidence == 0.0
    assert record.turns[1].delays_ms == {"reply": None}


def test_refused_events_are_set_aside_and_hold_nothing_up(
    database: Database, organisation: str, spool: Spool
) -> None:
    log = EventLog(spool)
    good = [event for _ in range(20) for event in whole_call(organisation)]
    bad = [
        b"not json\n", b"\n", b"\\.\n", b"5\n", b"null\n", b"\xff\xfe\n", b'{"a": "\x01"}\n',
        encode(replace(good[0], organisation_id=str(uuid4()), event_id=uuid4())),
        encode(replace(good[0], organisation_id="nonsense", event_id=uuid4())),
        encode(replace(good[0], seq=10**12, event_id=uuid4())),
        encode(replace(good[0], call_id=random.Random(1).randbytes(9000).hex(), event_id=uuid4())),
        encode(replace(good[0], event_id=uuid4())).replace(b'"call_id"', b'"no_call_id"'),
        encode(replace(good[3], event_id=uuid4())).replace(b'"turn"', b'"no_turn"'),
    ]  # fmt: skip
    for number, event in enumerate(good):
        if number % 17 == 0 and bad[number // 17 : number // 17 + 1]:
            spool.append(bad[number // 17])
        log.append(event)
    shipper = Shipper(spool, database, _QUICK)
    with capture_logs() as lines:
        shipper.start()
        assert shipper.drain(30)
        assert shipper.stop()
    assert count_events(database, organisation) == len(good)
    refused = [line["call_id"] for line in lines if line["event"] == "event_refused"]
    assert refused[:7] == [None] * 7
    assert refused[7:10] == [good[0].call_id] * 3
    assert len(refused[10]) == 100
    assert refused[11:] == [None, good[3].call_id]
    letters = list(shipper.dead_letters)
    assert len(letters) == len(bad)
    assert all(letter.reason for letter in letters)


@pytest.fixture
def own_cluster() -> Iterator[PrivateCluster]:
    directory = Path(tempfile.mkdtemp(prefix="appliance-outage-"))
    with PrivateCluster(directory, durable=False) as cluster:
        yield cluster
    shutil.rmtree(directory)


@pytest.mark.parametrize("crash", [False, True])
def test_an_outage_in_the_middle_loses_nothing_and_doubles_nothing(
    own_cluster: PrivateCluster, spool: Spool, crash: bool
) -> None:
    migrate(own_cluster.url)
    database = Database(own_cluster.url)
    organisation = make_organisation(database)
    log = EventLog(spool)
    shipper = Shipper(spool, database, _QUICK)
    shipper.start()
    events: list[Event] = []

    def calls(count: int) -> None:
        for _ in range(count):
            for event in whole_call(organisation):
                events.append(event)
                log.append(event)

    calls(100)
    assert shipper.drain(30)
    calls(100)
    own_cluster.stop(immediately=crash)
    calls(100)
    assert not shipper.drain(0.5)
    assert {event.call_id for event in events[-22:]} == {
        event.call_id
        for call_id in (events[-1].call_id, events[-12].call_id)
        for event in recall(database, spool.root, organisation, call_id)
    }
    with pytest.raises(StorageError):
        history(database, spool.root, organisation, events[-1].call_id)
    own_cluster.start()
    calls(100)
    assert shipper.drain(30)
    assert shipper.stop()
    assert count_events(database, organisation) == len(events) == 4400
    assert open_calls(database, organisation) == []
    assert stored_events_of(database, organisation, events[-1].call_id) == _known(events[-11:])
    assert list(shipper.dead_letters) == []
    database.close()


def test_the_spool_of_a_dead_process_is_shipped_and_removed(
    database: Database, organisation: str, spool: Spool
) -> None:
    dead = Spool(spool.root, segment_bytes=2000)
    log = EventLog(dead)
    events = [event for _ in range(30) for event in whole_call(organisation)]
    for event in events:
        log.append(event)
    dead.close()
    removed = dead.directory
    shipper = Shipper(spool, database, _QUICK)
    shipper.start()
    own = CallLog(EventLog(spool), "own", organisation)
    while removed.exists():
        own.record(CallResumed, controller="x", reason="y")
        assert shipper.drain(10)
    shipper.stop()
    assert spool_directories(spool.root) == [spool.directory]
    assert count_events(database, organisation) == len(events) + own.next_seq - 1


def test_a_crash_between_storing_and_confirming_doubles_nothing(
    database: Database, organisation: str, spool: Spool
) -> None:
    log = EventLog(spool)
    events = whole_call(organisation)
    for event in events:
        log.append(event)
    store_events(database, _lines(events))
    shipper = Shipper(spool, database, _QUICK)
    shipper.start()
    assert shipper.drain(10)
    shipper.stop()
    assert shipper.shipped == 0
    record = call_record(database, organisation, events[0].call_id)
    assert record is not None
    assert len(record.turns) == 2


def test_events_of_several_organisations_go_in_one_batch(database: Database) -> None:
    organisations = [make_organisation(database) for _ in range(3)]
    events = [event for organisation in organisations for event in whole_call(organisation)]
    random.Random(3).shuffle(events)
    assert store_events(database, _lines(events)) == 33
    assert [count_events(database, organisation) for organisation in organisations] == [11, 11, 11]


def test_stopping_without_the_database_leaves_everything_for_the_next(
    database: Database, organisation: str, tmp_path: Path
) -> None:
    away = Database("postgresql://nobody@127.0.0.1:9/nothing")
    first = Spool(tmp_path)
    shipper = Shipper(first, away, _QUICK)
    shipper.start()
    events = whole_call(organisation)
    for event in events:
        EventLog(first).append(event)
    assert not shipper.stop()
    first.close()
    second = Spool(tmp_path)
    shipper = Shipper(second, database, _QUICK)
    shipper.start()
    own = CallLog(EventLog(second), "own", organisation)
    while first.directory.exists():
        own.record(CallResumed, controller="x", reason="y")
        assert shipper.drain(10)
    assert shipper.stop()
    second.close(remove=True)
    assert stored_events_of(database, organisation, events[0].call_id) == _known(events)
    assert spool_directories(tmp_path) == []


def test_recall_joins_database_and_spool(
    database: Database, organisation: str, spool: Spool
) -> None:
    events = whole_call(organisation)
    log = EventLog(spool)
    store_events(database, _lines(events[:6]))
    for event in events[4:9]:
        log.append(event)
    assert recall(database, spool.root, organisation, events[0].call_id) == _known(events[:9])
    assert recall(database, spool.root, str(uuid4()), events[0].call_id) == []
