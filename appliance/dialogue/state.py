"""A conversation's state: plain data, so that another controller can take the call up."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from appliance.calls.decision import Priority
from appliance.calls.directory import Directory
from appliance.calls.events import Outcome
from appliance.dialogue.intake import Intake
from appliance.dialogue.steps import Expect

HISTORY_LINES = 6
HISTORY_CHARS = 160


class Phase(StrEnum):
    """What the appliance waits for.

    LISTENING: a request. CHOOSING: which of the candidates. OFFERING: message, someone else or
    the operator, after nobody was reached. ANYTHING_ELSE: another request or none. TRANSFERRING:
    the end of an attempt. INTAKE: an answer for the message form. MENU: a key. ENDED: nothing.
    """

    LISTENING = "listening"
    CHOOSING = "choosing"
    OFFERING = "offering"
    ANYTHING_ELSE = "anything_else"
    TRANSFERRING = "transferring"
    INTAKE = "intake"
    MENU = "menu"
    ENDED = "ended"


@dataclass
class State:
    """Everything a conversation remembers.

    Attributes:
        caller_name: as the caller gave it; empty until then.
        caller_number: as the network gave it; hostile text.
        topic: what the call is about, in the directory's words.
        candidates: target ids that were read out; the offer's target while offering.
        for_message: the choice is about whom a message is for.
        attempts: transfers tried, by target id.
        failures: turns in a row that were not understood.
        silences: prompts in a row that nothing followed.
        broken: engine failures in a row; the keypad takes over.
        chatter: courtesies in a row.
        keys: digits keyed so far and not yet understood.
        ended: outcome and a sentence; a fall-back has the outcome ``fell_back``.
    """

    caller_name: str = ""
    caller_number: str = ""
    phase: Phase = Phase.LISTENING
    priority: Priority = Priority.NORMAL
    topic: str = ""
    target_id: str = ""
    candidates: list[str] = field(default_factory=list)
    for_message: bool = False
    attempts: dict[str, int] = field(default_factory=dict)
    clarified: bool = False
    failures: int = 0
    silences: int = 0
    broken: int = 0
    chatter: int = 0
    keys: str = ""
    last_said: str = ""
    last_expect: Expect = "open"
    history: list[str] = field(default_factory=list)
    intake: Intake | None = None
    message_saved: bool = False
    informed: bool = False
    ended: tuple[str, str] | None = None

    def remember(self, who: str, text: str) -> None:
        """Add a line to the history, which keeps the last few."""
        line = f"{who}: {' '.join(text.split())[:HISTORY_CHARS]}"
        self.history = [*self.history, line][-HISTORY_LINES:]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], directory: Directory) -> "State":
        """The reverse of :meth:`as_dict`, tolerant of a directory that has changed meanwhile.

        Raises:
            TypeError, ValueError: when the data is not a conversation's state.
        """
        known = {f.name for f in fields(cls)}
        state = cls(**{key: value for key, value in data.items() if key in known})
        state.phase = Phase(state.phase)
        state.priority = Priority(state.priority)
        if state.last_expect not in ("open", "closed", "digits"):
            state.last_expect = "open"
        state.candidates = [c for c in state.candidates if directory.target(c) is not None]
        if isinstance(data.get("intake"), Mapping):
            state.intake = Intake.resume(dict(data["intake"]))
        if state.ended is not None:
            outcome, how = state.ended
            state.ended = (Outcome(outcome).value, str(how))
        lost = state.phase is Phase.CHOOSING and not state.candidates
        if lost or (state.phase is Phase.INTAKE and state.intake is None):
            state.phase = Phase.LISTENING
        return state
