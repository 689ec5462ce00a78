"""Words for the next page that a browser is shown, such as "Saved." after a form."""

from collections import OrderedDict
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Flash:
    """One line. ``kind`` is ``ok``, ``warning`` or ``error``."""

    text: str
    kind: str = "ok"


class Flashes:
    """Kept in memory by session, until they are shown; the newest ``most`` sessions."""

    def __init__(self, most: int = 1000) -> None:
        self._waiting: OrderedDict[UUID, list[Flash]] = OrderedDict()
        self._most = most

    def add(self, session_id: UUID, flash: Flash) -> None:
        """For the next page of this session."""
        self._waiting.setdefault(session_id, []).append(flash)
        while len(self._waiting) > self._most:
            self._waiting.popitem(last=False)

    def take(self, session_id: UUID) -> list[Flash]:
        """What waits for this session; it waits no longer."""
        return self._waiting.pop(session_id, [])
