"""Parts of one call over the API: turns, decisions, recordings, notes and labels."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from appliance.admin import annotations
from appliance.admin.api.calls import CallParams, DecisionOut, NoteOut, TurnOut, record_of
from appliance.admin.fields import CallId, LongText, Model, RequiredLine
from appliance.admin.problems import not_found
from appliance.admin.recordings import RECORDINGS
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, api, may
from appliance.admin.visit import Visit

RequiredText = Annotated[LongText, StringConstraints(min_length=1)]


def _short(label: str) -> str:
    if len(label) > 60:
        raise ValueError("Write at most 60 characters.")
    return label


LabelName = Annotated[RequiredLine, AfterValidator(_short)]


class TurnList(BaseModel):
    """A call's turns in order."""

    items: list[TurnOut]


class DecisionList(BaseModel):
    """A call's decisions in order."""

    items: list[DecisionOut]


class NoteList(BaseModel):
    """A call's notes, the oldest first."""

    items: list[NoteOut]


class LabelList(BaseModel):
    """A call's labels by name."""

    items: list[str]


class RecordingOut(BaseModel):
    """A recording of one part of a call."""

    part: int = Field(description="counted from 1: a controller that takes a call up begins one")
    at: datetime = Field(description="when it began")
    duration_ms: int


class RecordingList(BaseModel):
    """A call's recordings in order."""

    items: list[RecordingOut]


class WaveformOut(BaseModel):
    """How loud each side of a recording was: peaks of equal stretches, 0 to 1."""

    duration_ms: int
    caller: list[float]
    appliance: list[float]


class PartQuery(Model):
    """One of a call's recordings."""

    part: int | None = Field(None, ge=1, le=2**31 - 1, description="the first when left out")


class NoteIn(Model):
    """A note."""

    text: RequiredText = Field(description="at most 10,000 characters")


class LabelIn(Model):
    """A label."""

    label: LabelName = Field(description="at most 60 characters on one line")


class NoteParams(Model):
    """A note of a call."""

    call_id: CallId
    note_id: UUID


class LabelParams(Model):
    """A label of a call."""

    call_id: CallId
    label: LabelName


async def turns(visit: Visit) -> Answer:
    """What was said and keyed."""
    record = await record_of(visit)
    return TurnList(items=[TurnOut.model_validate(turn) for turn in record.turns])


async def decisions(visit: Visit) -> Answer:
    """What was decided, with every policy's verdict."""
    record = await record_of(visit)
    return DecisionList(items=[DecisionOut.model_validate(item) for item in record.decisions])


async def recordings(visit: Visit) -> Answer:
    """The recordings that can be heard."""
    record = await record_of(visit)
    held = visit.request.config_dict[RECORDINGS]
    sounds = await visit.run(lambda: held.heard(record.recordings))
    return RecordingList(
        items=[
            RecordingOut(part=one.part, at=one.at, duration_ms=sound.duration_ms)
            for one, sound in sounds
        ]
    )


async def _file(visit: Visit) -> Path:
    """The recording that is asked for.

    Raises:
        Problem: there is no such call, or no such recording of it.
    """
    record, part = await record_of(visit), visit.query.part
    held = visit.request.config_dict[RECORDINGS]
    named = [one.path for one in record.recordings if part in (None, one.part)]
    path = await visit.run(lambda: next(filter(None, map(held.find, named)), None))
    if path is None:
        raise not_found("recording")
    return path


async def recording(visit: Visit) -> Answer:
    """The recording as WAV, stereo: the caller left, the appliance right. Ranges are understood."""
    path = await _file(visit)
    held = visit.request.config_dict[RECORDINGS]
    call_id, clock_s = visit.params.call_id, visit.services.clock_s()
    if held.first_look(visit.who.key, call_id, clock_s):
        await visit.database(
            lambda db: visit.trace.write(db, visit.now, action="recording.listened_to")
        )
    response = web.FileResponse(path)
    response.content_type = "audio/wav"
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in call_id)[:80]
    part = f"-part-{visit.query.part}" if visit.query.part else ""
    response.headers["Content-Disposition"] = f'inline; filename="call-{name}{part}.wav"'
    return response


async def waveform(visit: Visit) -> Answer:
    """How loud each side was."""
    path = await _file(visit)
    found = await visit.run(lambda: visit.request.config_dict[RECORDINGS].waveform(path))
    if found is None:
        raise not_found("recording")
    return WaveformOut(
        duration_ms=found.duration_ms, caller=list(found.caller), appliance=list(found.appliance)
    )


