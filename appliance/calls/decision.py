"""What was decided about one turn of the caller's, and why: plain data that can be stored whole."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Priority(StrEnum):
    """How urgent a call is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    EMERGENCY = "emergency"


class Intent(StrEnum):
    """What the caller wants with this turn. The starter decider's words, and ``operator``."""

    TRANSFER = "transfer"
    OPERATOR = "operator"
    MESSAGE = "message"
    HOURS = "hours"
    APPOINTMENT = "appointment"
    EMERGENCY = "emergency"
    REPEAT = "repeat"
    GOODBYE = "goodbye"
    SMALLTALK = "smalltalk"
    CONFIRM_YES = "confirm_yes"
    CONFIRM_NO = "confirm_no"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What the appliance may do about a turn. Nothing outside this list is ever carried out."""

    TRANSFER = "transfer"
    TAKE_MESSAGE = "take_message"
    ANSWER = "answer"
    CLARIFY = "clarify"
    REPEAT = "repeat"
    HANG_UP = "hang_up"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One policy's say in a decision.

    Attributes:
        policy: the policy's name.
        verdict: ``decided``, ``proposed``, ``passed``, ``refused`` or ``failed``.
        reason: one sentence for the operator's page.
        took_ms: time the policy took.
        detail: whatever explains it: candidates with scores, the model's raw answer.
    """

    policy: str
    verdict: str
    reason: str
    took_ms: float
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """The chain's answer to one turn.

    Attributes:
        heard: what was decided on, as transcribed or keyed.
        target_id: id of a target of the directory, or None.
        candidates: target ids to choose from when ``action`` is ``CLARIFY``.
        reply: a sentence to say, rendered by code from facts; may be empty.
        confidence: 0 to 1; under the chain's threshold the caller is asked, not moved.
        model: name and version of the language model that was asked; empty when none was.
        directory_version: the snapshot it was decided on.
        took_ms: the whole chain.
    """

    heard: str
    intent: Intent
    action: Action
    target_id: str | None = None
    candidates: tuple[str, ...] = ()
    priority: Priority = Priority.NORMAL
    labels: tuple[str, ...] = ()
    reply: str = ""
    confidence: float = 1.0
    verdicts: tuple[Verdict, ...] = ()
    model: str = ""
    directory_version: str = ""
    took_ms: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data, for the event log."""
        return asdict(self)
