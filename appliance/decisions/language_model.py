"""A language model's proposal about one turn, from any server with OpenAI's chat endpoint."""

from dataclasses import dataclass
from typing import Protocol

from appliance.calls.directory import Directory


@dataclass(frozen=True, slots=True)
class ProposalRequest:
    """What the model is asked.

    Attributes:
        text: the caller's turn, as transcribed.
        directory: whom the model may name.
        history: what was said before, oldest first, at most a few lines.
        open_now: whether the organisation takes calls at this moment.
        hours_text: today's hours as the directory text says them, "8 to 18".
    """

    text: str
    directory: Directory
    history: tuple[str, ...] = ()
    open_now: bool = True
    hours_text: str = "0 to 24"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the model answered, checked against the directory. It is a proposal and no more.

    Attributes:
        intent: one of `appliance.calls.decision.Intent`'s values.
        target: a name exactly as the directory writes it, or None.
        priority: ``low``, ``normal`` or ``high``.
        reply: a sentence, at most 120 characters; facts in it are not to be trusted.
        raw: the model's whole answer, for the record.
        model: what the server says it is.
        took_ms: the request, from sent to parsed.
    """

    intent: str
    target: str | None
    priority: str
    reply: str
    raw: str
    model: str
    took_ms: float


class LanguageModel(Protocol):
    """Proposes; never decides."""

    def propose(self, request: ProposalRequest) -> Proposal:
        """Ask about one turn.

        Raises:
            InferenceError: no answer, too late, or one that names what the directory lacks.
        """
        ...
