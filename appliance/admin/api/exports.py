"""Exports: the calls that fit some filters, or one call, as files."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from sqlalchemy.orm import Session

from appliance.admin.annotations import labels_of, notes_of
from appliance.admin.api.calls import CallLineOut, CallParams, CallRecordOut, record_of
from appliance.admin.archives import Archive
from appliance.admin.call_filters import CallFilter, FilterQuery, Sort
from appliance.admin.call_queries import CallLine, find_calls, lines_of, recordings_of
from appliance.admin.exports import LIST_HEADINGS, TURN_HEADINGS, csv_lines, list_row, turn_rows
from appliance.admin.recordings import RECORDINGS, Recordings
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, api, may
from appliance.admin.visit import Visit

_BATCH = 200
_MOST_CALLS = 100_000
_MOST_RECORDINGS = 200
_CSV = "text/csv"
_JSON = "application/json"
_ZIP = "application/zip"


async def list_csv(visit: Visit) -> Answer:
    """The calls that fit, a line each."""
    response = await _begin(visit, _CSV, "calls.csv")
    await response.write(csv_lines([LIST_HEADINGS]).encode())
    async for lines in _batches(visit, _MOST_CALLS):
        await response.write(csv_lines(list_row(line) for line in lines).encode())
    await response.write_eof()
    return response


async def list_json(visit: Visit) -> Answer:
    """The calls that fit, as the list has them."""
    response = await _begin(visit, _JSON, "calls.json")
    between = b'{"items":['
    async for lines in _batches(visit, _MOST_CALLS):
        for line in lines:
            await response.write(between + CallLineOut.of(line).model_dump_json().encode())
            between = b","
    await response.write((b"" if between == b"," else between) + b"]}")
    await response.write_eof()
    return response


async def list_audio(visit: Visit) -> Answer:
    """The newest recordings of calls that fit, in one archive."""
    recordings = visit.request.config_dict[RECORDINGS]
    response = await _begin(visit, _ZIP, "recordings.zip")
    archive, left = Archive(), _MOST_RECORDINGS
    async for lines in _batches(visit, _MOST_CALLS):
        ids = [line.call.call_id for line in lines]
        named = await visit.database(
            partial(recordings_of, organisation_id=visit.who.organisation_id, ids=ids)
        )
        paths = await visit.run(partial(_found, recordings, named))
        for path in paths[:left]:
            pieces = archive.add(path)
            while piece := await visit.run(partial(next, pieces, b"")):
                await response.write(piece)
        left -= len(paths)
        if left <= 0:
            break
    await response.write(archive.end())
    await response.write_eof()
    return response


def _found(recordings: Recordings, named: Sequence[str]) -> list[Path]:
    return [path for path in map(recordings.find, named) if path is not None]


async def call_csv(visit: Visit) -> Answer:
    """One call's turns, a line each."""
    record = await record_of(visit)
    body = csv_lines([TURN_HEADINGS, *turn_rows(record)]).encode()
    return web.Response(body=body, headers=_headers(_CSV, _name(visit.params.call_id, "csv")))


async def call_json(visit: Visit) -> Answer:
    """One call whole."""
    record = await record_of(visit)
    organisation, call_id = visit.who.organisation_id, visit.params.call_id
    labels, notes = await visit.database(
        lambda db: (labels_of(db, organisation, call_id), notes_of(db, organisation, call_id))
    )
    body = CallRecordOut.of(record, labels, notes).model_dump_json(indent=2).encode()
    return web.Response(body=body, headers=_headers(_JSON, _name(call_id, "json")))


async def _begin(visit: Visit, media: str, name: str) -> web.StreamResponse:
    """Note the export before any of it leaves."""
    asked: FilterQuery = visit.query
    given = asked.model_dump(mode="json", exclude_defaults=True)
    await visit.database(
        lambda db: visit.trace.write(db, visit.now, object_id=name, after={"filters": given})
    )
    response = web.StreamResponse(headers=_headers(media, name))
    await response.prepare(visit.request)
    return response


async def _batches(visit: Visit, most: int) -> AsyncIterator[list[CallLine]]:
    """Calls, the newest first: each batch in a transaction of its own, so none lasts long."""
    asked: FilterQuery = visit.query
    wanted = CallFilter.of(asked.model_copy(update={"sort": Sort.NEWEST}))
    organisation, cursor, left = visit.who.organisation_id, "", most

    def read(db: Session) -> tuple[list[CallLine], str | None]:
        found = find_calls(db, wanted, min(_BATCH, left), cursor)
        return lines_of(db, organisation, found.ids, CallFilter(words="")), found.following

    while left > 0:
        lines, following = await visit.database(read)
        yield lines
        left -= len(lines)
        if following is None:
            return
        cursor = following


def _headers(media: str, name: str) -> dict[str, str]:
    charset = "; charset=utf-8" if media == _CSV else ""
    return {
        "Content-Type": f"{media}{charset}",
        "Content-Disposition": f'attachment; filename="{name}"',
    }


def _name(call_id: str, ending: str) -> str:
    """A file's name that holds nothing but what every system takes."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in call_id)
    return f"call-{safe[:80]}.{ending}"


_MAY = may(Permission.CALLS_EXPORT)
_OF_LIST: dict[str, Any] = {
    "query": FilterQuery, "audit": "calls.exported", "object_kind": "calls", "tag": "Exports",
}  # fmt: skip
_OF_CALL: dict[str, Any] = {
    "params": CallParams, "audit": "call.exported", "object_kind": "call", "tag": "Exports",
}  # fmt: skip
ROUTES = (
    api(
        "GET", "/exports/calls.csv", "api_export_csv", list_csv, _MAY, media=_CSV,
        summary="Calls that fit as CSV, the newest 100,000", **_OF_LIST,
    ),
    api(
        "GET", "/exports/calls.json", "api_export_json", list_json, _MAY, media=_JSON,
        summary="Calls that fit as JSON, the newest 100,000", **_OF_LIST,
    ),
    api(
        "GET", "/exports/recordings.zip", "api_export_audio", list_audio,
        may(Permission.RECORDINGS_READ), media=_ZIP,
        summary="The newest 200 recordings of calls that fit", **_OF_LIST,
    ),
    api(
        "GET", "/calls/{call_id}/export.csv", "api_export_call_csv", call_csv, _MAY, media=_CSV,
        summary="A call's turns as CSV", **_OF_CALL,
    ),
    api(
        "GET", "/calls/{call_id}/export.json", "api_export_call_json", call_json, _MAY,
        media=_JSON, summary="One call whole as a file", **_OF_CALL,
    ),
)  # fmt: skip
