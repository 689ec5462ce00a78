"""One phone rings for one caller, also where several controllers share a box.

Controllers do not know of each other, so FreeSWITCH keeps count: the caller's leg is counted among
those who want the phone, and whoever was counted first has it. FreeSWITCH itself counts a leg no
more when the call ends and when it goes through the dialplan, as the calls of a controller that
died do; so no claim outlives its caller or its controller. (A call that we placed through a trunk
keeps its claims until it ends: what it counts among must not be forgotten in the dialplan.)

Where FreeSWITCH has no mod_hash or cannot be asked, each controller knows of its own calls alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import gevent

from appliance.actions.call import Call
from appliance.actions.unbroken import asked, unbroken
from appliance.calls.errors import SwitchError
from appliance.switch import commands
from appliance.switch.control_link import ControlLink

_REALM = "desk"


@contextmanager
def claimed(call: Call, extensions: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Hold those of ``extensions`` that nobody else's caller has; yields them.

    They are let go of at the end, but for the phone that the caller talks with by then: FreeSWITCH
    does that when the call is over.
    """
    claiming = asked(f"claim-{call.call_id}", _places, call.switch, call.call_id, extensions)
    try:
        places = claiming.get()
        yield tuple(number for number in extensions if places[number] <= 1)
    finally:
        talking = {extension for _, extension in call.desk_legs}
        unbroken(f"let-go-{call.call_id}", _let_go, claiming, call.switch, call.call_id, talking)


def _places(link: ControlLink, call_id: str, extensions: tuple[str, ...]) -> dict[str, int]:
    """Which the caller is among those who want each phone; 0 where FreeSWITCH cannot count."""
    places = dict.fromkeys(extensions, 0)
    with suppress(SwitchError):
        for number in extensions:
            places[number] = 1  # a count whose answer is lost may be made all the same
            places[number] = commands.count_in(link, call_id, _REALM, number) or 0
            if places[number] > 1:
                commands.count_out(link, call_id, _REALM, number)
    return places


def _let_go(claiming: gevent.Greenlet, link: ControlLink, call_id: str, talking: set[str]) -> None:
    with suppress(SwitchError):
        for number, place in claiming.get().items():
            if place == 1 and number not in talking:
                commands.count_out(link, call_id, _REALM, number)
