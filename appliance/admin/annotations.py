"""Notes and labels that people give to calls. Everything blocks.

Each change is in the audit log, from which a call's history of them is read.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from appliance.admin.audit import Trace
from appliance.admin.principal import Principal
from appliance.admin.problems import Problem, not_found
from appliance.storage.admin_models import AuditEntry
from appliance.storage.report_models import CallListing, CallNote, Label

NOTE_ADDED = "call.note_added"
NOTE_REMOVED = "call.note_removed"
LABEL_ADDED = "call.label_added"
LABEL_REMOVED = "call.label_removed"
CHANGES = (NOTE_ADDED, NOTE_REMOVED, LABEL_ADDED, LABEL_REMOVED)
_MOST_NOTES = 200
_MOST_LABELS = 30
_SHOWN = 100


def notes_of(db: Session, organisation_id: UUID, call_id: str) -> Sequence[CallNote]:
    """A call's notes, the oldest first."""
    query = select(CallNote).where(
        CallNote.organisation_id == organisation_id, CallNote.call_id == call_id
    )
    return db.scalars(query.order_by(CallNote.at, CallNote.id)).all()


def labels_of(db: Session, organisation_id: UUID, call_id: str) -> list[str]:
    """A call's labels by name."""
    row = db.get(CallListing, (organisation_id, call_id))
    return sorted(row.labels) if row is not None else []


def known_labels(db: Session, organisation_id: UUID) -> Sequence[str]:
    """Labels that some call has or had."""
    query = select(Label.label).where(Label.organisation_id == organisation_id)
    return db.scalars(query.order_by(Label.label).limit(500)).all()


def history_of(db: Session, organisation_id: UUID, call_id: str) -> Sequence[AuditEntry]:
    """Who added and removed notes and labels, the newest first."""
    query = select(AuditEntry).where(
        AuditEntry.organisation_id == organisation_id, AuditEntry.object_kind == "call",
        AuditEntry.object_id == call_id, AuditEntry.action.in_(CHANGES),
    )  # fmt: skip
    return db.scalars(query.order_by(AuditEntry.id.desc()).limit(_SHOWN)).all()


def add_note(
    db: Session, who: Principal, trace: Trace, call_id: str, text: str, now: datetime
) -> CallNote:
    """Write a note about a call.

    Raises:
        Problem: there is no such call, or it has too many notes.
    """
    _of_call(db, who, call_id)
    if len(notes_of(db, who.organisation_id, call_id)) >= _MOST_NOTES:
        raise Problem(409, "too-many", f"A call has at most {_MOST_NOTES} notes.")
    note = CallNote(
        organisation_id=who.organisation_id, call_id=call_id, at=now, author_id=who.account_id,
        author=who.name, text=text,
    )  # fmt: skip
    db.add(note)
    db.flush()
    trace.write(
        db, now, action=NOTE_ADDED, object_kind="call", object_id=call_id,
        after={"note_id": str(note.id), "text": text},
    )  # fmt: skip
    return note


def remove_note(
    db: Session, who: Principal, trace: Trace, call_id: str, note_id: UUID, now: datetime
) -> None:
    """Take a note away; its words stay in the audit log.

    Raises:
        Problem: there is no such note.
    """
    note = db.get(CallNote, (who.organisation_id, call_id, note_id))
    if note is None:
        raise not_found("note")
    db.delete(note)
    trace.write(
        db, now, action=NOTE_REMOVED, object_kind="call", object_id=call_id,
        before={"note_id": str(note.id), "text": note.text, "author": note.author},
    )  # fmt: skip


def add_label(
    db: Session, who: Principal, trace: Trace, call_id: str, label: str, now: datetime
) -> list[str]:
    """Give a call a label; one that it has already changes nothing.

    Returns:
        All its labels.

    Raises:
        Problem: there is no such call, or it has too many labels.
    """
    row = _of_call(db, who, call_id)
    if label in row.labels:
        return sorted(row.labels)
    if len(row.labels) >= _MOST_LABELS:
        raise Problem(409, "too-many", f"A call has at most {_MOST_LABELS} labels.")
    row.labels = sorted([*row.labels, label])
    known = insert(Label).values(organisation_id=who.organisation_id, label=label)
    db.execute(known.on_conflict_do_nothing())
    trace.write(
        db, now, action=LABEL_ADDED, object_kind="call", object_id=call_id, after={"label": label}
    )
    return row.labels


def remove_label(
    db: Session, who: Principal, trace: Trace, call_id: str, label: str, now: datetime
) -> list[str]:
    """Take a label from a call.

    Returns:
        The labels that are left.

    Raises:
        Problem: there is no such call, or it has no such label.
    """
    row = _of_call(db, who, call_id)
    if label not in row.labels:
        raise not_found("label")
    row.labels = [one for one in row.labels if one != label]
    trace.write(
        db, now, action=LABEL_REMOVED, object_kind="call", object_id=call_id,
        before={"label": label},
    )  # fmt: skip
    return sorted(row.labels)


def _of_call(db: Session, who: Principal, call_id: str) -> CallListing:
    """The call's row, held until the transaction ends: two who add at once lose nothing."""
    row = db.get(CallListing, (who.organisation_id, call_id), with_for_update=True)
    if row is None:
        raise not_found("call")
    return row
