"""The rules that telephony's vocabulary keeps."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls import events
from appliance.calls.directory import Department, Directory, Person, checked_extension
from appliance.calls.errors import ConfigurationError
from appliance.calls.hangup import HangupCause
from appliance.calls.hours import OpeningHours, Span, always_open
from appliance.calls.transfer import TransferResult, result_of_originate
from appliance.events.encoding import encode

CALL: dict[str, Any] = {"call_id": "c-1", "organisation_id": "o-1", "seq": 1}


@pytest.mark.parametrize("number", ["20", "201", "12345678"])
def test_extensions(number: str) -> None:
    assert checked_extension(number) == number


@pytest.mark.parametrize(
    "number", ["", "2", "123456789", "2a1", "201 ", "201\n", "٢٠١", "+20", "2,3"]
)
def test_what_is_no_extension(number: str) -> None:
    with pytest.raises(ConfigurationError, match="2 to 8 digits"):
        checked_extension(number)


def test_a_number_belongs_to_a_person_first() -> None:
    person = Person("p", "Alice", "201")
    alone = Department("d", "Sales", ("201",))
    group = Department("g", "Billing", ("202", "203"))
    directory = Directory("o", "Northwind", people=(person,), departments=(alone, group))
    assert directory.by_extension("201") is person
    assert directory.by_extension("202") is None
    assert [target.id for target in directory.targets()] == ["d", "g", "p"]


def test_ways_out_when_none_is_named() -> None:
    person = Person("p", "Alice", "201")
    assert Directory("o", "N", people=(person,)).operator_target is person
    assert Directory("o", "N", people=(person,), operator="gone").operator_target is person
    assert Directory("o", "N", people=(person,)).emergency_target is person
    assert Directory("o", "N").operator_target is None
    assert Directory("o", "N").target(None) is None


def test_a_department_s_own_hours_come_first() -> None:
    own, shared = always_open(), OpeningHours()
    department = Department("d", "Sales", ("201",), hours=own)
    directory = Directory("o", "N", departments=(department,), hours=shared)
    assert directory.hours_of(department) is own
    assert directory.hours_of(Person("p", "Alice", "202")) is shared


SOME_DAY = datetime(2020, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 15 * 365 * 1440).map(lambda m: SOME_DAY + timedelta(minutes=m))
WEEK = OpeningHours(
    "Europe/Berlin",
    dict.fromkeys(range(5), (Span(time(13), time(17)), Span(time(8), time(12)))),
    {date(2026, 12, 25): (), date(2026, 11, 22): (Span(time(10), time(11)),)},
)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-18T07:00+00:00", True),  # eight in Berlin
        ("2026-11-18T06:59+00:00", False),
        ("2026-11-18T11:00+00:00", False),  # the lunch break begins on the dot
        ("2026-11-18T12:00+00:00", True),
        ("2026-11-18T16:00+00:00", False),
        ("2026-07-15T06:00+00:00", True),  # summer time
        ("2026-12-25T10:00+00:00", False),  # an exception that is a holiday
        ("2026-11-22T09:30+00:00", True),  # an exception that opens a Sunday
    ],
)
def test_open_or_closed(moment: str, is_open: bool) -> None:
    assert WEEK.is_open(datetime.fromisoformat(moment)) is is_open


def test_the_next_opening() -> None:
    def after(moment: str) -> str:
        opens = WEEK.next_opening(datetime.fromisoformat(moment))
        return opens.isoformat() if opens else "never"

    assert after("2026-11-18T10:30+00:00") == "2026-11-18T13:00:00+01:00"
    assert after("2026-11-18T20:00+00:00") == "2026-11-19T08:00:00+01:00"
    assert after("2026-11-20T20:00+00:00") == "2026-11-22T10:00:00+01:00"
    assert OpeningHours().next_opening(datetime(2026, 11, 18, tzinfo=UTC)) is None


@given(MOMENTS)
def test_always_open_is_always_open(now: datetime) -> None:
    assert always_open("Europe/Berlin").is_open(now)


@given(MOMENTS)
def test_the_next_opening_is_ahead_and_opens(now: datetime) -> None:
    opens = WEEK.next_opening(now)
    assert opens is not None
    assert opens > now
    assert WEEK.is_open(opens)


def test_a_night_shift_ends_on_the_next_day() -> None:
    night = OpeningHours("UTC", {0: (Span(time(22), time.max),), 1: (Span(time(0), time(6)),)})
    assert night.is_open(datetime(2026, 11, 16, 23, 30, tzinfo=UTC))
    assert night.is_open(datetime(2026, 11, 17, 5, 0, tzinfo=UTC))
    assert not night.is_open(datetime(2026, 11, 17, 6, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("USER_BUSY", HangupCause.USER_BUSY),
        ("-ERR NO_ANSWER\n", HangupCause.NO_ANSWER),
        ("user_busy", HangupCause.USER_BUSY),
        ("-ERR something new", HangupCause.UNKNOWN),
        ("", HangupCause.UNKNOWN),
    ],
)
def test_causes_are_parsed(text: str, cause: HangupCause) -> None:
    assert HangupCause.parse(text) is cause


@given(st.text())
def test_no_cause_is_too_strange(text: str) -> None:
    assert HangupCause.parse(text) in HangupCause


def test_what_a_cause_means_for_the_caller() -> None:
    assert result_of_originate(HangupCause.USER_BUSY) is TransferResult.BUSY
    assert result_of_originate(HangupCause.CALL_REJECTED) is TransferResult.DECLINED
    assert result_of_originate(HangupCause.NO_ANSWER) is TransferResult.NO_ANSWER
    assert result_of_originate(HangupCause.USER_NOT_REGISTERED) is TransferResult.UNREACHABLE
    assert result_of_originate(HangupCause.UNKNOWN) is TransferResult.FAILED
    assert [result for result in TransferResult if result.connected] == [TransferResult.CONNECTED]


EVENTS = (
    events.CallStarted(**CALL, did="1", caller_number="2", caller_name="B\nob", controller="c"),
    events.CallResumed(**CALL, controller="b", reason="take-over"),
    events.RecordingStarted(**CALL, part=2, path="2026-05-04/c-2.wav"),
    events.MediaLost(**CALL, silent_ms=3000),
    events.WordsHeard(**CALL, text="I would like"),
    events.TurnTaken(**CALL, turn=1, speaker=events.Speaker.CALLER, text="häl\u2028lo",
                     delays_ms={"decide": 1.5}),
    events.DecisionMade(**CALL, turn=1, decision={"action": "transfer"}),
    events.StageFailed(**CALL, stage="recognizer", error="gone", fallback="keypad"),
    events.EngineChanged(**CALL, stage="recognizer", before="http://a", after="keypad",
                         step="down", reason="gone"),
    events.TransferStarted(**CALL, transfer=1, target_id="t", target_name="Sales",
                           extensions=("201", "202"), mode="attended", leg_id="l"),
    events.TransferEnded(**CALL, transfer=1, result="busy", cause="USER_BUSY", took_ms=5),
    events.LegEnded(**CALL, leg_id="l", role="desk", extension="201", cause="USER_BUSY"),
    events.MessageTaken(**CALL, target_id="t", target_name="Sales", caller_name="Bob",
                        callback_number="201", text="hi", urgent=True),
    events.OrderAnswered(**CALL, order_id="o", verb="say", given_by="Ann", done=True,
                         words="Said."),
    events.ConversationSaved(**CALL, state={"phase": "listening"}),
    events.CallEnded(**CALL, outcome=events.Outcome.CONNECTED, cause="NORMAL_CLEARING", how="well"),
)  # fmt: skip


@pytest.mark.parametrize("event", EVENTS, ids=[event.kind for event in EVENTS])
def test_events_survive_the_spool(event: events.Event) -> None:
    back = events.from_record(json.loads(encode(event)))
    assert back == event
    assert type(back) is type(event)
    assert [type(getattr(back, name)) for name in back.__slots__] == [
        type(getattr(event, name)) for name in event.__slots__
    ]


def test_every_kind_of_event_is_tested() -> None:
    assert {event.kind for event in EVENTS} == set(events.EVENT_TYPES)


def test_records_that_are_not_ours_are_refused() -> None:
    record = json.loads(encode(EVENTS[0]))
    with pytest.raises(KeyError):
        events.from_record({**record, "kind": "no_such_event"})
    assert events.from_record({**record, "data": {**record["data"], "later": 1}}) == EVENTS[0]
