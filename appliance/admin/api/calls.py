"""Calls over the API: a list with filters, one call with all its parts, its events."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from appliance.admin.call_queries import CallFilter, CallLine, call_exists, events_after, list_calls
from appliance.admin.fields import CallId, Limit, Line, Model, Time
from appliance.admin.pagination import Page, PageQuery, time_cursor
from appliance.admin.problems import not_found
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, api, may
from appliance.admin.visit import Visit
from appliance.calls.decision import Priority
from appliance.calls.events import Outcome
from appliance.events.reader import CallRecord, call_record


class _FromRow(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class CallOut(_FromRow):
    """A call. What is not known yet is null; ``outcome`` and ``ended_at`` while it goes on."""

    call_id: str
    first_event_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    did: str | None
    caller_number: str | None
    caller_name: str | None = Field(description="as the caller's side sent it: hostile text")
    controller: str | None
    outcome: str | None
    cause: str | None
    how: str | None = Field(description="how it ended, a sentence for people")
    talked_ms: int | None
    times_resumed: int


class CallLineOut(CallOut):
    """A line of the list."""

    priority: Priority
    wanted: str = Field(description="whom the caller was last connected to, or was to be")

    @classmethod
    def of(cls, line: CallLine) -> Self:
        """From a row of the list."""
        call = CallOut.model_validate(line.call).model_dump()
        return cls(**call, priority=line.priority, wanted=line.wanted)


class TurnOut(_FromRow):
    """Something said or keyed; times in milliseconds of audio since the answer."""

    seq: int
    at: datetime
    turn: int
    speaker: str
    text: str
    source: str
    started_ms: int
    ended_ms: int
    confidence: float
    interrupted: bool
    delays_ms: dict[str, float]
    model: str


class DecisionOut(_FromRow):
    """A decision; ``decision`` is all of it, with every policy's verdict."""

    seq: int
    at: datetime
    turn: int
    heard: str
    intent: str
    action: str
    target_id: str | None
    priority: str
    confidence: float
    took_ms: float
    model: str
    directory_version: str
    decision: dict[str, Any]


class TransferOut(_FromRow):
    """An attempt to connect the caller; ``result`` is null while the desk rings."""

    transfer: int
    target_id: str | None
    target_name: str | None
    extensions: list[str] | None
    mode: str | None
    announcement: str | None
    started_at: datetime | None
    ended_at: datetime | None
    result: str | None
    cause: str | None
    took_ms: int | None


class MessageOut(_FromRow):
    """A message that the caller left."""

    at: datetime
    target_id: str
    target_name: str
    caller_name: str
    callback_number: str
    text: str
    urgent: bool


class CallRecordOut(BaseModel):
    """One call whole, each part in the order it happened."""

    call: CallOut
    turns: list[TurnOut]
    decisions: list[DecisionOut]
    transfers: list[TransferOut]
    messages: list[MessageOut]

    @classmethod
    def of(cls, record: CallRecord) -> Self:
        """From what the reader found."""
        return cls(
            call=CallOut.model_validate(record.call),
            turns=[TurnOut.model_validate(turn) for turn in record.turns],
            decisions=[DecisionOut.model_validate(item) for item in record.decisions],
            transfers=[TransferOut.model_validate(item) for item in record.transfers],
            messages=[MessageOut.model_validate(item) for item in record.messages],
        )


class EventOut(_FromRow):
    """Something that happened in a call; ``data`` depends on ``kind``."""

    event_id: UUID
    call_id: str
    seq: int
    at: datetime
    kind: str
    data: dict[str, Any]


class CallsQuery(PageQuery):
    """Filters; all that are given have to hold."""

    after: Time | None = Field(default=None, description="calls that began then or later")
    before: Time | None = Field(default=None, description="calls that began earlier")
    number: Line = Field(default="", description="digits of the caller's number or of the DID")
    outcome: Outcome | None = None
    going_on: bool = Field(default=False, description="only calls that are not over")


class EventsQuery(Model):
    """Where to go on in a call's events."""

    after_seq: int = Field(default=0, ge=0, le=2**31 - 1)
    limit: Limit = 100


class CallParams(Model):
    """A call."""

    call_id: CallId


class EventList(BaseModel):
    """Events of a call in order. ``next_after_seq`` is null when there are no more yet."""

    items: list[EventOut]
    next_after_seq: int | None


async def list_(visit: Visit) -> Answer:
    """Calls, the newest first."""
    query: CallsQuery = visit.query
    wanted = CallFilter(
        after=query.after, before=query.before, number=query.number, outcome=query.outcome,
        going_on=query.going_on,
    )  # fmt: skip
    after = time_cursor(query.cursor)
    lines, following = await visit.database(
        lambda db: list_calls(db, visit.who.organisation_id, wanted, query.limit, after)
    )
    return Page[CallLineOut](items=[CallLineOut.of(line) for line in lines], next_cursor=following)


async def get(visit: Visit) -> Answer:
    """One call."""
    who, call_id = visit.who, visit.params.call_id
    database = visit.services.threads.database
    record = await visit.run(lambda: call_record(database, str(who.organisation_id), call_id))
    if record is None:
        raise not_found("call")
    return CallRecordOut.of(record)


async def events(visit: Visit) -> Answer:
    """A call's events."""
    who, call_id, query = visit.who, visit.params.call_id, visit.query
    rows, known = await visit.database(
        lambda db: (
            events_after(db, who.organisation_id, call_id, query.after_seq, query.limit),
            call_exists(db, who.organisation_id, call_id),
        )
    )
    if not rows and not known:
        raise not_found("call")
    more = rows[-1].seq if len(rows) == query.limit else None
    return EventList(items=[EventOut.model_validate(row) for row in rows], next_after_seq=more)


ROUTES = (
    api(
        "GET", "/calls", "api_calls", list_, may(Permission.CALLS_READ), query=CallsQuery,
        response=Page[CallLineOut], tag="Calls", summary="List calls",
    ),
    api(
        "GET", "/calls/{call_id}", "api_call", get, may(Permission.CALLS_READ), params=CallParams,
        response=CallRecordOut, tag="Calls", audit="call.looked_at", object_kind="call",
        summary="One call with its turns, decisions, transfers and messages",
    ),
    api(
        "GET", "/calls/{call_id}/events", "api_call_events", events, may(Permission.EVENTS_READ),
        params=CallParams, query=EventsQuery, response=EventList, tag="Events",
        audit="call.looked_at", object_kind="call", summary="What happened in a call, in order",
    ),
)  # fmt: skip
