"""Reservations: two callers never get the same phone at once."""

from typing import Any, cast

import gevent
import pytest

from appliance.actions.desks import (
    ACCEPT,
    CALLED_OFF,
    DECLINE,
    GONE,
    TRANSFER_VARIABLE,
    DeskDecision,
    Desks,
)
from appliance.calls.transfer import TransferResult
from tests.unit.actions.doubles import LIMIT_S, FakeChannel


def desk_leg(uuid: str, transfer: str, extension: str = "201") -> FakeChannel:
    variables = {f"variable_{TRANSFER_VARIABLE}": transfer, "variable_dialed_user": extension}
    return FakeChannel(uuid, **variables)


def attend(desks: Desks, leg: FakeChannel) -> gevent.Greenlet:
    return gevent.spawn(desks.attend, cast("Any", leg))


def test_what_one_has_reserved_another_does_not_get() -> None:
    desks = Desks()
    with desks.reserved(("201", "202")) as first, desks.reserved(("202", "203")) as second:
        assert first == ("201", "202")
        assert second == ("203",)
        with desks.reserved(("201", "203")) as third:
            assert third == ()
    with desks.reserved(("201", "202", "203")) as all_of_them:
        assert all_of_them == ("201", "202", "203")


def test_a_leg_meets_the_transfer_that_rang_it() -> None:
    desks = Desks()
    with desks.expected("t1") as first, desks.expected("t2") as second:
        leg = desk_leg("leg", "t2")
        attending = attend(desks, leg)
        assert second.get(timeout=LIMIT_S) is leg
        assert not first.ready()
        leg.close()
        attending.join(LIMIT_S)
        assert attending.ready()


def test_a_leg_that_nobody_waits_for_is_let_go() -> None:
    desks = Desks()
    attending = attend(desks, desk_leg("late", "given-up"))
    attending.join(LIMIT_S)
    assert attending.ready()


def test_a_second_leg_of_the_same_transfer_is_let_go() -> None:
    desks = Desks()
    with desks.expected("t1") as arrival:
        first = attend(desks, desk_leg("first", "t1"))
        assert arrival.get(timeout=LIMIT_S).uuid == "first"
        second = attend(desks, desk_leg("second", "t1", "202"))
        second.join(LIMIT_S)
        assert second.ready()
        assert not first.ready()
        first.kill()


def test_a_phone_is_taken_for_as_long_as_its_leg_is_up() -> None:
    desks = Desks()
    leg = desk_leg("leg", "t1")
    with desks.reserved(("201",)), desks.expected("t1") as arrival:
        attending = attend(desks, leg)
        arrival.get(timeout=LIMIT_S)
    with desks.reserved(("201",)) as free:  # the transfer is over, the talk is not
        assert free == ()
    desks.hung_up("somebody else")
    desks.hung_up("leg")
    attending.join(LIMIT_S)
    assert leg.closed.is_set()
    with desks.reserved(("201",)) as free:
        assert free == ("201",)


def test_a_leg_without_an_extension_takes_no_phone() -> None:
    desks = Desks()
    leg = FakeChannel("leg", **{f"variable_{TRANSFER_VARIABLE}": "t1"})
    with desks.expected("t1") as arrival:
        attending = attend(desks, leg)
        arrival.get(timeout=LIMIT_S)
        leg.close()
        attending.join(LIMIT_S)
    with desks.reserved(("201",)) as free:
        assert free == ("201",)


def test_a_desk_decides_once() -> None:
    desks = Desks()
    assert not desks.decide("call", ACCEPT)
    with desks.deciding("call") as decision:
        assert not desks.decide("another", ACCEPT)
        assert desks.decide("call", DECLINE)
        assert not desks.decide("call", ACCEPT)
        assert decision.made.value == DECLINE
        assert decision.stopped.is_set()
    assert not desks.decide("call", ACCEPT)


@pytest.mark.parametrize(
    ("word", "result", "stops"),
    [
        (ACCEPT, TransferResult.CONNECTED, False),
        (DECLINE, TransferResult.DECLINED, True),
        (CALLED_OFF, TransferResult.CALLED_OFF, True),
        (GONE, TransferResult.DECLINED, False),
    ],
)
def test_what_each_word_makes_of_the_attempt(
    word: str, result: TransferResult, stops: bool
) -> None:
    decision = DeskDecision()
    assert decision.make(word)
    assert (decision.result, decision.stopped.is_set()) == (result, stops)


def test_what_was_accepted_elsewhere_is_called_off_until_somebody_picks_up() -> None:
    decision = DeskDecision()
    assert decision.make(ACCEPT)
    assert not decision.make(DECLINE)
    assert decision.make(CALLED_OFF)
    assert decision.stopped.is_set()
    assert decision.result is TransferResult.CALLED_OFF
    assert not decision.make(CALLED_OFF)


def test_whoever_has_accepted_at_the_phone_is_not_called_off() -> None:
    decision = DeskDecision()
    decision.picked_up = True
    assert decision.make(ACCEPT)
    assert not decision.make(CALLED_OFF)
    assert decision.result is TransferResult.CONNECTED


def test_hurrying_is_for_the_call_s_own_desk() -> None:
    desks = Desks()
    desks.hurry("call")
    with desks.deciding("call") as decision, desks.deciding("another") as other:
        desks.hurry("call")
        assert (decision.hurried.is_set(), other.hurried.is_set()) == (True, False)
