"""Events as live pages show them: short, in words, and nothing that pages do not show."""

from collections.abc import Callable, Mapping
from typing import Any

from appliance.storage.call_models import Event

Happening = dict[str, Any]
"""What a page is told: ``kind``, ``call``, ``seq``, ``at`` (ISO 8601), and what the kind has."""

_LONGEST = 2000
_LAST_WORDS = ("decided", "refused")
_SAYING = "appliance: "
Data = Mapping[str, Any]


def happening_of(event: Event) -> Happening | None:
    """An event for pages; None for one that they do not show."""
    shorten = _KINDS.get(event.kind)
    if shorten is None:
        return None
    return {
        "kind": event.kind,
        "call": event.call_id,
        "seq": event.seq,
        "at": event.at.isoformat(timespec="milliseconds"),
        **shorten(event.data),
    }


def _text(data: Data, name: str) -> str:
    value = data.get(name)
    return value[:_LONGEST] if isinstance(value, str) else ""


def _started(data: Data) -> Happening:
    return {
        "name": _text(data, "caller_name"),
        "number": _text(data, "caller_number"),
        "did": _text(data, "did"),
        "controller": _text(data, "controller"),
    }


def _resumed(data: Data) -> Happening:
    return {"controller": _text(data, "controller")}


def _words(data: Data) -> Happening:
    return {"text": _text(data, "text")}


def _turn(data: Data) -> Happening:
    return {
        "turn": data.get("turn", 0),
        "speaker": _text(data, "speaker"),
        "text": _text(data, "text"),
        "keyed": data.get("source") == "dtmf",
        "cut": bool(data.get("interrupted")),
        "delays": dict(data.get("delays_ms") or {}),
    }


def _decision(data: Data) -> Happening:
    decision: Data = data.get("decision") or {}
    reasons = [
        str(verdict.get("reason", ""))
        for verdict in decision.get("verdicts", ())
        if verdict.get("verdict") in _LAST_WORDS
    ]
    return {
        "action": _text(decision, "action"),
        "intent": _text(decision, "intent"),
        "priority": _text(decision, "priority") or "normal",
        "reason": reasons[-1][:_LONGEST] if reasons else "",
        "confidence": decision.get("confidence", 0.0),
        "took_ms": decision.get("took_ms", 0.0),
    }


def _saved(data: Data) -> Happening:
    """What the appliance knows now; what it is saying, which is a turn once it has been said."""
    state: Data = data.get("state") or {}
    history = state.get("history") or []
    last = str(history[-1]) if history else ""
    return {
        "saying": last.removeprefix(_SAYING) if last.startswith(_SAYING) else "",
        "name": _text(state, "caller_name"),
        "topic": _text(state, "topic"),
        "priority": _text(state, "priority") or "normal",
    }


def _transfer(data: Data) -> Happening:
    return {
        "transfer": data.get("transfer", 0),
        "target": _text(data, "target_name"),
        "extensions": [str(number) for number in data.get("extensions") or ()],
        "mode": _text(data, "mode"),
        "announcement": _text(data, "announcement"),
    }


def _transferred(data: Data) -> Happening:
    return {
        "transfer": data.get("transfer", 0),
        "result": _text(data, "result"),
        "took_ms": data.get("took_ms", 0),
    }


def _failed(data: Data) -> Happening:
    return {"stage": _text(data, "stage"), "fallback": _text(data, "fallback")}


def _engine(data: Data) -> Happening:
    return {
        "stage": _text(data, "stage"), "after": _text(data, "after"), "step": _text(data, "step"),
    }  # fmt: skip


def _message(data: Data) -> Happening:
    return {
        "target": _text(data, "target_name"),
        "text": _text(data, "text"),
        "urgent": bool(data.get("urgent")),
    }


def _order(data: Data) -> Happening:
    return {
        "verb": _text(data, "verb"),
        "by": _text(data, "given_by"),
        "done": bool(data.get("done")),
        "words": _text(data, "words"),
    }


def _lost(data: Data) -> Happening:
    return {"silent_ms": data.get("silent_ms", 0)}


def _ended(data: Data) -> Happening:
    return {"outcome": _text(data, "outcome"), "how": _text(data, "how")}


_KINDS: dict[str, Callable[[Data], Happening]] = {
    "call_started": _started,
    "call_resumed": _resumed,
    "media_lost": _lost,
    "words_heard": _words,
    "turn_taken": _turn,
    "decision_made": _decision,
    "conversation_saved": _saved,
    "stage_failed": _failed,
    "engine_changed": _engine,
    "transfer_started": _transfer,
    "transfer_ended": _transferred,
    "message_taken": _message,
    "order_answered": _order,
    "call_ended": _ended,
}
