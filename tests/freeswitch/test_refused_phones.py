"""What FreeSWITCH tells of a phone that it turned away is what the operators' page reads."""

import asyncio
from contextlib import aclosing

import gevent
import pytest
from gevent import get_hub

from appliance.admin.setup.refused_phones import FAILURE
from appliance.admin.switch_link import SwitchLink
from appliance.lab.freeswitch.instance import RealFreeSwitch
from appliance.switch.wire import Event
from tests.freeswitch.organisation import MakePhone

pytestmark = pytest.mark.freeswitch


@pytest.mark.parametrize("user", ["202", "9999"], ids=["wrong password", "no such extension"])
def test_a_phone_that_is_turned_away_is_told_of(
    switch: RealFreeSwitch, phones: MakePhone, user: str
) -> None:
    link = SwitchLink("127.0.0.1", switch.event_socket_port, switch.password)

    async def first() -> Event:
        async with asyncio.timeout(20), aclosing(link.events("HEARTBEAT", FAILURE)) as events:
            async for event in events:
                if event.name == FAILURE:
                    return event
        raise AssertionError

    told = gevent.spawn(get_hub().threadpool.apply, asyncio.run, (first(),))
    with gevent.Timeout(10, AssertionError("the link is not up")):
        while not link.connects:
            gevent.sleep(0.02)
    phone = phones(user, password="guess")
    assert phone.register_failed.wait(5), phone.events
    event = told.get(timeout=20)
    assert (event["to-user"], event["network-ip"]) == (user, "127.0.0.1")
    assert event["user-agent"].startswith("baresip")
