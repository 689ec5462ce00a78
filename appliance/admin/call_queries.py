"""Reading calls for the list and the search; one call whole comes from ``events.reader``.

Everything blocks. Rows are found by the database's function ``appliance_find_calls``; its migration
says why.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from appliance.admin.call_filters import CallFilter, Sort
from appliance.admin.highlights import START, STOP, Piece, marked
from appliance.admin.pagination import cut, encode_cursor, time_cursor
from appliance.admin.problems import wrong_value
from appliance.calls.decision import Priority
from appliance.storage import call_models as models
from appliance.storage.models import Did
from appliance.storage.report_models import CallListing

_PRIORITIES = tuple(Priority)
_FIND = text("SELECT call_id, at, rank FROM appliance_find_calls(CAST(:wanted AS jsonb), :at_most)")
# The words of a query may be spread over turns, so any of them makes a turn worth showing.
_SNIPPETS = text(
    r"""
    WITH q AS (
        SELECT q AS everything,
               regexp_replace(q::text, '&|<(->|\d+>)', '|', 'g')::tsquery AS anything
        FROM websearch_to_tsquery('public.appliance_words', :words) AS q
    ), best AS (
        SELECT DISTINCT ON (call_id) call_id, turn, speaker,
               translate(left(text, 10000), :marks, '') AS text
        FROM turns, q
        WHERE organisation_id = :organisation AND call_id = ANY(:ids)
        ORDER BY call_id,
                 ts_rank(to_tsvector('public.appliance_words', left(text, 10000)), anything) DESC,
                 seq
    )
    SELECT call_id, turn, speaker,
           ts_headline('public.appliance_words', text, anything, :options)
    FROM best, q
    """
)
_HEADLINE = f"StartSel={START}, StopSel={STOP}, MaxWords=24, MinWords=12"


@dataclass(frozen=True, slots=True)
class Snippet:
    """The turn of a call that fits a search best, with the words that were found marked."""

    turn: int
    speaker: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLine:
    """A line of the list: the call's row, and what its decisions and transfers say in short.

    Attributes:
        wanted: whom the caller was last connected to, or was to be; empty when nobody.
        heard: what the first decision was made on.
        snippet: of a search; None when the words are in no turn, or nothing was searched for.
    """

    call: models.Call
    priority: Priority
    labels: tuple[str, ...]
    wanted: str
    heard: str
    snippet: Snippet | None = None


class _Hit(NamedTuple):
    call_id: str
    at: datetime
    rank: float


class Found(NamedTuple):
    """Ids of a page of calls in their order.

    Attributes:
        following: cursor of the next page.
        ranked_since: when the oldest call began that was looked at for the best; None when all
            were.
    """

    ids: list[str]
    following: str | None
    ranked_since: datetime | None


def find_calls(session: Session, wanted: CallFilter, limit: int, cursor: str) -> Found:
    """A page of the calls that fit: the newest first, or those that fit a search best.

    The best are those of the newest thousand that fit. Phrases, and words that are left out, are
    looked for in ten thousand calls at once: of those the best are, and a page of the newest may
    hold fewer than were asked for, or none, and yet be followed by another.

    Raises:
        Problem: the cursor is none of ours.
    """
    asked = {**_asked(session, wanted), **_place(wanted, cursor)}
    rows = session.execute(_FIND, {"wanted": json.dumps(asked), "at_most": limit + 1})
    found = [_Hit(*row) for row in rows]
    hits = [hit for hit in found if hit.rank >= 0]
    stopped = next((hit for hit in found if hit.rank < 0), None)
    page, following = cut(hits, limit, lambda hit: _cursor(hit, wanted.ranked))
    ids = [hit.call_id for hit in page]
    if stopped is None or wanted.ranked:
        return Found(ids, following, stopped and stopped.at)
    return Found(ids, following or _cursor(stopped, ranked=False), None)


def _cursor(hit: _Hit, ranked: bool) -> str:
    return encode_cursor(hit.at, f"{hit.rank!r}:{hit.call_id}" if ranked else hit.call_id)


def _asked(session: Session, wanted: CallFilter) -> dict[str, Any]:
    digits = wanted.digits
    numbers = session.scalars(select(Did.number)) if digits else ()
    asked: Mapping[str, Any] = {
        "after": wanted.after and wanted.after.isoformat(),
        "before": wanted.before and wanted.before.isoformat(),
        "outcome": wanted.outcome and wanted.outcome.value,
        "going_on": wanted.going_on or None,
        "priority": None if wanted.priority is None else _PRIORITIES.index(wanted.priority),
        "target": wanted.target or None,
        "label": wanted.label or None,
        "digits": digits or None,
        "dids": [number for number in numbers if number.endswith(digits)] or None,
        "words": wanted.words or None,
        "sort": Sort.BEST.value if wanted.ranked else None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _place(wanted: CallFilter, cursor: str) -> dict[str, Any]:
    place = time_cursor(cursor)
    if place is None:
        return {}
    at, call_id = place
    if not wanted.ranked:
        return {"cursor_at": at.isoformat(), "cursor_id": call_id}
    rank, _, call_id = call_id.partition(":")
    try:
        return {"cursor_at": at.isoformat(), "cursor_id": call_id, "cursor_rank": _finite(rank)}
    except ValueError:
        raise wrong_value(
            "query.cursor", "Use a next_cursor as it came, or leave it out."
        ) from None


def _finite(text_of_rank: str) -> float:
    rank = float(text_of_rank)
    if not 0 <= rank <= 1e6:
        raise ValueError(rank)
    return rank


def lines_of(
    session: Session, organisation_id: UUID, ids: Sequence[str], wanted: CallFilter
) -> list[CallLine]:
    """The lines of calls, in the order of their ids."""
    if not ids:
        return []
    calls = select(models.Call, CallListing.priority, CallListing.labels).join(
        CallListing,
        (CallListing.organisation_id == models.Call.organisation_id)
        & (CallListing.call_id == models.Call.call_id),
    )
    calls = calls.where(
        models.Call.organisation_id == organisation_id, models.Call.call_id.in_(ids)
    )
    rows = {call.call_id: (call, rank, labels) for call, rank, labels in session.execute(calls)}
    heard = _heard(session, organisation_id, ids)
    targets = _targets(session, organisation_id, ids)
    found = _snippets(session, organisation_id, ids, wanted.words) if wanted.words else {}
    return [
        CallLine(
            call=rows[key][0], priority=_priority(rows[key][1]),
            labels=tuple(sorted(rows[key][2])), wanted=targets.get(key, ""),
            heard=heard.get(key, ""), snippet=found.get(key),
        )
        for key in ids
        if key in rows
    ]  # fmt: skip


def _priority(rank: int | None) -> Priority:
    return Priority.NORMAL if rank is None else _PRIORITIES[rank]


def _targets(session: Session, organisation_id: UUID, ids: Sequence[str]) -> dict[str, str]:
    query = (
        select(models.Transfer.call_id, models.Transfer.target_name)
        .where(models.Transfer.organisation_id == organisation_id, models.Transfer.call_id.in_(ids))
        .order_by(models.Transfer.call_id, models.Transfer.transfer)
    )
    return {call_id: name or "" for call_id, name in session.execute(query)}


def _heard(session: Session, organisation_id: UUID, ids: Sequence[str]) -> dict[str, str]:
    query = (
        select(models.Decision.call_id, models.Decision.heard)
        .where(models.Decision.organisation_id == organisation_id, models.Decision.call_id.in_(ids))
        .order_by(models.Decision.call_id, models.Decision.seq.desc())
    )
    return {row.call_id: row.heard for row in session.execute(query)}


def _snippets(
    session: Session, organisation_id: UUID, ids: Sequence[str], words: str
) -> dict[str, Snippet]:
    found = session.execute(
        _SNIPPETS,
        {
            "words": words, "marks": START + STOP, "organisation": organisation_id,
            "ids": list(ids), "options": _HEADLINE,
        },
    )  # fmt: skip
    snippets = {
        call_id: Snippet(turn, speaker, marked(headline))
        for call_id, turn, speaker, headline in found
    }
    return {key: one for key, one in snippets.items() if any(p.found for p in one.pieces)}


def events_after(
    session: Session, organisation_id: UUID, call_id: str, after_seq: int, limit: int
) -> Sequence[models.Event]:
    """Events of a call in order, those after ``after_seq``."""
    query = (
        select(models.Event)
        .where(
            models.Event.organisation_id == organisation_id, models.Event.call_id == call_id,
            models.Event.seq > after_seq,
        )
        .order_by(models.Event.seq)
        .limit(limit)
    )  # fmt: skip
    return session.scalars(query).all()


def recordings_of(session: Session, organisation_id: UUID, ids: Sequence[str]) -> list[str]:
    """The files of calls' recordings, in the order of their ids and then of their parts."""
    query = (
        select(models.Recording.call_id, models.Recording.path)
        .where(
            models.Recording.organisation_id == organisation_id, models.Recording.call_id.in_(ids)
        )
        .order_by(models.Recording.seq)
    )  # fmt: skip
    place = {call_id: number for number, call_id in enumerate(ids)}
    rows = sorted(session.execute(query), key=lambda row: place[row.call_id])
    return [row.path for row in rows]


def call_exists(session: Session, organisation_id: UUID, call_id: str) -> bool:
    """Whether the organisation has such a call."""
    query = select(func.count()).where(
        models.Call.organisation_id == organisation_id, models.Call.call_id == call_id
    )
    return bool(session.scalar(query))
