"""What a card shows, whatever order its events come in."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from appliance.admin.live.calls import ENDED_STAY, LiveCall, LiveCalls
from appliance.admin.live.happenings import happening_of
from appliance.calls import events
from appliance.calls.events import Outcome, Speaker
from appliance.events.encoding import encode
from appliance.storage.call_models import Event
from tests.integration.events.calls_for_tests import whole_call

AT = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)
ORGANISATION = "6f7a3c52-0f5e-4c53-9a51-7d3e0c1b2a10"


def stored(event: events.Event) -> Event:
    """An event as the database gives it."""
    record = json.loads(encode(event))
    return Event(
        event_id=event.event_id, call_id=event.call_id, seq=event.seq, at=event.at,
        kind=event.kind, data=record["data"], position=event.seq,
    )  # fmt: skip


class Told:
    """A call's events, numbered and a second apart."""

    def __init__(self) -> None:
        self.calls = LiveCalls()
        self._seq = 0

    def __call__(self, kind: type[events.Event], **fields: Any) -> LiveCall:
        self._seq += 1
        event = kind(
            call_id="c", organisation_id=ORGANISATION, seq=self._seq,
            at=AT + timedelta(seconds=self._seq), **fields,
        )  # fmt: skip
        happening = happening_of(stored(event))
        assert happening is not None
        self.calls.take(happening)
        call = self.calls.get("c")
        assert call is not None
        return call


def started(told: Told) -> LiveCall:
    return told(
        events.CallStarted, did="+1555", caller_number="+1666", caller_name="Bob", controller="one"
    )


def test_a_whole_call_from_ring_to_record() -> None:
    told = Told()
    call = started(told)
    assert (call.who, call.state) == ("Bob", "talking")
    call = told(events.ConversationSaved, state={"history": ["appliance: Hello there."]})
    assert call.saying == "Hello there."
    call = told(events.TurnTaken, turn=1, speaker=Speaker.APPLIANCE, text="Hello there.")
    assert call.saying == ""
    call = told(events.WordsHeard, text="i would like")
    assert call.hearing == "i would like"
    call = told(events.TurnTaken, turn=2, speaker=Speaker.CALLER, text="i would like sales")
    assert (call.hearing, call.wanted) == ("", "i would like sales")
    call = told(
        events.DecisionMade, turn=2,
        decision={
            "action": "transfer", "priority": "high",
            "verdicts": [
                {"verdict": "passed", "reason": "no"}, {"verdict": "decided", "reason": "sales"}
            ],
        },
    )  # fmt: skip
    assert call.decision is not None
    assert (call.decision["reason"], call.priority) == ("sales", "high")
    transfer: dict[str, Any] = {
        "target_id": "t", "target_name": "Sales", "mode": "attended", "leg_id": "l",
        "announcement": "Bob for Sales",
    }  # fmt: skip
    call = told(events.TransferStarted, transfer=1, extensions=("201",), **transfer)
    assert call.state == "ringing"
    assert call.rings_at({"201"})
    assert not call.rings_at({"202"})
    call = told(events.TransferEnded, transfer=1, result="busy")
    assert (call.state, [attempt.result for attempt in call.tried]) == ("talking", ["busy"])
    call = told(events.TransferStarted, transfer=2, extensions=("202",), **transfer)
    call = told(events.TransferEnded, transfer=2, result="connected")
    assert (call.state, call.connected_to) == ("connected", "Sales")
    call = told(events.CallEnded, outcome=Outcome.CONNECTED, cause="X", how="they hung up")
    assert (call.state, call.how) == ("ended", "they hung up")


def test_events_in_any_order_and_twice_make_the_same_card() -> None:
    happenings = [it for e in whole_call(ORGANISATION, "c") if (it := happening_of(stored(e)))]
    straight = LiveCalls()
    for happening in happenings:
        straight.take(happening)
    rng = random.Random(4)
    for _ in range(20):
        mixed = LiveCalls()
        for happening in rng.sample(happenings * 2, len(happenings) * 2):
            mixed.take(happening)
        ours, theirs = straight.get("c"), mixed.get("c")
        assert ours is not None
        assert theirs is not None
        assert theirs.turns == ours.turns
        assert theirs.notes == ours.notes
        assert (theirs.state, theirs.who, theirs.saying) == (ours.state, ours.who, ours.saying)
        assert theirs.attempts == ours.attempts


def test_what_has_ended_goes_after_a_while() -> None:
    told = Told()
    started(told)
    call = told(events.CallEnded, outcome=Outcome.INFORMED, cause="X", how="done")
    assert call.ended_at is not None
    assert told.calls.shown(call.ended_at + ENDED_STAY) == [call]
    assert told.calls.shown(call.ended_at + ENDED_STAY + timedelta(seconds=1)) == []


def test_a_call_of_which_nothing_was_heard_for_hours_is_none() -> None:
    told = Told()
    call = started(told)
    assert told.calls.shown(call.last_at + timedelta(hours=5)) == [call]
    assert told.calls.shown(call.last_at + timedelta(hours=7)) == []


def test_legs_are_not_shown() -> None:
    leg = events.LegEnded(
        call_id="c", organisation_id=ORGANISATION, seq=1, leg_id="l", role="desk", extension="1",
        cause="X",
    )  # fmt: skip
    assert happening_of(stored(leg)) is None


def test_every_kind_that_pages_show_is_a_kind_of_event() -> None:
    from appliance.admin.live import happenings

    assert set(happenings._KINDS) <= set(events.EVENT_TYPES)
