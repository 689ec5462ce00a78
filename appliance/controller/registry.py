"""The calls that this controller holds, found by the caller's leg."""

from collections.abc import Iterator
from contextlib import contextmanager

from gevent.event import Event as GeventEvent

from appliance.controller.call_session import CallSession
from appliance.controller.inputs import Hangup, Input, Superseded


class Calls:
    """The sessions in progress.

    Attributes:
        idle: set while no caller's session is here, from its arrival to its end.
        taken_up: how many calls were, so far.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._sessions: dict[str, CallSession] = {}
        self._present = 0
        self.taken_up = 0
        self.idle = GeventEvent()
        self.idle.set()

    def __len__(self) -> int:
        """How many calls are held."""
        return len(self._sessions)

    def __contains__(self, call_id: object) -> bool:
        """Whether the call is held here."""
        return call_id in self._sessions

    @contextmanager
    def present(self) -> Iterator[None]:
        """While inside, a caller is here, also one who is not answered yet."""
        self._present += 1
        self.idle.clear()
        try:
            yield
        finally:
            self._present -= 1
            if not self._present:
                self.idle.set()

    @contextmanager
    def holding(self, call_id: str, session: CallSession) -> Iterator[None]:
        """While inside, the call is this session's; an older session of the same leg lets go."""
        older = self._sessions.get(call_id)
        if older is not None:
            older.post(Superseded())
        self._sessions[call_id] = session
        self.taken_up += 1
        try:
            yield
        finally:
            if self._sessions.get(call_id) is session:
                del self._sessions[call_id]

    def of_organisations(self) -> dict[str, list[str]]:
        """The calls that are held, by organisation."""
        found: dict[str, list[str]] = {}
        for call_id, session in list(self._sessions.items()):
            found.setdefault(session.organisation_id, []).append(call_id)
        return found

    def post(self, call_id: str, item: Input) -> bool:
        """Hand something to a call's session; False when the call is not held here."""
        session = self._sessions.get(call_id)
        if session is not None:
            session.post(item)
        return session is not None

    def hung_up(self, leg_id: str, cause: str) -> None:
        """The control link says that a leg is gone."""
        session = self._sessions.get(leg_id)
        if session is not None:
            session.post(Hangup(cause))
