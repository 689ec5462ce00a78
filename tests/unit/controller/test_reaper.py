"""Records of calls that nobody holds any more."""

import gevent
import pytest
from gevent.event import Event as Flag

from appliance.calls.errors import StorageError, SwitchGoneError
from appliance.calls.events import CallEnded, CallStarted, Event, Outcome, TransferEnded
from appliance.controller.reaper import OpenCall, Reaper
from appliance.controller.registry import Calls
from tests.unit.actions.doubles import LIMIT_S, ORGANISATION, KeptEvents

STARTED = CallStarted(
    call_id="lost", organisation_id=ORGANISATION, seq=1, did="1", caller_number="",
    caller_name="", controller="controller-1",
)  # fmt: skip
CONNECTED = TransferEnded(
    call_id="lost", organisation_id=ORGANISATION, seq=2, transfer=1, result="connected"
)
BUSY = TransferEnded(call_id="lost", organisation_id=ORGANISATION, seq=2, transfer=1, result="busy")
ENDED = CallEnded(
    call_id="lost", organisation_id=ORGANISATION, seq=2, outcome=Outcome.INFORMED, cause="",
    how="",
)  # fmt: skip


class World:
    """The database, FreeSWITCH and the spools, as the reaper sees them."""

    def __init__(self) -> None:
        self.open = [OpenCall("lost", ORGANISATION)]
        self.up: list[bool | Exception] = []
        self.past: list[Event] | Exception = [STARTED]
        self.kept = KeptEvents()
        self.calls = Calls()
        self.asked: list[str] = []
        self.reaper = Reaper(
            self.calls, self.kept.log, lambda: self.open, self._up, self._history,
            every_s=0.0, settle_s=0.0,
        )  # fmt: skip

    def _up(self, call_id: str) -> bool:
        self.asked.append(call_id)
        answer = self.up.pop(0) if self.up else False
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _history(self, call: OpenCall) -> list[Event]:
        if isinstance(self.past, Exception):
            raise self.past
        return self.past

    def ended(self) -> list[CallEnded]:
        return self.kept.of(CallEnded)


def test_a_call_whose_leg_is_gone_was_lost() -> None:
    world = World()
    assert world.reaper.look() == 1
    [ended] = world.ended()
    assert (ended.outcome, ended.seq, ended.call_id) == (Outcome.LOST, 2, "lost")
    assert len(world.asked) == 2  # looked at twice before it is given up


def test_a_call_that_is_up_is_left_alone() -> None:
    world = World()
    world.up = [True]
    assert world.reaper.look() == 0
    assert world.ended() == []


def test_a_call_that_was_only_between_two_sessions_is_left_alone() -> None:
    world = World()
    world.up = [False, True]
    assert world.reaper.look() == 0


def test_a_call_that_is_held_here_is_left_alone() -> None:
    world = World()
    world.calls._sessions["lost"] = object()  # type: ignore[assignment]
    assert world.reaper.look() == 0
    assert world.asked == []


def test_an_end_on_its_way_to_the_database_is_the_better_one() -> None:
    world = World()
    world.past = [STARTED, ENDED]
    assert world.reaper.look() == 0
    assert world.ended() == []


@pytest.mark.parametrize(
    ("last", "outcome"), [(CONNECTED, Outcome.CONNECTED), (BUSY, Outcome.LOST)]
)
def test_who_was_with_a_person_was_not_lost(last: Event, outcome: Outcome) -> None:
    world = World()
    world.past = [STARTED, last]
    assert world.reaper.look() == 1
    assert world.ended()[0].outcome is outcome
    assert world.ended()[0].seq == 3


def test_a_history_that_cannot_be_read_still_gets_an_end() -> None:
    world = World()
    world.past = ValueError("not an event")
    assert world.reaper.look() == 1


def test_no_end_is_made_of_half_a_history() -> None:
    """The database went away between the two looks: what only it knows is missing."""
    world = World()
    world.past = StorageError("away")
    with pytest.raises(StorageError):
        world.reaper.look()
    assert world.ended() == []
    world.past = [STARTED]
    assert world.reaper.look() == 1
    assert [event.seq for event in world.ended()] == [2]


@pytest.mark.parametrize(
    "trouble",
    [SwitchGoneError("no connection"), StorageError("away"), PermissionError("spool")],
)
def test_what_cannot_be_asked_is_asked_again(trouble: Exception) -> None:
    world = World()
    world.up = [trouble]
    running = gevent.spawn(world.reaper.run)
    try:
        assert world.kept.next(CallEnded).outcome is Outcome.LOST
    finally:
        running.kill()


def test_it_looks_again_and_again() -> None:
    world = World()
    thrice = Flag()

    def count() -> list[OpenCall]:
        world.asked.append("looked")
        if len(world.asked) >= 3:
            thrice.set()
        return []

    reaper = Reaper(world.calls, world.kept.log, count, world._up, world._history, every_s=0.0)
    running = gevent.spawn(reaper.run)
    try:
        assert thrice.wait(LIMIT_S)
    finally:
        running.kill()
