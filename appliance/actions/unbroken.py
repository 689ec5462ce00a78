"""Commands on the control link that may be walked away from.

All calls share one control link, and a command given up between its sending and its answer costs
that connection, and with it the transfers of all other calls. A transfer is killed the moment its
caller hangs up, so what it asks of the control link is asked by a greenlet that nobody kills.
"""

from collections.abc import Callable
from typing import TypeVar

import gevent

from appliance.calls.errors import ApplianceError

Answer = TypeVar("Answer")


def unbroken(name: str, command: Callable[..., Answer], *arguments: object) -> Answer:
    """Run ``command`` to its end, also when the greenlet that waits for it here is killed.

    The command must have a time limit of its own, as all of `appliance.switch.commands` have.

    Raises:
        ApplianceError: what ``command`` raised.
    """
    outcome = asked(name, command, *arguments).get()
    if isinstance(outcome, ApplianceError):
        raise outcome
    return outcome  # type: ignore[no-any-return]


def asked(name: str, command: Callable[..., Answer], *arguments: object) -> gevent.Greenlet:
    """Begin ``command``; the greenlet's value is its answer or the ApplianceError it raised."""
    greenlet = gevent.spawn(_outcome, command, arguments)
    greenlet.name = name
    return greenlet


def _outcome(
    command: Callable[..., Answer], arguments: tuple[object, ...]
) -> Answer | ApplianceError:
    try:
        return command(*arguments)
    except ApplianceError as error:
        return error
