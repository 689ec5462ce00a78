"""What a phone may do to the leg it talks with (SIP's REFER): nothing that costs money."""

import pytest

from appliance.lab.freeswitch.instance import RealFreeSwitch
from appliance.lab.freeswitch.raw_sip import SipAnswerer
from tests.freeswitch.organisation import MakePhone, files

pytestmark = pytest.mark.freeswitch

OUTSIDE = "+4990012345"


@pytest.mark.parametrize("calls", ["the allowed one", "the other"])
def test_a_phone_that_may_not_call_out_sends_nobody_else_there(
    switch: RealFreeSwitch, phones: MakePhone, calls: str
) -> None:
    """201 may call out and 203 may not; 203 transfers 201's leg to a number outside."""
    with SipAnswerer("486 Busy Here") as trunk:
        switch.render(files(trunk.port))
        allowed, other = phones("201"), phones("203")
        first, second = (allowed, other) if calls == "the allowed one" else (other, allowed)
        first.dial("203" if first is allowed else "201")
        assert second.rings.wait(5)
        second.answer()
        assert first.answered.wait(5)
        other._do("transfer", f"sip:{OUTSIDE}@127.0.0.1:{switch.internal_port}")
        assert allowed.ended.wait(10), allowed.events
        assert f"XML[{OUTSIDE}@internal]" in switch.log()
        assert trunk.invites.empty()
        switch.render(files())
