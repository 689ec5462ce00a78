"""A language model's proposal about one turn, from any server with OpenAI's chat endpoint."""

import json
import re
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from rapidfuzz import fuzz

from appliance.calls.decision import Intent
from appliance.calls.directory import Directory, Target
from appliance.calls.errors import InferenceError
from appliance.decisions.spoken import with_digits
from appliance.inference.client import InferenceClient

_PATH = "/v1/chat/completions"
_LONGEST_TURN = 400
_LONGEST_NAME = 60
_LONGEST_RAW = 2000
_MOST_TOKENS = 128  # room for the longest name, a token for each character
_PRIORITIES = ("low", "normal", "high")
# Everything a chat template could take for one of its marks.
_NOT_SPOKEN = re.compile(r"[^\w\s,.?!'@+-]")

STARTER_INTENTS = tuple(intent.value for intent in Intent)
"""The words the starter decider was trained on."""


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
        raw: the model's whole answer, for the record.
        model: what the server says it is.
        took_ms: the request, from sent to parsed.
    """

    intent: str
    target: str | None
    priority: str
    raw: str
    model: str
    took_ms: float


class ProposalRefusedError(InferenceError):
    """The model answered, with something that cannot be accepted.

    Attributes:
        raw: its answer, for the record.
    """

    code = "inference.proposal_refused"
    retryable = False

    def __init__(self, message: str, raw: str) -> None:
        super().__init__(message)
        self.raw = raw[:_LONGEST_RAW]


class LanguageModel(Protocol):
    """Proposes; never decides."""

    def propose(self, request: ProposalRequest) -> Proposal:
        """Ask about one turn.

        Raises:
            InferenceError: no answer, or too late.
            ProposalRefusedError: an answer that names what the directory or the intents lack.
        """
        ...


class HttpLanguageModel:
    """A `LanguageModel` behind ``/v1/chat/completions`` with a JSON schema.

    Args:
        model: sent along for servers that run several.
        intents: the words the model may choose from.
        instructions: put before the directory, for models that were not trained for this.
        history_lines: how many lines of what was said before are sent; the starter decider was
            trained on single turns and gets none.
        most_targets: of a larger directory, only the likeliest names are sent.
    """

    def __init__(
        self,
        client: InferenceClient,
        *,
        model: str = "",
        intents: tuple[str, ...] = STARTER_INTENTS,
        instructions: str = "",
        history_lines: int = 0,
        most_targets: int = 24,
        timeout_s: float = 2.0,
    ) -> None:
        self._client = client
        self._model = model or "default"
        self._intents = intents
        self._instructions = instructions
        self._history_lines = history_lines
        self._most_targets = most_targets
        self._timeout_s = timeout_s

    def propose(self, request: ProposalRequest) -> Proposal:
        """See `LanguageModel.propose`."""
        started = time.monotonic()
        turn = turn_text(request.text)
        targets = _likeliest(request.directory.targets(), turn, self._most_targets)
        names = _names(targets)
        reply = self._client.post_json(
            _PATH, self._body(request, turn, names, targets), self._timeout_s
        )
        raw, model = _answer(reply)
        fields = _checked(raw, names, self._intents)
        return Proposal(
            intent=fields["intent"],
            target=names.get(fields["target"]),
            priority=fields["priority"],
            raw=raw[:_LONGEST_RAW],
            model=model,
            took_ms=(time.monotonic() - started) * 1000,
        )

    def opening(self, request: ProposalRequest) -> list[dict[str, str]]:
        """The messages that every turn of a call begins with, for a server that reads them ahead.

        Empty when they differ from turn to turn: of a large directory only the likeliest are sent.
        """
        everybody = _likeliest(request.directory.targets(), "", sys.maxsize)
        if len(everybody) > self._most_targets:
            return []
        return [{"role": "system", "content": self._system(request, everybody)}]

    def _system(self, request: ProposalRequest, targets: list[Target]) -> str:
        return self._instructions + directory_text(request, targets)

    def _body(
        self,
        request: ProposalRequest,
        turn: str,
        names: Mapping[str, str],
        targets: list[Target],
    ) -> dict[str, Any]:
        system = self._system(request, targets)
        user = turn
        if self._history_lines and request.history:
            before = "\n".join(_spoken(line) for line in request.history[-self._history_lines :])
            user = f"{before}\n{turn}"
        return {
            "model": self._model,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": user},
            ],
            "temperature": 0,
            "max_tokens": _MOST_TOKENS,
            "response_format": {
                "type": "json_schema",
                "json_schema": {
                    "name": "proposal",
                    "strict": True,
                    "schema": proposal_schema(self._intents, names),
                },
            },
        }


def turn_text(text: str) -> str:
    """A turn as the model reads it: one line, numbers of several digits as digits.

    The starter decider finds an extension by its digits; written out, a number is a name like any.
    """
    return " ".join(with_digits(_spoken(text).split()))[:_LONGEST_TURN]


def directory_text(request: ProposalRequest, targets: Iterable[Target]) -> str:
    """The directory as the model reads it: whether it is open, then a line for each name.

    The same directory always gives the same text, so that a server can keep what it made of it.
    """
    state = "open" if request.open_now else "closed"
    lines = [f"{state} {_spoken(request.hours_text)}"]
    lines += [f"{target.extensions[0]} {_written(target)}" for target in targets]
    return "\n".join(lines) + "\n"


def proposal_schema(intents: Iterable[str], names: Iterable[str]) -> dict[str, Any]:
    """What an answer must look like. The order is the one the model writes in.

    There is no sentence to say in it: what callers hear is rendered by code, from facts.
    """
    return {
        "type": "object",
        "properties": {
            "intent": {"type": "string", "enum": list(intents)},
            "target": {"enum": [*names, None]},
            "priority": {"type": "string", "enum": list(_PRIORITIES)},
        },
        "required": ["intent", "target", "priority"],
        "additionalProperties": False,
    }


def _spoken(text: str) -> str:
    """One line of lower-case words, without anything a prompt is made of."""
    return " ".join(_NOT_SPOKEN.sub(" ", text.lower()).split())


def _written(target: Target) -> str:
    return _spoken(target.name)[:_LONGEST_NAME].strip()


def _names(targets: Iterable[Target]) -> dict[str, str]:
    """Names as the model reads them, and as the directory writes them; the first of equals wins."""
    names: dict[str, str] = {}
    for target in targets:
        if written := _written(target):
            names.setdefault(written, target.name)
    return names


def _likeliest(targets: Iterable[Target], turn: str, most: int) -> list[Target]:
    """At most ``most`` targets, those nearest to what was said, in the directory's order."""
    everybody = [t for t in targets if t.extensions and _written(t)]
    if len(everybody) <= most:
        return everybody
    scores = {
        id(target): max(
            fuzz.token_set_ratio(_spoken(said), turn)
            for said in (target.name, *target.aliases, *getattr(target, "topics", ()))
        )
        for target in everybody
    }
    chosen = sorted(everybody, key=lambda target: -scores[id(target)])[:most]
    kept = {id(target) for target in chosen}
    return [target for target in everybody if id(target) in kept]


def _answer(reply: Any) -> tuple[str, str]:
    """The text of the first choice, and the model's name."""
    try:
        raw = reply["choices"][0]["message"]["content"]
        model = str(reply.get("model", ""))[:200]
    except (LookupError, TypeError, AttributeError) as error:
        raise InferenceError("the chat reply has no answer in it") from error
    if not isinstance(raw, str) or not raw.strip():
        raise InferenceError("the language model answered nothing")
    return raw, model


def _checked(raw: str, names: Mapping[str, str], intents: tuple[str, ...]) -> dict[str, Any]:
    """The answer's fields, when each is one that was offered."""
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ProposalRefusedError("the answer is not JSON", raw) from error
    if not isinstance(fields, dict):
        raise ProposalRefusedError("the answer is not the object that was asked for", raw)
    if fields.get("intent") not in intents:
        raise ProposalRefusedError("the answer has an intent that was not offered", raw)
    if fields.get("priority") not in _PRIORITIES:
        raise ProposalRefusedError("the answer has a priority that was not offered", raw)
    target = fields.setdefault("target", None)
    if target is not None and (not isinstance(target, str) or target not in names):
        raise ProposalRefusedError("the answer names somebody who is not in the directory", raw)
    return fields
