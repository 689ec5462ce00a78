"""What happens in calls, told in the log: a line an event, without anybody's words or numbers."""

from collections.abc import Mapping
from typing import Any

import structlog

from appliance.calls.events import (
    CallEnded,
    CallResumed,
    CallStarted,
    DecisionMade,
    EngineChanged,
    Event,
    LegEnded,
    MediaLost,
    MessageTaken,
    OrderAnswered,
    RecordingStarted,
    StageFailed,
    TransferEnded,
    TransferStarted,
    TurnTaken,
)

log = structlog.get_logger(__name__)

# Named one by one: a field that is added to an event stays out of the log until somebody has
# thought about it.
_TOLD: Mapping[type[Event], tuple[str, ...]] = {
    CallStarted: ("controller", "did", "sample_rate_hz"),
    CallResumed: ("controller", "reason"),
    RecordingStarted: ("part",),
    MediaLost: ("silent_ms",),
    TurnTaken: ("turn", "speaker", "source", "confidence", "interrupted", "delays_ms", "model"),
    StageFailed: ("stage", "fallback"),
    EngineChanged: ("stage", "before", "after", "step"),
    TransferStarted: ("transfer", "mode", "extensions"),
    TransferEnded: ("transfer", "result", "cause", "took_ms"),
    LegEnded: ("leg_id", "role", "cause"),
    MessageTaken: ("urgent",),
    OrderAnswered: ("verb", "done"),
    CallEnded: ("outcome", "cause", "talked_ms"),
}
_OF_DECISIONS = ("intent", "action", "priority", "confidence", "took_ms", "model")


def tell(event: Event) -> None:
    """Log an event; those that are nothing but words or state are passed over."""
    if isinstance(event, DecisionMade):
        facts: dict[str, Any] = {name: event.decision.get(name) for name in _OF_DECISIONS}
        facts["turn"] = event.turn
    elif type(event) in _TOLD:
        facts = {name: getattr(event, name) for name in _TOLD[type(event)]}
    else:
        return
    log.info(event.kind, call_id=event.call_id, **facts)
