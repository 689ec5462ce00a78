"""Events of a whole call, made up."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import func, select

from appliance.calls.decision import Action, Decision, Intent, Verdict
from appliance.calls.events import (
    CallEnded,
    CallStarted,
    ConversationSaved,
    DecisionMade,
    Event,
    LegEnded,
    MessageTaken,
    Outcome,
    Speaker,
    TransferEnded,
    TransferStarted,
    TurnTaken,
)
from appliance.storage import call_models as models
from appliance.storage.database import Database
from appliance.storage.models import Organisation


def count_events(database: Database, organisation_id: str) -> int:
    """How many events of an organisation the database has."""
    query = select(func.count()).where(models.Event.organisation_id == UUID(organisation_id))
    with database.session(organisation_id) as session:
        return session.scalar(query) or 0


def make_organisation(database: Database) -> str:
    """A new organisation; its id."""
    organisation_id = uuid4()
    with database.session(organisation_id) as session:
        session.add(Organisation(organisation_id=organisation_id, name="Somewhere"))
    return str(organisation_id)


def decision(heard: str) -> Decision:
    """A decision with the verdicts of a chain."""
    verdicts = tuple(
        Verdict(name, "passed", "nothing to say", 0.1, {"score": 0.5})
        for name in ("emergency", "hours", "directory", "model", "guard")
    )
    return Decision(
        heard=heard,
        intent=Intent.TRANSFER,
        action=Action.TRANSFER,
        target_id="t-1",
        confidence=0.9,
        verdicts=verdicts,
        model="decider 1",
        directory_version="v1",
        took_ms=3.5,
    )


def whole_call(organisation_id: str, call_id: str | None = None, **started: Any) -> list[Event]:
    """Eleven events: greeted, understood, transferred in vain, a message taken, hung up."""
    return list(_whole_call(organisation_id, call_id or str(uuid4()), started))


def _whole_call(organisation_id: str, call_id: str, started: dict[str, Any]) -> Iterator[Event]:
    base: dict[str, Any] = {"call_id": call_id, "organisation_id": organisation_id}
    facts = {"did": "+49301", "caller_number": "+49172", "caller_name": "Bob", **started}
    yield CallStarted(**base, seq=1, controller="one", **facts)
    yield TurnTaken(
        **base, seq=2, turn=1, speaker=Speaker.APPLIANCE, text="Hello.", source="prompt"
    )
    yield TurnTaken(
        **base, seq=3, turn=2, speaker=Speaker.CALLER, text="sales please", started_ms=900,
        ended_ms=1700, confidence=0.87, delays_ms={"endpoint": 310.0, "decide": 3.5}, model="w 1",
    )  # fmt: skip
    yield DecisionMade(**base, seq=4, turn=2, decision=decision("sales please").as_dict())
    yield TransferStarted(
        **base, seq=5, transfer=1, target_id="t-1", target_name="Sales", extensions=("201", "202"),
        mode="attended", leg_id=f"{call_id}-desk", announcement="Bob for sales",
    )  # fmt: skip
    yield ConversationSaved(**base, seq=6, state={"stage": "transferring", "turn": 2})
    yield LegEnded(
        **base, seq=7, leg_id=f"{call_id}-desk", role="desk", extension="201", cause="USER_BUSY"
    )
    yield TransferEnded(**base, seq=8, transfer=1, result="busy", cause="USER_BUSY", took_ms=812)
    yield MessageTaken(
        **base, seq=9, target_id="t-1", target_name="Sales", caller_name="Bob",
        callback_number="+49172", text="call me", urgent=True,
    )  # fmt: skip
    yield LegEnded(**base, seq=10, leg_id=call_id, role="caller", extension="", cause="NORMAL")
    yield CallEnded(
        **base, seq=11, outcome=Outcome.MESSAGE_TAKEN, cause="NORMAL_CLEARING", how="hung up",
        talked_ms=21_000,
    )  # fmt: skip
