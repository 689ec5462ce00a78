"""One call from ring to record, with its recording, its labels and its notes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web
from markupsafe import Markup
from sqlalchemy.orm import Session

from appliance.admin import annotations
from appliance.admin.api.call_parts import LabelIn, NoteIn, NoteParams
from appliance.admin.api.calls import CallParams, record_of
from appliance.admin.call_filters import digits_of
from appliance.admin.call_queries import call_exists
from appliance.admin.charts.bars import bars
from appliance.admin.charts.frame import Caption, Series
from appliance.admin.charts.sound import waveform
from appliance.admin.problems import Problem, not_found
from appliance.admin.recordings import RECORDINGS
from appliance.admin.rendering import duration
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit
from appliance.events.reader import CallRecord, DecisionRecord, TransferRecord, TurnRecord
from appliance.storage.admin_models import AuditEntry
from appliance.storage.report_models import CallNote

_LAST_WORDS = ("decided", "refused")
_MOST_STEPS = 300
_CHANGES = {
    annotations.NOTE_ADDED: "added the note",
    annotations.NOTE_REMOVED: "removed the note",
    annotations.LABEL_ADDED: "added the label",
    annotations.LABEL_REMOVED: "removed the label",
}
_STAGES = (("endpoint", 6), ("transcribe", 2), ("decide", 3), ("speak", 1))


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


@dataclass(frozen=True, slots=True)
class Change:
    """A note or a label that somebody added or removed."""

    at: datetime
    actor: str
    words: str
    what: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "Change":
        """From the audit log."""
        held = entry.after or entry.before or {}
        what = held.get("text") or held.get("label") or ""
        return cls(entry.at, entry.actor, _CHANGES[entry.action], str(what))


@dataclass(frozen=True, slots=True)
class _Beside:
    """What people added to a call."""

    labels: Sequence[str]
    known_labels: Sequence[str]
    notes: Sequence[CallNote]
    history: Sequence[Change]


async def show_call(visit: Visit) -> Answer:
    """One call; looking at it is noted in the audit log."""
    record = await record_of(visit)
    beside = await visit.database(lambda db: _beside(db, visit))
    heard = []
    if visit.who.may(Permission.RECORDINGS_READ):
        recordings = visit.request.config_dict[RECORDINGS]
        heard = await visit.run(lambda: recordings.heard(record.recordings))
    steps = timeline(record)
    number = record.call.caller_number or ""
    return visit.page(
        "call.html", record=record, call=record.call, timeline=steps[:_MOST_STEPS],
        more_turns=len(steps) > _MOST_STEPS, labels=beside.labels,
        known_labels=beside.known_labels, notes=beside.notes, history=beside.history,
        sounds=[(one, sound.duration_ms, waveform(sound)) for one, sound in heard],
        heard_parts={one.part for one, _ in heard}, delays=delays_of(record),
        same_number=number[:200] if digits_of(number) else "",
    )  # fmt: skip


def _beside(db: Session, visit: Visit) -> _Beside:
    organisation, call_id = visit.who.organisation_id, visit.params.call_id
    entries = annotations.history_of(db, organisation, call_id)
    return _Beside(
        annotations.labels_of(db, organisation, call_id),
        annotations.known_labels(db, organisation),
        annotations.notes_of(db, organisation, call_id), [Change.of(entry) for entry in entries],
    )  # fmt: skip


def timeline(record: CallRecord) -> list[Moment]:
    """Turns with their decisions, and transfers, as they happened."""
    decisions = {decision.turn: decision for decision in record.decisions}
    turns = {turn.turn for turn in record.turns}
    moments = [
        Moment(turn.at, turn.seq, turn=turn, decision=decisions.get(turn.turn))
        for turn in record.turns
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


def delays_of(record: CallRecord) -> Markup | str:
    """A chart of what each answer waited for; empty when no answer was timed."""
    answers = [turn for turn in record.turns if "reply" in turn.delays_ms][:40]
    if not answers:
        return ""
    values: dict[str, list[float | None]] = {stage: [] for stage, _ in _STAGES}
    for turn in answers:
        known = {stage: float(turn.delays_ms.get(stage, 0)) for stage, _ in _STAGES[:-1]}
        known["speak"] = max(float(turn.delays_ms["reply"]) - sum(known.values()), 0)
        for stage, took in known.items():
            values[stage].append(took)
    caption = Caption(
        key="delays", title="What each answer waited for", first="Answer",
        description="For each answer, the time from the end of the caller's words to the first "
        "sound of the answer: until the pause was long enough, transcribing, deciding, speaking.",
    )  # fmt: skip
    labels = [f"{turn.turn} · {turn.text}" for turn in answers]
    series = [Series(stage.capitalize(), values[stage], colour) for stage, colour in _STAGES]
    return bars(caption, labels, series, duration)


async def add_note(visit: Visit) -> Answer:
    """Write a note."""
    return await _changed(
        visit,
        "Write something first, at most 10,000 characters.",
        lambda db: annotations.add_note(
            db, visit.who, visit.trace, visit.params.call_id, visit.body.text, visit.now
        ),
    )


async def remove_note(visit: Visit) -> Answer:
    """Take a note away."""
    params = visit.params
    await visit.database(
        lambda db: annotations.remove_note(
            db, visit.who, visit.trace, params.call_id, params.note_id, visit.now
        )
    )
    return _back(visit)


async def add_label(visit: Visit) -> Answer:
    """Give the call a label."""
    return await _changed(
        visit,
        "A label is one line of at most 60 characters.",
        lambda db: annotations.add_label(
            db, visit.who, visit.trace, visit.params.call_id, visit.body.label, visit.now
        ),
    )


async def remove_label(visit: Visit) -> Answer:
    """Take a label away."""
    return await _changed(
        visit,
        "There is no such label.",
        lambda db: annotations.remove_label(
            db, visit.who, visit.trace, visit.params.call_id, visit.body.label, visit.now
        ),
    )


async def _changed(visit: Visit, fault: str, change: Callable[[Session], Any]) -> web.Response:
    """Do it and show the call again, with words when it could not be done.

    Raises:
        Problem: there is no such call.
    """
    organisation, call_id = visit.who.organisation_id, visit.params.call_id
    if not await visit.database(lambda db: call_exists(db, organisation, call_id)):
        raise not_found("call")
    if visit.body is None:
        return _back(visit, fault)
    try:
        await visit.database(change)
    except Problem as problem:
        return _back(visit, problem.detail)
    return _back(visit)


def _back(visit: Visit, fault: str = "") -> web.Response:
    # Changes write their own entries; one that changed nothing leaves none.
    visit.trace.written += 1
    return visit.redirect("call", fault, "error", call_id=visit.params.call_id)


_WRITE = may(Permission.CALLS_ANNOTATE)
ROUTES = (
    page(
        "GET", "/calls/{call_id}", "call", show_call, may(Permission.CALLS_READ),
        params=CallParams, audit="call.looked_at", object_kind="call",
    ),
    page(
        "POST", "/calls/{call_id}/notes", "add_note", add_note, _WRITE, params=CallParams,
        body=NoteIn, audit=annotations.NOTE_ADDED, object_kind="call",
    ),
    page(
        "POST", "/calls/{call_id}/notes/{note_id}/remove", "remove_note", remove_note, _WRITE,
        params=NoteParams, audit=annotations.NOTE_REMOVED, object_kind="call",
    ),
    page(
        "POST", "/calls/{call_id}/labels", "add_label", add_label, _WRITE, params=CallParams,
        body=LabelIn, audit=annotations.LABEL_ADDED, object_kind="call",
    ),
    page(
        "POST", "/calls/{call_id}/labels/remove", "remove_label", remove_label, _WRITE,
        params=CallParams, body=LabelIn, audit=annotations.LABEL_REMOVED, object_kind="call",
    ),
)  # fmt: skip
