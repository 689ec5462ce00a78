"""Calls over the API: a list with filters, one call with all its parts, its events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from appliance.admin.annotations import labels_of, notes_of
from appliance.admin.call_filters import CallFilter, FilterQuery
from appliance.admin.call_queries import (
    CallLine,
    Found,
    Snippet,
    call_exists,
    events_after,
    find_calls,
    lines_of,
)
from appliance.admin.fields import CallId, Limit, Model
from appliance.admin.pagination import Page, PageQuery
from appliance.admin.problems import not_found
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, api, may
from appliance.admin.visit import Visit
from appliance.calls.decision import Priority
from appliance.events.reader import CallRecord, call_record
from appliance.storage.report_models import CallNote


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


class PieceOut(BaseModel):
    """A piece of text, and whether it was searched for."""

    text: str
    found: bool


class SnippetOut(BaseModel):
    """The turn that fits a search best. Joined, its pieces are text and never markup."""

    turn: int
    speaker: str
    pieces: list[PieceOut]

    @classmethod
    def of(cls, snippet: Snippet) -> Self:
        """From what was found."""
        pieces = [PieceOut(text=piece.text, found=piece.found) for piece in snippet.pieces]
        return cls(turn=snippet.turn, speaker=snippet.speaker, pieces=pieces)


class CallLineOut(CallOut):
    """A line of the list."""

    priority: Priority
    labels: list[str]
    wanted: str = Field(description="whom the caller was last connected to, or was to be")
    snippet: SnippetOut | None = Field(description="of a search, where a turn holds its words")

    @classmethod
    def of(cls, line: CallLine) -> Self:
        """From a row of the list."""
        call = CallOut.model_validate(line.call).model_dump()
        snippet = SnippetOut.of(line.snippet) if line.snippet else None
        return cls(
            **call, priority=line.priority, labels=list(line.labels), wanted=line.wanted,
            snippet=snippet,
        )  # fmt: skip


class TurnOut(_FromRow):
    """Something said or keyed; times in milliseconds of audio since its part of the call began."""

    seq: int
    at: datetime
    turn: int
    speaker: str
    text: str
    source: str
    part: int = Field(description="of the call, counted from 1: the recording it is heard in")
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


class NoteOut(_FromRow):
    """What somebody wrote about a call."""

    id: UUID
    at: datetime
    author: str
    text: str


class CallRecordOut(BaseModel):
    """One call whole, each part in the order it happened."""

    call: CallOut
    labels: list[str]
    notes: list[NoteOut]
    turns: list[TurnOut]
    decisions: list[DecisionOut]
    transfers: list[TransferOut]
    messages: list[MessageOut]

    @classmethod
    def of(cls, record: CallRecord, labels: Sequence[str], notes: Sequence[CallNote]) -> Self:
        """From what the reader found."""
        return cls(
            call=CallOut.model_validate(record.call),
            labels=list(labels),
            notes=[NoteOut.model_validate(note) for note in notes],
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


class CallPage(Page[CallLineOut]):
    """A page of calls."""

    ranked_since: datetime | None = Field(
        description="when the oldest call began that a search looked at for the best, where more "
        "calls fit than can be ranked; sort=newest goes through all of them"
    )


class CallsQuery(PageQuery, FilterQuery):
    """A page of the calls that fit."""


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
    """Calls, the newest first, or those that fit a search best."""
    query: CallsQuery = visit.query
    lines, found = await listed(visit, CallFilter.of(query), query)
    return CallPage(
        items=[CallLineOut.of(line) for line in lines], next_cursor=found.following,
        ranked_since=found.ranked_since,
    )  # fmt: skip


async def listed(
    visit: Visit, wanted: CallFilter, query: PageQuery
) -> tuple[list[CallLine], Found]:
    """A page of calls. A search shows what callers said, so it is noted in the audit log."""

    def look(db: Session) -> tuple[list[CallLine], Found]:
        found = find_calls(db, wanted, query.limit, query.cursor)
        lines = lines_of(db, visit.who.organisation_id, found.ids, wanted)
        if wanted.words:
            visit.trace.write(
                db, visit.now, action="calls.searched", object_kind="calls", object_id="",
                after={"words": wanted.words, "shown": len(lines)},
            )  # fmt: skip
        return lines, found

    return await visit.database(look)


async def get(visit: Visit) -> Answer:
    """One call."""
    record = await record_of(visit)
    organisation, call_id = visit.who.organisation_id, visit.params.call_id
    labels, notes = await visit.database(
        lambda db: (labels_of(db, organisation, call_id), notes_of(db, organisation, call_id))
    )
    return CallRecordOut.of(record, labels, notes)


async def record_of(visit: Visit) -> CallRecord:
    """The call that the path names, whole.

    Raises:
        Problem: there is no such call.
    """
    who, call_id = visit.who, visit.params.call_id
    database = visit.services.threads.database
    record = await visit.run(lambda: call_record(database, str(who.organisation_id), call_id))
    if record is None:
        raise not_found("call")
    return record


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
        response=CallPage, tag="Calls",
        summary="List calls, or search what was said in them",
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
