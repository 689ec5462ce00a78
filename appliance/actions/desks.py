"""Which desks are being rung or are talking, so that two callers never get the same phone at once.

A desk leg is originated through the control link and then connects to the call server as a session
of its own. This is where the transfer that asked for it meets it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from gevent.event import AsyncResult

from appliance.switch.call_channel import CallChannel

ROLE_VARIABLE = "appliance_role"
CALL_VARIABLE = "appliance_call_id"
TRANSFER_VARIABLE = "appliance_transfer_id"
DESK_ROLE = "desk"


class Desks:
    """The desk legs and reservations of one controller process."""

    def __init__(self) -> None:
        """Begin with every desk free."""
        self._expected: dict[str, AsyncResult[CallChannel]] = {}
        self._taken: set[str] = set()

    @contextmanager
    def reserved(self, extensions: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Hold those of ``extensions`` that are free; yields them, empty when all are taken."""
        free = tuple(number for number in extensions if number not in self._taken)
        self._taken.update(free)
        try:
            yield free
        finally:
            self._taken.difference_update(free)

    @contextmanager
    def expected(self, transfer_id: str) -> Iterator["AsyncResult[CallChannel]"]:
        """While inside, a desk leg of this transfer is handed to the result that is yielded."""
        arrival: AsyncResult[CallChannel] = AsyncResult()
        self._expected[transfer_id] = arrival
        try:
            yield arrival
        finally:
            del self._expected[transfer_id]

    def arrived(self, channel: CallChannel) -> bool:
        """Hand a desk leg to its transfer; False when nobody waits for it any more."""
        arrival = self._expected.get(channel.event.var(TRANSFER_VARIABLE))
        if arrival is None or arrival.ready():
            return False
        arrival.set(channel)
        return True
