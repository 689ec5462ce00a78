"""Calls that we place: who rings, who is connected, and what keeps them from costing money."""

from uuid import uuid4

import gevent
import pytest

from appliance.controller.placing import CALLER_VARIABLE
from appliance.lab.freeswitch.instance import RealFreeSwitch
from appliance.lab.freeswitch.raw_sip import SipAnswerer
from appliance.switch.originating import (
    CallRequest,
    OriginateRequest,
    call_command,
    originate_command,
)
from tests.freeswitch.organisation import DID, DOMAIN, MakePhone, StartController, files
from tests.freeswitch.talking import hears, ring_and_answer

pytestmark = pytest.mark.freeswitch

OUTSIDE = "+4930999888"


def place(switch: RealFreeSwitch, ring: str, to: str, **more: object) -> gevent.Greenlet:
    request = CallRequest(str(uuid4()), ring, to, DOMAIN, ring_timeout_s=8, **more)  # type: ignore[arg-type]
    return gevent.spawn(switch.api, call_command(request))


def test_one_extension_is_rung_and_then_the_other(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    alice, bob = phones("201"), phones("202")
    placed = place(switch, "201", "202", shown="202", shown_to="201")
    ring_and_answer(alice)
    assert placed.get(timeout=5).startswith("+OK")
    ring_and_answer(bob)
    assert hears(bob, alice) < 0.3
    bob.hang_up()
    assert alice.ended.wait(5)


def test_an_extension_is_rung_and_then_a_department(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    alice, bob, carol = phones("201"), phones("202"), phones("203")
    placed = place(switch, "201", "", group=("202", "203"), shown="202", shown_to="201")
    ring_and_answer(alice)
    assert placed.get(timeout=5).startswith("+OK")
    assert bob.rings.wait(5), bob.events
    ring_and_answer(carol)
    assert hears(carol, alice) < 0.3
    carol.hang_up()
    assert alice.ended.wait(5)


def test_an_extension_is_rung_for_the_appliance_itself(
    switch: RealFreeSwitch, phones: MakePhone, controllers: StartController
) -> None:
    controller = controllers("talk")
    alice = phones("201")
    place(switch, "201", DID, shown=DID, variables={CALLER_VARIABLE: "201"})
    ring_and_answer(alice)
    assert controller.wait("connected", did=DID)


def test_a_number_outside_is_rung_through_its_trunk(switch: RealFreeSwitch) -> None:
    with SipAnswerer("486 Busy Here") as trunk:
        switch.render(files(trunk.port))
        placed = place(switch, OUTSIDE, "201", ring_trunk="provider", shown=DID, limit="201")
        assert f"INVITE sip:{OUTSIDE}@" in trunk.invites.get(timeout=5)
        assert "USER_BUSY" in placed.get(timeout=5)
        switch.render(files())


def test_a_number_outside_answers_and_is_connected(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    somebody, alice = phones(OUTSIDE, outside=True), phones("201")
    switch.render(files(somebody.sip_port))
    placed = place(switch, OUTSIDE, "201", ring_trunk="provider", shown=DID, limit="201")
    ring_and_answer(somebody)
    assert placed.get(timeout=5).startswith("+OK")
    ring_and_answer(alice)
    assert hears(alice, somebody) < 0.3
    assert hears(somebody, alice) < 0.3
    somebody.hang_up()
    assert alice.ended.wait(5)
    switch.render(files())


def test_a_number_outside_that_is_rung_for_a_transfer_comes_to_the_controller(
    switch: RealFreeSwitch, phones: MakePhone, controllers: StartController
) -> None:
    controller = controllers("talk")
    somebody = phones(OUTSIDE, outside=True)
    switch.render(files(somebody.sip_port))
    leg_id = str(uuid4())
    request = OriginateRequest(
        leg_id, (OUTSIDE,), DOMAIN, f"127.0.0.1:{controller.port}", ring_timeout_s=8,
        caller_id_number=DID, trunk="provider", limit="201",
    )  # fmt: skip
    placed = gevent.spawn(switch.api, originate_command(request))
    ring_and_answer(somebody)
    assert controller.wait("connected", uuid=leg_id)
    assert somebody.answered_at is not None
    assert somebody.ear.wait_audible(somebody.answered_at, 3) is not None
    assert placed.get(timeout=5).startswith("+OK")
    somebody.hang_up()
    switch.render(files())


def test_an_extension_has_no_more_calls_outside_than_by_dialling(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    with SipAnswerer("180 Ringing") as trunk:
        switch.render(files(trunk.port))
        for _ in range(2):
            place(switch, OUTSIDE, "201", ring_trunk="provider", limit="201")
            assert trunk.invites.get(timeout=5)
        refused = place(switch, OUTSIDE, "201", ring_trunk="provider", limit="201")
        assert "CALL_REJECTED" in refused.get(timeout=5)
        assert trunk.invites.empty()
        switch.api("hupall")
        switch.render(files())


def test_who_answers_is_connected_with_the_number_outside(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    with SipAnswerer("486 Busy Here") as trunk:
        switch.render(files(trunk.port))
        alice = phones("201")
        place(switch, "201", OUTSIDE, to_trunk="provider", shown=OUTSIDE, limit="201")
        ring_and_answer(alice)
        assert f"INVITE sip:{OUTSIDE}@" in trunk.invites.get(timeout=5)
        assert alice.ended.wait(5)
        switch.render(files())


def test_a_placed_leg_cannot_dial_out_through_the_dialplan(
    switch: RealFreeSwitch, phones: MakePhone
) -> None:
    """Even for a phone that may call out: only what was checked as a number outside goes there."""
    with SipAnswerer("486 Busy Here") as trunk:
        switch.render(files(trunk.port))
        alice = phones("201")
        place(switch, "201", OUTSIDE)
        ring_and_answer(alice)
        assert alice.ended.wait(5)
        assert trunk.invites.empty()
        switch.render(files())
