"""What a decision is made on: one turn of the caller's and everything around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from appliance.calls.decision import Priority
from appliance.calls.directory import Directory
from appliance.decisions.introduction import Introduction, introduction
from appliance.decisions.resolution import Resolution, resolve
from appliance.decisions.text import words_of


class Asked(StrEnum):
    """What the appliance asked last: it changes what "yes" and "the second" mean."""

    OPEN = "open"
    CHOICE = "choice"
    OFFER = "offer"
    ANYTHING_ELSE = "anything_else"
    DICTATION = "dictation"


@dataclass(frozen=True)
class TurnContext:
    """One turn.

    Attributes:
        text: what was heard, or the digits that were keyed.
        now: time-zone aware; opening hours are judged at this moment.
        confidence: the recogniser's, 0 to 1; 1 for keyed digits.
        keyed: the turn came from the keypad.
        candidates: target ids that were offered, in the order they were read out.
        keys: what single keys stand for now: digit to target id.
        priority: what the call has reached so far.
        history: what was said before, oldest first.
    """

    text: str
    directory: Directory
    now: datetime
    confidence: float = 1.0
    keyed: bool = False
    asked: Asked = Asked.OPEN
    candidates: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    priority: Priority = Priority.NORMAL
    history: tuple[str, ...] = ()

    @cached_property
    def plain(self) -> str:
        """The words with single spaces, lower case."""
        return " ".join(words_of(self.text))

    @cached_property
    def introduction(self) -> Introduction:
        """The caller's own name, and the request without it."""
        return introduction(self.plain)

    @property
    def request(self) -> str:
        """The words without the caller's introduction."""
        return self.introduction.rest

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The request's words."""
        return tuple(self.request.split())

    @cached_property
    def named(self) -> Resolution:
        """Whom the request names; among the offered candidates first, when some were offered."""
        if self.asked is Asked.CHOICE and self.candidates:
            offered = resolve(self.words, self.directory, self.candidates)
            anybody = resolve(self.words, self.directory)
            if offered.best and (
                not anybody.best or offered.best.score >= anybody.best.score - 0.06
            ):
                return offered
            return anybody
        return resolve(self.words, self.directory)

    @property
    def open_now(self) -> bool:
        """Whether the organisation takes calls."""
        return self.directory.hours.is_open(self.now)
