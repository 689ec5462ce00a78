"""A decider made of rules, behind the same protocol as a language model.

It answers while the language model is loading or broken. It reads what the model would be sent:
the directory in the system message and the caller's turn in the last user message.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from appliance.inference.config import EngineOptions
from appliance.inference.protocols import (
    Cancellation,
    ChatPiece,
    ChatRequest,
)

# In order: the first that matches wins.
_INTENTS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (intent, re.compile(rf"\b(?:{words})\b"))
    for intent, words in (
        (
            "emergency",
            "emergency|ambulance|fire|not breathing|heart attack|bleeding|unconscious|call the "
            "police|smell gas|collapsed",
        ),
        ("repeat", "repeat|say that again|say it again|pardon|did not catch|come again"),
        ("message", "message|voice ?mail|call(?: me)? back|callback|ring me|return my call"),
        ("appointment", "appointment|book|schedule|reschedule|reservation"),
        ("hours", "hours|what time|when do you|are you open|are you closed|open on|opening"),
        ("operator", "operator|human|real person|agent|representative|somebody|reception(?:ist)?"),
        ("goodbye", "goodbye|bye|that is all|that's all|nothing else"),
        ("confirm_yes", "yes|yeah|yep|correct|sure|that's right|that is right|go ahead"),
        ("confirm_no", "no|nope|wrong|incorrect"),
        ("smalltalk", "hello|hi|good (?:morning|afternoon|evening)|how are you|robot|thank you"),
    )
)
_URGENT = re.compile(r"\b(?:urgent|urgently|immediately|right away|as soon as possible)\b")
_RELAXED = re.compile(r"\b(?:no rush|no hurry|not urgent|it can wait|whenever)\b")
_ENTRY = re.compile(r"^[0-9]{2,8} +(\S.*)$", re.MULTILINE)
_TITLES = frozenset({"the", "doctor", "mister", "missus", "miss", "department", "team"})


class RuleBasedChat:
    """Keyword rules; needs no model and cannot fail to load."""

    def __init__(self, options: EngineOptions) -> None:
        del options
        self.name = "rules"

    def load(self) -> None:
        """Nothing to read."""

    def chat(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[ChatPiece]:
        """Yield one JSON object with ``intent``, ``target`` and ``priority``."""
        cancellation.check()
        system = "\n".join(m.content for m in request.messages if m.role == "system")
        user = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
        yield ChatPiece(json.dumps(propose(system, user, _intents_of(request.schema))))
        yield ChatPiece("", "stop")


def propose(directory: str, turn: str, intents: frozenset[str] | None = None) -> dict[str, Any]:
    """The rules' proposal for a turn.

    Args:
        directory: lines of extension and name, as the language model is given them.
        intents: what may be answered; None for all.
    """
    said = " ".join(turn.lower().split())
    names = _ENTRY.findall(directory)
    target = _named(said, names)
    intent = next((name for name, pattern in _INTENTS if pattern.search(said)), "")
    if intent in ("", "operator", "smalltalk", "confirm_yes", "confirm_no") and target:
        intent = "transfer"
    if intents is not None and intent not in intents:
        intent = "transfer" if intent == "operator" and "transfer" in intents else "unknown"
    priority = "high" if intent == "emergency" or _URGENT.search(said) else "normal"
    if _RELAXED.search(said):
        priority = "low"
    return {"intent": intent, "target": target, "priority": priority}


def _named(said: str, names: list[str]) -> str | None:
    """The one name of the directory that the turn holds most words of; None when none or two."""
    words = set(re.findall(r"[\w']+", said))
    scores: dict[str, float] = {}
    for name in names:
        parts = [part for part in name.lower().split() if part not in _TITLES]
        score = sum(part in words for part in parts) / max(1, len(parts))
        if score > 0:
            scores[name] = score
    best = sorted(scores, key=lambda name: scores[name], reverse=True)
    if not best or (len(best) > 1 and scores[best[0]] == scores[best[1]]):
        return None
    return best[0]


def _intents_of(schema: Mapping[str, Any] | None) -> frozenset[str] | None:
    """The schema's enum for ``intent``, when it has one."""
    properties = (schema or {}).get("properties")
    intent = properties.get("intent") if isinstance(properties, dict) else None
    allowed = intent.get("enum") if isinstance(intent, dict) else None
    return frozenset(map(str, allowed)) if isinstance(allowed, list) else None
