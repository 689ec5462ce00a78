"""Whose work an engine does: which call it is for, and who keeps account of it.

Engines are shared by all calls, and what asks them (a policy, a voice) need not know of calls. So
this travels beside the request, as a context variable of the greenlet or thread that asks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol


class Account(Protocol):
    """Where a call keeps account of the engines that work for it."""

    def failed(self, stage: str, engine: str, error: str, instead: str) -> None:
        """``engine`` did not do its work for ``stage``; ``instead`` is asked next."""
        ...

    def used(self, stage: str, rank: int, engine: str, reason: str) -> None:
        """``engine`` did the work of ``stage``.

        Args:
            rank: its place in the order in which engines are asked, 0 for the first.
            reason: why those before it did not; empty when it is the first.
        """
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """What an engine is asked on behalf of.

    Attributes:
        call_id: of the call; empty for work that belongs to none.
        speculative: the answer may never be needed, so other work comes first.
        voice: who speaks on this call; empty means the server's own.
        language: what its caller speaks, as Whisper names it; empty means the engine's own.
    """

    call_id: str = ""
    speculative: bool = False
    account: Account | None = None
    voice: str = ""
    language: str = ""


NOBODYS_WORK = Work()
"""Of no call."""

_current: ContextVar[Work] = ContextVar("work", default=NOBODYS_WORK)


def current_work() -> Work:
    """What the running greenlet or thread works for; a `Work` of no call when nobody said."""
    return _current.get()


@contextmanager
def working_for(work: Work) -> Iterator[None]:
    """Inside, engines are asked on behalf of ``work``."""
    token = _current.set(work)
    try:
        yield
    finally:
        _current.reset(token)
