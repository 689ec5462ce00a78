"""Which desks are being rung or are talking, so that two callers never get the same phone at once.

A desk leg is originated through the control link and then connects to the call server as a session
of its own. This is where the transfer that asked for it meets it.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from gevent.event import AsyncResult
from gevent.event import Event as Flag

from appliance.calls.hangup import HangupCause
from appliance.calls.transfer import TransferResult
from appliance.switch.call_channel import CallChannel

ROLE_VARIABLE = "appliance_role"
CALL_VARIABLE = "appliance_call_id"
TRANSFER_VARIABLE = "appliance_transfer_id"
DESK_ROLE = "desk"
ACCEPT, DECLINE = "1", "2"
GONE, CALLED_OFF = "", "called off"
# FreeSWITCH sets it on the legs of ``user/EXTENSION@DOMAIN``.
_EXTENSION_VARIABLE = "dialed_user"


_RESULTS = {ACCEPT: TransferResult.CONNECTED, CALLED_OFF: TransferResult.CALLED_OFF}


class DeskDecision:
    """Whether a desk takes the call: the first word counts, by its keys or from elsewhere.

    Only a call that was accepted from elsewhere can still be called off, until somebody picks up.
    Nobody asks the desk of a blind transfer, but that can be stopped in the same way.

    Attributes:
        made: holds `ACCEPT`, `DECLINE`, `GONE` for a desk that hung up, or `CALLED_OFF`.
        stopped: set when it rings in vain, also before anybody picked up or anything rang.
        picked_up: whether somebody is at the phone.
        hurried: set when whoever has accepted is to have the caller without another word.
    """

    def __init__(self) -> None:
        """Nothing is decided."""
        self.made: AsyncResult[str] = AsyncResult()
        self.stopped = Flag()
        self.picked_up = False
        self.hurried = Flag()

    def make(self, key: str) -> bool:
        """Decide; False when that was done before."""
        nobody_there = self.made.value == ACCEPT and not self.picked_up
        if self.made.ready() and not (key == CALLED_OFF and nobody_there):
            return False
        self.made.set(key)
        if key in (DECLINE, CALLED_OFF):
            self.stopped.set()
        return True

    @property
    def result(self) -> TransferResult:
        """What the decision makes of the attempt; only to be asked once it is made."""
        return _RESULTS.get(self.made.value, TransferResult.DECLINED)

    @property
    def cause(self) -> str:
        """Why it was stopped, as FreeSWITCH says it of a leg."""
        declined = self.result is TransferResult.DECLINED
        return (HangupCause.CALL_REJECTED if declined else HangupCause.ORIGINATOR_CANCEL).value


def extension_of(desk: CallChannel) -> str:
    """Which extension's phone a desk leg is."""
    return desk.event.var(_EXTENSION_VARIABLE)


class Desks:
    """The desk legs and reservations of one controller process."""

    def __init__(self) -> None:
        """Begin with every desk free."""
        self._expected: dict[str, AsyncResult[CallChannel]] = {}
        self._legs: dict[str, CallChannel] = {}
        self._taken: Counter[str] = Counter()
        self._decisions: dict[str, DeskDecision] = {}

    @contextmanager
    def reserved(self, extensions: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Hold those of ``extensions`` that are free; yields them, empty when all are taken."""
        free = tuple(number for number in extensions if not self._taken[number])
        with self._taking(free):
            yield free

    @contextmanager
    def expected(self, transfer_id: str) -> Iterator["AsyncResult[CallChannel]"]:
        """While inside, a desk leg of this transfer is handed to the result that is yielded."""
        arrival: AsyncResult[CallChannel] = AsyncResult()
        self._expected[transfer_id] = arrival
        try:
            yield arrival
        finally:
            del self._expected[transfer_id]

    @contextmanager
    def deciding(self, call_id: str) -> Iterator[DeskDecision]:
        """While inside, `decide` answers for the desk that this call is to reach."""
        decision = self._decisions[call_id] = DeskDecision()
        try:
            yield decision
        finally:
            if self._decisions.get(call_id) is decision:
                del self._decisions[call_id]

    def decide(self, call_id: str, key: str) -> bool:
        """Accept, decline or call off in the desk's place; False when nothing is to be decided."""
        decision = self._decisions.get(call_id)
        return decision is not None and decision.make(key)

    def hurry(self, call_id: str) -> None:
        """If a desk takes this call, connect them without another word."""
        decision = self._decisions.get(call_id)
        if decision is not None:
            decision.hurried.set()

    def attend(self, channel: CallChannel) -> None:
        """Hand a desk leg to its transfer, and keep its phone taken until the leg is gone.

        Blocks until then; returns at once when no transfer waits for the leg any more.
        """
        arrival = self._expected.get(channel.event.var(TRANSFER_VARIABLE))
        if arrival is None or arrival.ready():
            return
        self._legs[channel.uuid] = channel
        try:
            with self._taking((extension_of(channel),)):
                arrival.set(channel)
                channel.closed.wait()
        finally:
            del self._legs[channel.uuid]

    def hung_up(self, leg_id: str) -> None:
        """The control link says that a leg is gone: a desk's phone is free again at once."""
        channel = self._legs.get(leg_id)
        if channel is not None:
            channel.close()

    @contextmanager
    def _taking(self, extensions: tuple[str, ...]) -> Iterator[None]:
        self._taken.update(extensions)
        try:
            yield
        finally:
            self._taken.subtract(extensions)
            self._taken = +self._taken  # forget the phones that nobody uses
