"""Who is served next: a bounded queue, fair between calls. Pure: it reads no clock.

Final requests go before speculative ones. Within each of the two, calls take turns, one request at
a time, so a call that sends many waits for its own and not the others for it. Requests without a
call share one turn.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class Urgency(IntEnum):
    """What is served first; smaller goes before larger."""

    FINAL = 0
    SPECULATIVE = 1


class QueueFullError(Exception):
    """There is no room, and nobody who waits has less claim to it."""


@dataclass(slots=True, eq=False)
class Ticket(Generic[T]):
    """One request in the queue.

    Attributes:
        call: whose it is; empty when nobody said.
        deadline: moment after which nobody waits for it.
        withdrawn: set by `FairQueue.withdraw`.
    """

    item: T
    call: str = ""
    urgency: Urgency = Urgency.FINAL
    deadline: float = float("inf")
    withdrawn: bool = False


class FairQueue(Generic[T]):
    """A bounded queue, round robin over calls.

    When it is full, a final request pushes out the newest speculative one; failing that, a request
    of a call pushes out the newest one of the call that has most waiting, if that has at least two
    more than the newcomer's: then nobody loses a fair share.

    Args:
        limit: how many may wait.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._turns: dict[Urgency, OrderedDict[str, deque[Ticket[T]]]] = {
            urgency: OrderedDict() for urgency in Urgency
        }
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def put(self, ticket: Ticket[T], now: float, *, room: int = 0) -> Ticket[T] | None:
        """Add a request; returns the one that is pushed out for it, if any.

        Args:
            room: workers that are free: a request that need not wait needs no place to.

        Raises:
            QueueFullError: it is not taken.
        """
        pushed_out = None
        if self._waiting >= self._limit + room:
            self._drop_late(now)
        if self._waiting >= self._limit + room:
            pushed_out = self._least_entitled(ticket)
            if pushed_out is None:
                raise QueueFullError(f"{self._waiting} requests wait already")
            self.withdraw(pushed_out)
        self._turns[ticket.urgency].setdefault(ticket.call, deque()).append(ticket)
        self._waiting += 1
        return pushed_out

    def take(self, now: float) -> Ticket[T] | None:
        """The next request that somebody still waits for."""
        for turns in self._turns.values():
            while turns:
                call, mine = next(iter(turns.items()))
                ticket = mine[0]
                self.withdraw(ticket)
                if call in turns:
                    turns.move_to_end(call)  # the other calls come first
                if ticket.deadline > now:
                    return ticket
        return None

    def withdraw(self, ticket: Ticket[T]) -> None:
        """Nobody waits for this one any more; also when it is not in the queue."""
        if ticket.withdrawn:
            return
        ticket.withdrawn = True
        self._waiting -= 1
        turns = self._turns[ticket.urgency]
        mine = turns[ticket.call]
        mine.remove(ticket)
        if not mine:
            del turns[ticket.call]

    def clear(self) -> list[Ticket[T]]:
        """Take everything out."""
        left = list(self._tickets())
        for ticket in left:
            self.withdraw(ticket)
        return left

    def _tickets(self) -> Iterator[Ticket[T]]:
        for turns in self._turns.values():
            for mine in turns.values():
                yield from mine

    def _drop_late(self, now: float) -> None:
        for ticket in list(self._tickets()):
            if ticket.deadline <= now:
                self.withdraw(ticket)

    def _least_entitled(self, newcomer: Ticket[T]) -> Ticket[T] | None:
        """Who makes room for the newcomer; None when nobody has to."""
        waiting = list(self._tickets())
        if newcomer.urgency is Urgency.FINAL:
            speculative = [t for t in waiting if t.urgency is Urgency.SPECULATIVE]
            if speculative:
                return speculative[-1]
        peers = [ticket for ticket in waiting if ticket.urgency is newcomer.urgency]
        counts: dict[str, int] = {}
        for ticket in peers:
            counts[ticket.call] = counts.get(ticket.call, 0) + 1
        greediest = max(counts, key=lambda call: counts[call], default=None)
        if greediest is None or counts[greediest] < counts.get(newcomer.call, 0) + 2:
            return None
        return [ticket for ticket in peers if ticket.call == greediest][-1]