async def notes(visit: Visit) -> Answer:
    """Notes of a call."""
    await record_of(visit)
    who, call_id = visit.who, visit.params.call_id
    rows = await visit.database(lambda db: annotations.notes_of(db, who.organisation_id, call_id))
    return NoteList(items=[NoteOut.model_validate(row) for row in rows])


async def add_note(visit: Visit) -> Answer:
    """Write one."""
    note = await visit.database(
        lambda db: annotations.add_note(
            db, visit.who, visit.trace, visit.params.call_id, visit.body.text, visit.now
        )
    )
    return NoteOut.model_validate(note)


async def remove_note(visit: Visit) -> Answer:
    """Take one away."""
    params = visit.params
    await visit.database(
        lambda db: annotations.remove_note(
            db, visit.who, visit.trace, params.call_id, params.note_id, visit.now
        )
    )
    return None


async def labels(visit: Visit) -> Answer:
    """Labels of a call."""
    await record_of(visit)
    who, call_id = visit.who, visit.params.call_id
    found = await visit.database(lambda db: annotations.labels_of(db, who.organisation_id, call_id))
    return LabelList(items=found)


async def add_label(visit: Visit) -> Answer:
    """Give it one; what it has already stays."""
    found = await visit.database(
        lambda db: annotations.add_label(
            db, visit.who, visit.trace, visit.params.call_id, visit.body.label, visit.now
        )
    )
    visit.trace.written += 1  # nothing to note when nothing changed
    return LabelList(items=list(found))


async def remove_label(visit: Visit) -> Answer:
    """Take one away."""
    params = visit.params
    await visit.database(
        lambda db: annotations.remove_label(
            db, visit.who, visit.trace, params.call_id, params.label, visit.now
        )
    )
    return None


_READ, _WRITE = may(Permission.CALLS_READ), may(Permission.CALLS_ANNOTATE)
_OF_CALL: dict[str, Any] = {"params": CallParams, "object_kind": "call", "tag": "Calls"}
_LOOKED: dict[str, Any] = {**_OF_CALL, "audit": "call.looked_at"}
ROUTES = (
    api(
        "GET", "/calls/{call_id}/turns", "api_turns", turns, _READ, response=TurnList,
        summary="What was said in a call", **_LOOKED,
    ),
    api(
        "GET", "/calls/{call_id}/decisions", "api_decisions", decisions, _READ,
        response=DecisionList, summary="What was decided in a call, and why", **_LOOKED,
    ),
    api(
        "GET", "/calls/{call_id}/recordings", "api_recordings", recordings,
        may(Permission.RECORDINGS_READ), response=RecordingList,
        summary="A call's recordings: one, and one more for each time it was taken up again",
        **_OF_CALL,
    ),
    api(
        "GET", "/calls/{call_id}/recording", "api_recording", recording,
        may(Permission.RECORDINGS_READ), query=PartQuery, media="audio/wav",
        summary="A call's recording: WAV, the caller left and the appliance right", **_OF_CALL,
    ),
    api(
        "GET", "/calls/{call_id}/waveform", "api_waveform", waveform,
        may(Permission.RECORDINGS_READ), query=PartQuery, response=WaveformOut,
        summary="How loud each side of a recording was", **_OF_CALL,
    ),
    api(
        "GET", "/calls/{call_id}/notes", "api_notes", notes, _READ, response=NoteList,
        summary="Notes about a call", **_OF_CALL,
    ),
    api(
        "POST", "/calls/{call_id}/notes", "api_add_note", add_note, _WRITE, body=NoteIn,
        response=NoteOut, status=201, acts=True, audit=annotations.NOTE_ADDED,
        example={"text": "Called back at three; all is settled."}, summary="Write a note",
        **_OF_CALL,
    ),
    api(
        "DELETE", "/calls/{call_id}/notes/{note_id}", "api_remove_note", remove_note, _WRITE,
        params=NoteParams, status=204, acts=True, audit=annotations.NOTE_REMOVED,
        object_kind="call", tag="Calls", summary="Take a note away",
    ),
    api(
        "GET", "/calls/{call_id}/labels", "api_labels", labels, _READ, response=LabelList,
        summary="A call's labels", **_OF_CALL,
    ),
    api(
        "POST", "/calls/{call_id}/labels", "api_add_label", add_label, _WRITE, body=LabelIn,
        response=LabelList, acts=True, audit=annotations.LABEL_ADDED,
        example={"label": "follow up"}, summary="Give a call a label", **_OF_CALL,
    ),
    api(
        "DELETE", "/calls/{call_id}/labels/{label}", "api_remove_label", remove_label, _WRITE,
        params=LabelParams, status=204, acts=True, audit=annotations.LABEL_REMOVED,
        object_kind="call", tag="Calls", summary="Take a label from a call",
    ),
)  # fmt: skip
