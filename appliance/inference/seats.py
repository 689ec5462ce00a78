"""A kind's engines: the one in use, who stands in for it, and old ones that still have calls."""

from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from appliance.inference.claim import CLAIM
from appliance.inference.host import EngineHost
from appliance.inference.protocols import Engine

E = TypeVar("E", bound=Engine)

_MOST_RETIRING = 2
"""Old engines of a kind that may be in memory beside the one in use."""


@dataclass(slots=True)
class _Retiring(Generic[E]):
    """An engine that takes no new calls. ``calls`` are those it had; fewer with time."""

    host: EngineHost[E]
    calls: frozenset[str]


class Seat(Generic[E]):
    """A kind's chosen engine, and the one that serves while the chosen one does not.

    A call that was in progress when another engine was chosen stays with the old one until it
    ends, so that no caller notices: neither a voice that changes nor a prompt evaluated anew.
    """

    def __init__(self, chosen: EngineHost[E], stand_in: EngineHost[E] | None = None) -> None:
        self.chosen = chosen
        self.stand_in = stand_in
        self._retiring: list[_Retiring[E]] = []

    @property
    def hosts(self) -> list[EngineHost[E]]:
        """All of them, the chosen one first."""
        stand_ins = [self.stand_in] if self.stand_in else []
        return [self.chosen, *stand_ins, *(old.host for old in self._retiring)]

    @property
    def may_be_replaced(self) -> bool:
        """Whether there is room for another engine beside the old ones that still have calls."""
        return len(self._retiring) < _MOST_RETIRING

    def serving(self) -> EngineHost[E]:
        """Whoever answers the call that `CLAIM` names: the chosen engine, or for older calls the
        one they began with, unless only the stand-in is there to answer.
        """
        mine = self._of_call(CLAIM.get().call)
        if mine.ready and mine.responsive:
            return mine
        for other in (self.chosen, self.stand_in):
            if other is not None and other.ready and other.responsive:
                return other
        return mine if mine.ready else self.chosen

    def put_in_use(self, host: EngineHost[E], calls: frozenset[str]) -> None:
        """Choose another engine; ``calls`` are in progress and stay with the one they have."""
        held = frozenset[str]().union(*(old.calls for old in self._retiring))
        self._retiring.append(_Retiring(self.chosen, calls - held))
        self.chosen = host

    def end(self, call: str) -> None:
        """The call is over; another one of this name would be a new one."""
        for old in self._retiring:
            old.calls -= {call}

    def retired(self, active: frozenset[str]) -> list[EngineHost[E]]:
        """Let go of old engines whose last call has ended, given the calls in progress."""
        for old in self._retiring:
            old.calls &= active
        gone = [old for old in self._retiring if not old.calls and not old.host.busy]
        self._retiring = [old for old in self._retiring if old not in gone]
        return [old.host for old in gone]

    def health(self) -> dict[str, Any]:
        """The chosen engine's health, who serves, and which old ones still have calls."""
        serving = self.serving()
        facts = asdict(self.chosen.health())
        facts["serving"] = serving.name if serving.ready else None
        facts["retiring"] = [
            {"engine": old.host.name, "calls": len(old.calls)} for old in self._retiring
        ]
        return facts

    def _of_call(self, call: str) -> EngineHost[E]:
        for old in self._retiring:
            if call in old.calls:
                return old.host
        return self.chosen
