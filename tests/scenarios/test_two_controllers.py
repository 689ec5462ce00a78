"""Two controllers on one box, which know nothing of each other, and a phone that both may ring."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import gevent
import pytest
from gevent.socket import create_connection

from appliance.events.reader import CallRecord, call_record
from appliance.lab.backend import Phone
from appliance.lab.peer import dial
from appliance.lab.session import Lab

pytestmark = pytest.mark.timeout(300)

ANNA, DID = "212", "+15551000"
LIMIT_S = 30.0
RINGS_WITHIN_S, TRIES = 5.0, 4
aside = gevent.get_hub().threadpool.apply


class Box:
    """The lab's two controllers, and people who want Anna."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.anna = lab.backend.desk(ANNA)
        self.callers: list[Phone] = []

    def call_for_anna(self) -> tuple[str, Phone]:
        caller = self.lab.backend.caller(f"+1555019{len(self.callers)}", "Maria", 8000)
        self.callers.append(caller)
        call_id = self.lab.backend.dial(caller, DID)
        assert caller.answered.wait(LIMIT_S)
        assert caller.ear.wait_audible(caller.answered_at or 0.0, LIMIT_S) is not None
        assert caller.ear.wait_quiet(0.7, LIMIT_S)
        caller.press(ANNA)
        return call_id, caller

    def anna_rings(self) -> str:
        """Somebody has her phone ring; the call's id.

        A controller that has just begun may have no control link yet, and its callers are told so.
        """
        for _ in range(TRIES):
            call_id, caller = self.call_for_anna()
            if self.anna.rings.wait(RINGS_WITHIN_S):
                return call_id
            caller.hang_up()
        raise AssertionError(f"her phone never rang: {self.record(call_id)}")

    def the_first_takes_no_more(self) -> None:
        """As while it is replaced: it keeps the calls it has, once it has heard of it."""
        stack = self.lab.stack
        os.kill(stack.controller[0].pid, signal.SIGTERM)
        with gevent.Timeout(LIMIT_S, AssertionError("it still takes calls")):
            while True:
                gevent.sleep(0.02)
                try:
                    create_connection(("127.0.0.1", stack.controller_ports[0])).close()
                except ConnectionRefusedError:
                    return

    def record(self, call_id: str) -> CallRecord:
        lab = self.lab
        record = aside(call_record, (lab.database, lab.directory.organisation_id, call_id))
        assert isinstance(record, CallRecord)
        return record

    def until_tried(self, call_id: str, controller: str) -> CallRecord:
        """The call's record once a controller has tried to ring somebody for it."""
        with gevent.Timeout(LIMIT_S, AssertionError("nobody was tried, or not by the other one")):
            while True:
                gevent.sleep(0.1)  # no event tells of a row in a database
                record = self.record(call_id)
                tried = [transfer for transfer in record.transfers if transfer.result]
                if tried and record.call.controller == controller:
                    return record

    def until_wanted_by(self, count: str) -> None:
        """FreeSWITCH's own threads let go, so nothing says when."""
        stack = self.lab.stack
        with (
            closing(dial("127.0.0.1", stack.switch_port, stack.password)) as control,
            gevent.Timeout(LIMIT_S, AssertionError(f"never wanted by {count}")),
        ):
            while control.api(f"limit_usage hash desk {ANNA}") != count:
                gevent.sleep(0.02)

    def close(self) -> None:
        for phone in (*self.callers, self.anna):
            if not phone.ended.is_set():
                phone.hang_up()
        for caller in self.callers:
            assert caller.ended.wait(LIMIT_S)
            self.lab.backend.release(caller)
        self.until_wanted_by("0")
        self.lab.backend.unregister(ANNA)


@pytest.fixture(params=["bench", pytest.param("freeswitch", marks=pytest.mark.freeswitch)])
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    lab: Lab = request.getfixturevalue(f"{request.param}_lab")
    box = Box(lab)
    yield box
    box.close()
    aside(lab.stack.controller[0].stop)
    aside(lab.stack.restore)


def test_the_phone_that_one_rings_is_busy_for_the_other(box: Box) -> None:
    first_id = box.anna_rings()
    box.the_first_takes_no_more()
    second_id, second = box.call_for_anna()
    record = box.until_tried(second_id, "controller-2")
    assert [(t.target_name, t.result) for t in record.transfers] == [("Anna Jones", "busy")]
    # No leg of hers has ended: there was none, so it is not the phone that was busy.
    assert all(leg.cause is None for leg in record.legs if leg.role == "desk")
    assert not second.ended.is_set()
    assert [t.result for t in box.record(first_id).transfers] == [None]
    assert not box.anna.ended.is_set()


def test_who_is_talking_is_wanted_until_they_hang_up(box: Box) -> None:
    call_id = box.anna_rings()
    box.anna.answer()
    assert box.anna.answered.wait(LIMIT_S)
    assert box.anna.ear.wait_audible(box.anna.answered_at or 0.0, LIMIT_S) is not None
    box.anna.press("1")
    with gevent.Timeout(LIMIT_S, AssertionError("never connected")):
        while not box.lab.backend.bridged(call_id):
            gevent.sleep(0.02)
    box.until_wanted_by("1")
    box.anna.hang_up()
    box.until_wanted_by("0")


def test_a_claim_ends_with_the_controller_that_was_killed(box: Box) -> None:
    box.anna_rings()
    box.until_wanted_by("1")
    aside(box.lab.stack.controller[0].kill)
    box.until_wanted_by("0")
