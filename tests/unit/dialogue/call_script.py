"""Conversations as scripts: what the caller does, and what the appliance must answer."""

import json
from datetime import UTC, datetime, time
from typing import Any

from appliance.calls.decision import Decision
from appliance.calls.directory import Department, Did, Directory, Person, Persona
from appliance.calls.hours import OpeningHours, Span
from appliance.calls.transfer import TransferMode, TransferResult
from appliance.decisions.chain import DecisionChain
from appliance.decisions.policies import standard_policies
from appliance.dialogue.conversation import Conversation
from appliance.dialogue.steps import Decided, FallBack, HangUp, SaveMessage, Say, Step, Transfer

OPEN = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)
CLOSED = datetime(2026, 11, 18, 20, 15, tzinfo=UTC)
DAY = (Span(time(8, 0), time(17, 0)),)
HOURS = OpeningHours("UTC", dict.fromkeys(range(5), DAY))
ROUND_THE_CLOCK = OpeningHours("UTC", dict.fromkeys(range(7), (Span(time(0), time(23, 59, 59)),)))


def northwind(**changes: Any) -> Directory:
    """A small organisation."""
    values: dict[str, Any] = {
        "organisation_id": "00000000-0000-0000-0000-000000000001",
        "name": "Northwind",
        "personas": (
            Persona("desk", "Front desk", greeting="Welcome to Northwind."),
            Persona(
                "line",
                "Billing line",
                house="the Northwind house",
                greeting="Good day.",
                voice="en-us+f2",
                help="What is it about?",
                closed_help="We sleep.",
                introduction="I am a machine {of} sorts.",
                anything_else="What else?",
                goodbye="So long.",
            ),
        ),
        "persona": "desk",
        "departments": (
            Department("billing", "Billing", ("201", "202"), topics=("invoice", "refund")),
            Department("sales", "Sales", ("203",), topics=("order",)),
            Department("night", "Night Desk", ("210",), hours=ROUND_THE_CLOCK),
            Department("reception", "Reception", ("200",)),
        ),
        "people": (
            Person("alice", "Alice Brown", "221"),
            Person("john-smith", "John Smith", "223"),
            Person("john-doe", "John Doe", "224", transfer_mode=TransferMode.BLIND),
            Person("nurse", "Emma Green", "248"),
        ),
        "dids": (Did("+4930123456", "line"),),
        "hours": HOURS,
        "operator": "reception",
        "emergency": "nurse",
        "version": "v1",
    }
    return Directory(**{**values, **changes})


class CallScript:
    """A caller on the line. Each action keeps the steps it led to in ``steps``."""

    def __init__(
        self,
        directory: Directory | None = None,
        now: datetime = OPEN,
        caller_number: str = "201555",
        persona: Persona | None = None,
    ) -> None:
        self.directory = directory or northwind()
        self.now = now
        self.chain = DecisionChain(standard_policies())
        self.conversation = Conversation(
            self.directory, self.chain, persona, caller_number=caller_number
        )
        self.steps: list[Step] = self.conversation.begin(now)

    def says(self, text: str, confidence: float = 0.95) -> "CallScript":
        return self._done(self.conversation.heard(text, confidence, self.now))

    def keys(self, digits: str) -> "CallScript":
        for digit in digits:
            self._done(self.conversation.pressed(digit, self.now))
        return self

    def is_silent(self) -> "CallScript":
        return self._done(self.conversation.silent(self.now))

    def transfer_ends(self, result: TransferResult) -> "CallScript":
        return self._done(self.conversation.transferred(result, self.now))

    def says_while_it_rings(self, text: str, confidence: float = 0.95) -> "CallScript":
        """The phone rings on, or is called off and the conversation goes on at once."""
        return self._second_thoughts(self.conversation.second_thoughts(text, confidence, self.now))

    def keys_while_it_rings(self, key: str) -> "CallScript":
        return self._second_thoughts(
            self.conversation.second_thoughts(key, 1.0, self.now, keyed=True)
        )

    def _second_thoughts(self, decision: Decision | None) -> "CallScript":
        if decision is None:
            return self._done([])
        return self._done(self.conversation.changed_course(decision, self.now))

    def engine_fails(self, stage: str) -> "CallScript":
        return self._done(self.conversation.failed(stage, self.now))

    def lines_are_full(self) -> "CallScript":
        return self._done(self.conversation.turned_away())

    def is_taken_over(self) -> "CallScript":
        """The controller dies; another one resumes from the stored state."""
        stored = json.loads(json.dumps(self.conversation.state()))
        self.conversation = Conversation.resume(stored, self.directory, self.chain)
        assert json.loads(json.dumps(self.conversation.state())) == stored
        return self._done(self.conversation.resumed(self.now))

    def _done(self, steps: list[Step]) -> "CallScript":
        self.steps = steps
        return self

    def hears(self, *parts: str) -> "CallScript":
        """Something is said that contains every part."""
        for part in parts:
            assert part.lower() in self.said.lower(), f"{part!r} is not in {self.said!r}"
        return self

    @property
    def said(self) -> str:
        spoken = [step.text for step in self.steps if isinstance(step, Say)]
        spoken += [step.meanwhile for step in self.steps if isinstance(step, Transfer)]
        return " ".join(spoken)

    @property
    def decision(self) -> Decision:
        return next(step.decision for step in self.steps if isinstance(step, Decided))

    def is_connected_to(self, target_id: str) -> Transfer:
        step = self.steps[-1]
        assert isinstance(step, Transfer), self.steps
        assert step.target_id == target_id
        return step

    def leaves(self) -> SaveMessage:
        return next(step for step in self.steps if isinstance(step, SaveMessage))

    def hangs_up(self) -> HangUp:
        step = self.steps[-1]
        assert isinstance(step, HangUp), self.steps
        return step

    def falls_back(self) -> FallBack:
        step = self.steps[-1]
        assert isinstance(step, FallBack), self.steps
        return step
