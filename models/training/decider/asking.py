"""Asks the decider as the appliance does: through its engine, its prompt and its chain."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from appliance.calls.decision import Action, Decision
from appliance.calls.directory import Department, Directory, Person
from appliance.decisions.chain import DecisionChain
from appliance.decisions.context import TurnContext
from appliance.decisions.language_model import HttpLanguageModel, ProposalRequest
from appliance.decisions.policies import standard_policies
from appliance.decisions.text import plain
from appliance.decisions.wishes import WishModel
from appliance.inference.client import InferenceClient
from appliance.inference.config import EngineOptions
from appliance.inference.engines.llama_cpp import LlamaCppChat
from appliance.inference.protocols import Cancellation, ChatMessage, ChatRequest
from models.training.decider.prompts import target_of
from models.training.sentences import Entry

MOMENT = datetime(2026, 11, 18, 10, 30, tzinfo=UTC)
_FRONT_DESK = Department("front desk", "Switchboard", ("90",))


@dataclass(frozen=True)
class Answer:
    """What was made of a turn.

    Attributes:
        target: a directory name in lower case, or None.
        asked: nobody is moved; the caller is asked which of several, or whom.
        took_ms: for the model, or the whole chain.
    """

    intent: str
    target: str | None
    priority: str
    asked: bool
    took_ms: float


class EngineClient:
    """Answers what the model server would, from an engine in this process."""

    def __init__(self, model: Path) -> None:
        """Load ``model`` on one thread."""
        self._engine = LlamaCppChat(EngineOptions(model=str(model), threads=1))
        self._engine.load()

    def post_json(self, path: str, body: Mapping[str, Any], timeout_s: float) -> Any:
        """A chat completion, whatever the path; nothing in this process is waited for."""
        del path, timeout_s
        messages = tuple(ChatMessage(one["role"], one["content"]) for one in body["messages"])
        request = ChatRequest(
            messages,
            max_tokens=body["max_tokens"],
            temperature=body["temperature"],
            schema=body["response_format"]["json_schema"]["schema"],
        )
        pieces = self._engine.chat(request, Cancellation(float("inf")))
        content = "".join(piece.text for piece in pieces)
        return {"model": "decider", "choices": [{"message": {"content": content}}]}


class Asker:
    """The model alone, and the chain with or without it."""

    def __init__(self, model: Path | None, wishes: Path | None = None) -> None:
        """Use the decider in ``model`` and the wishes in ``wishes``; without both, rules alone."""
        client = cast(InferenceClient, EngineClient(model)) if model else None
        self._model = HttpLanguageModel(client) if client else None
        self._chain = DecisionChain(
            standard_policies(self._model, wishes=WishModel.load(wishes) if wishes else None)
        )

    def alone(self, directory: Directory, text: str) -> Answer:
        """The model's own proposal.

        Raises:
            ValueError: there is no model.
        """
        if self._model is None:
            raise ValueError("no model was given")
        proposal = self._model.propose(ProposalRequest(plain(text), directory))
        target = proposal.target.lower() if proposal.target else None
        return Answer(proposal.intent, target, proposal.priority, False, proposal.took_ms)

    def chained(self, directory: Directory, text: str) -> Answer:
        """What the whole chain decides."""
        decision = self.decide(directory, text)
        asked = decision.action is Action.CLARIFY
        found = None if asked else directory.target(decision.target_id)
        return Answer(
            decision.intent.value,
            found.name.lower() if found else None,
            decision.priority.value,
            asked,
            decision.took_ms,
        )

    def decide(self, directory: Directory, text: str) -> Decision:
        """The whole decision, with every policy's verdict."""
        return self._chain.decide(TurnContext(text, directory, MOMENT))


def directory_of(entries: Iterable[Entry]) -> Directory:
    """Entries as the appliance's directory, with a switchboard as operator."""
    targets = [target_of(entry) for entry in entries]
    return Directory(
        "",
        "Office",
        people=tuple(one for one in targets if isinstance(one, Person)),
        departments=(*(one for one in targets if isinstance(one, Department)), _FRONT_DESK),
        operator=_FRONT_DESK.id,
    )


def as_json(figures: Mapping[str, Any]) -> str:
    """Figures as they are committed."""
    return json.dumps(figures, indent=2, sort_keys=False) + "\n"
