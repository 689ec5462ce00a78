"""The list of calls, and one call from ring to record."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from appliance.admin.call_queries import CallFilter, list_calls
from appliance.admin.fields import CallId, Line, Model, OptionalTime
from appliance.admin.pagination import PageQuery, time_cursor
from appliance.admin.problems import not_found
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit, see_other
from appliance.calls.events import Outcome
from appliance.events.reader import (
    CallRecord,
    DecisionRecord,
    TransferRecord,
    TurnRecord,
    call_record,
)

_LAST_WORDS = ("decided", "refused")


class CallsQuery(PageQuery):
    """The form of filters."""

    after: OptionalTime = None
    before: OptionalTime = None
    number: Line = ""
    outcome: Outcome | None = None


class CallParams(Model):
    """A call."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class Moment:
    """Something of the timeline: exactly one of the three is there.

    Attributes:
        decision: that the turn led to, where it did.
        reason: of the policy that had the last word in the decision.
    """

    at: datetime
    seq: int
    turn: TurnRecord | None = None
    transfer: TransferRecord | None = None
    decision: DecisionRecord | None = None

    @property
    def reason(self) -> str:
        """Why it was decided so, in the words of the policy that decided."""
        verdicts = self.decision.decision.get("verdicts", []) if self.decision else []
        reasons = [item["reason"] for item in verdicts if item["verdict"] in _LAST_WORDS]
        return reasons[-1] if reasons else ""


async def home(visit: Visit) -> Answer:
    """The first page there is for this role."""
    return see_other(visit.url("calls" if visit.who.may(Permission.CALLS_READ) else "account"))


async def show_list(visit: Visit) -> Answer:
    """The list."""
    query: CallsQuery = visit.query
    zone = ZoneInfo(visit.who.timezone)
    wanted = CallFilter(
        after=_in_zone(query.after, visit.request.query.get("after", ""), zone),
        before=_in_zone(query.before, visit.request.query.get("before", ""), zone),
        number=query.number, outcome=query.outcome,
    )  # fmt: skip
    after = time_cursor(query.cursor)
    lines, following = await visit.database(
        lambda db: list_calls(db, visit.who.organisation_id, wanted, query.limit, after)
    )
    filters = {
        name: value
        for name, value in visit.request.query.items()
        if name in CallsQuery.model_fields and name != "cursor" and value
    }
    return visit.page(
        "calls.html", lines=lines, filters=filters, outcomes=list(Outcome),
        following=str(visit.url("calls", {**filters, "cursor": following})) if following else "",
    )  # fmt: skip


async def show_call(visit: Visit) -> Answer:
    """One call; looking at it is noted in the audit log."""
    who, call_id = visit.who, visit.params.call_id
    database = visit.services.threads.database
    record = await visit.run(lambda: call_record(database, str(who.organisation_id), call_id))
    if record is None:
        raise not_found("call")
    return visit.page("call.html", record=record, call=record.call, timeline=timeline(record))


def timeline(record: CallRecord) -> list[Moment]:
    """Turns with their decisions, and transfers, as they happened."""
    decisions = {decision.turn: decision for decision in record.decisions}
    turns = {turn.turn for turn in record.turns}
    moments = [
        Moment(turn.at, turn.seq, turn=turn, decision=_of(turn, decisions)) for turn in record.turns
    ]
    moments += [
        Moment(decision.at, decision.seq, decision=decision)
        for decision in record.decisions
        if decision.turn not in turns
    ]
    moments += [
        Moment(transfer.started_at or record.call.first_event_at, transfer.seq, transfer=transfer)
        for transfer in record.transfers
    ]
    return sorted(moments, key=lambda moment: moment.seq)


def _of(turn: TurnRecord, decisions: dict[int, DecisionRecord]) -> DecisionRecord | None:
    return decisions.get(turn.turn)


def _in_zone(value: datetime | None, text: str, zone: ZoneInfo) -> datetime | None:
    """What a browser's field of date and time means: the organisation's time, without a zone."""
    if value is None:
        return None
    bare = datetime.fromisoformat(text.strip())
    return value if bare.tzinfo is not None else bare.replace(tzinfo=zone)


_LOOK: dict[str, Any] = {"object_kind": "call", "params": CallParams}
ROUTES = (
    page("GET", "/", "home", home, may(Permission.HEALTH_READ)),
    page("GET", "/calls", "calls", show_list, may(Permission.CALLS_READ), query=CallsQuery),
    page(
        "GET", "/calls/{call_id}", "call", show_call, may(Permission.CALLS_READ),
        audit="call.looked_at", **_LOOK,
    ),
)  # fmt: skip
