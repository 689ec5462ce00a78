"""Writing events down: numbered, once, and in lines that any reader takes."""

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from appliance.calls.events import (
    CallEnded,
    CallResumed,
    CallStarted,
    Event,
    Outcome,
    RecordingStarted,
    Speaker,
    TransferStarted,
    TurnTaken,
    from_record,
)
from appliance.events.encoding import encode
from appliance.events.log import CallLog, EventLog
from appliance.storage.spool import Spool
from appliance.storage.spool_reader import events_of

_BASE: dict[str, Any] = {"call_id": "c", "organisation_id": "o"}
_EVENTS = (
    CallStarted(**_BASE, seq=1, did="+49", caller_number="1", caller_name="é\n\"'", controller="a"),
    TurnTaken(
        **_BASE, seq=2, turn=1, speaker=Speaker.CALLER, text="hi",
        delays_ms={"reply": 1.5},
    ),
    TransferStarted(
        **_BASE, seq=3, transfer=1, target_id="t", target_name="T", extensions=("201", "202"),
        mode="attended", leg_id="l",
    ),
    CallEnded(**_BASE, seq=4, outcome=Outcome.LOST, cause="UNKNOWN", how="it broke"),
)  # fmt: skip


@pytest.mark.parametrize("event", _EVENTS, ids=lambda event: event.kind)
def test_a_line_holds_all_of_an_event(event: Event) -> None:
    line = encode(event)
    assert line.count(b"\n") == 1
    assert from_record(json.loads(line)) == event


def test_any_mapping_will_do() -> None:
    event = CallResumed(**_BASE, seq=1, controller="", reason="")
    turn = TurnTaken(
        **_BASE,
        seq=2,
        turn=1,
        speaker=Speaker.DESK,
        text="",
        delays_ms=MappingProxyType({"a": 1.0}),
    )
    assert json.loads(encode(turn))["data"]["delays_ms"] == {"a": 1.0}
    assert json.loads(encode(event))["data"] == {"controller": "", "reason": ""}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\0b", "a\ufffdb"),
        ("\0\0", "\ufffd\ufffd"),
        ("\\u0000", "\\u0000"),
        ("\\\0", "\\\ufffd"),
        ("\\\\\0\\u0000", "\\\\\ufffd\\u0000"),
        ("\ud800x", "?x"),
    ],
)
def test_text_that_the_database_refuses_is_replaced(text: str, kept: str) -> None:
    event = CallResumed(**_BASE, seq=1, controller=text, reason="")
    parsed = from_record(json.loads(encode(event)))
    assert isinstance(parsed, CallResumed)
    assert parsed.controller == kept


def test_numbers_that_are_not_finite_become_null() -> None:
    event = TurnTaken(
        **_BASE, seq=1, turn=1, speaker=Speaker.CALLER, text="", confidence=float("nan"),
        delays_ms={"a": float("inf"), "b": 1.0},
    )  # fmt: skip
    data = json.loads(encode(event))["data"]
    assert (data["confidence"], data["delays_ms"]) == (None, {"a": None, "b": 1.0})


def test_a_call_numbers_its_events_and_listeners_see_them(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    seen: list[Event] = []
    log = EventLog(spool, [seen.append])
    call = CallLog(log, "c", "o")
    call.continue_after(_EVENTS)
    first = call.record(CallResumed, controller="two", reason="take-over")
    second = call.record(CallEnded, outcome=Outcome.LOST, cause="UNKNOWN", how="lost")
    assert (first.seq, second.seq, call.next_seq) == (5, 6, 7)
    assert seen == [first, second] == events_of(tmp_path, "c")
    spool.close()


def test_turns_are_counted_on_and_the_caller_s_last_is_known(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    call = CallLog(EventLog(spool), "c", "o")
    assert (call.turns, call.caller_turn) == (0, 0)
    call.continue_after(_EVENTS)
    assert (call.turns, call.caller_turn) == (1, 1)
    assert call.turn(speaker=Speaker.CALLER, text="billing").part == 2
    call.turn(speaker=Speaker.APPLIANCE, text="One moment.")
    assert (call.turns, call.caller_turn) == (3, 2)
    spool.close()


def test_the_time_of_all_earlier_parts_is_known(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    call = CallLog(EventLog(spool), "c", "o")
    call.continue_after(
        [
            TurnTaken(**_BASE, seq=seq, turn=seq, speaker=Speaker.CALLER, text="x", part=part,
                      ended_ms=ended_ms)
            for seq, part, ended_ms in ((1, 1, 2000), (2, 1, 1500), (3, 2, 700), (4, 2, 900))
        ]
    )  # fmt: skip
    assert (call.part, call.earlier_ms) == (3, 2900)
    spool.close()


def test_who_takes_a_call_up_begins_a_part_of_its_own(tmp_path: Path) -> None:
    """Only what was left of a part counts: nobody hears a session that never got its line open."""
    spool = Spool(tmp_path)
    log = EventLog(spool)
    started = CallStarted(**_BASE, seq=1, did="", caller_number="", caller_name="", controller="a")
    recording = RecordingStarted(**_BASE, seq=2, part=1, path="x.wav")
    resumed = CallResumed(**_BASE, seq=3, controller="b", reason="take-over")
    for past, part in (([], 1), ([started], 1), ([started, recording], 2),
                       ([started, recording, resumed], 2)):  # fmt: skip
        call = CallLog(log, "c", "o")
        call.continue_after(past)
        assert call.turn(speaker=Speaker.APPLIANCE, text="Hello.").part == part
    spool.close()
