"""The history of the set-up: who changed what, when, from what to what; and taking it back.

It is read from the audit log, which nobody can change. Undoing is a new change with the same
checks: it puts back exactly the values that the old change had changed, and only while they still
are what it made of them, so that nothing that was done later is lost in silence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.admin.problems import Problem, not_found
from appliance.admin.setup import changes
from appliance.admin.setup.kinds import KINDS, Faulty, Kind, Row, State, Work
from appliance.storage.admin_models import AuditEntry

_NOT_STATE = ("password", "hours")


@dataclass(frozen=True, slots=True)
class Difference:
    """One value before and after; None where it was not there."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the history."""

    entry: AuditEntry

    @property
    def kind(self) -> Kind:
        """Of what."""
        return KINDS[self.entry.object_kind]

    @property
    def what(self) -> str:
        """``added``, ``changed``, ``removed``, ``undone``, ``password_made``."""
        return self.entry.action.rpartition(".")[2]

    @property
    def title(self) -> str:
        """What it was called then."""
        return self.kind.title(self.entry.after or self.entry.before or {})

    @property
    def differences(self) -> list[Difference]:
        """The values that are not the same before and after."""
        before, after = self.entry.before or {}, self.entry.after or {}
        names = [*after, *(name for name in before if name not in after)]
        return [
            Difference(name, before.get(name), after.get(name))
            for name in names
            if before.get(name) != after.get(name)
        ]

    @property
    def can_be_undone(self) -> bool:
        """Whether undoing it would change anything; a password is not kept, so it cannot return."""
        if self.what == changes.PASSWORD_MADE:
            return False
        return any(item.field not in _NOT_STATE for item in self.differences)


def page(
    db: Session, limit: int, before_id: int | None, kind: str = "", key: str = ""
) -> Sequence[Change]:
    """Changes, the newest first; of one kind, or of one thing, when these are named."""
    query = select(AuditEntry).where(
        AuditEntry.object_kind.in_([kind] if kind else list(KINDS)), changes.is_change()
    )
    if key:
        query = query.where(AuditEntry.object_id == key)
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    rows = db.scalars(query.order_by(AuditEntry.id.desc()).limit(limit))
    return [Change(row) for row in rows]


def find(db: Session, change_id: int) -> Change:
    """One change.

    Raises:
        Problem: there is none; 404.
    """
    row = db.scalars(
        select(AuditEntry).where(
            AuditEntry.id == change_id, AuditEntry.object_kind.in_(list(KINDS)), changes.is_change()
        )
    ).one_or_none()
    if row is None:
        raise not_found("change")
    return Change(row)


def undo(work: Work, change_id: int) -> Change:
    """Take a change back.

    Raises:
        Problem: there is no such change, or it no longer fits; 409 with the reason.
    """
    changes.lock(work)
    change = find(work.db, change_id)
    if not change.can_be_undone:
        raise _cannot("Passwords are not kept, so an old one cannot return; make a new one.")
    entry, kind = change.entry, change.kind
    row = kind.find(work, entry.object_id)
    try:
        if entry.before is None:
            _take_away(work, kind, row, entry.after or {})
        elif entry.after is None:
            _bring_back(work, kind, row, entry)
        else:
            _put_back(work, kind, row, entry)
    except Faulty as error:
        raise _cannot(str(error)) from None
    except ValidationError as error:
        raise _cannot(changes.first_words(error)) from None
    return change


def _take_away(work: Work, kind: Kind, row: Row | None, made: State) -> None:
    if row is None:
        raise _cannot("It is gone already.")
    _see_unchanged(work, kind, row, made, list(row.state))
    reasons = kind.uses(work, row.key)
    if reasons:
        raise _cannot(" ".join(reasons))
    kept = kind.remove(work, row.key)
    changes.note(work, kind, row.key, changes.UNDONE, {**row.state, **kept}, None)


def _bring_back(work: Work, kind: Kind, row: Row | None, entry: AuditEntry) -> None:
    if row is not None:
        raise _cannot("It is there again already.")
    state = dict(entry.before or {})
    body = {name: value for name, value in state.items() if name not in _NOT_STATE}
    wanted = kind.body.model_validate(body)
    faults = tuple(kind.faults(work, None, wanted))
    if faults:
        raise Faulty(*faults)
    kind.restore(work, entry.object_id, state)
    after = changes.existing(work, kind, entry.object_id)
    changes.note(work, kind, after.key, changes.UNDONE, None, after.state)


def _put_back(work: Work, kind: Kind, row: Row | None, entry: AuditEntry) -> None:
    before, after = entry.before or {}, entry.after or {}
    if row is None:
        raise _cannot(f"There is no such {kind.name} any more; undo its removal first.")
    touched = [
        name for name in before if before[name] != after.get(name) and name not in _NOT_STATE
    ]
    _see_unchanged(work, kind, row, after, touched)
    wanted = kind.body.model_validate({**row.state, **{name: before[name] for name in touched}})
    faults = tuple(kind.faults(work, row.key, wanted))
    if faults:
        raise Faulty(*faults)
    kind.write(work, row.key, wanted)
    now = changes.existing(work, kind, row.key)
    changes.note(work, kind, row.key, changes.UNDONE, row.state, now.state)


def _see_unchanged(work: Work, kind: Kind, row: Row, made: State, names: list[str]) -> None:
    later = [name for name in names if row.state.get(name) != made.get(name)]
    if not later:
        return
    last = changes.last_change(work, kind, row.key)
    who = f" by {last.actor}" if last else ""
    fields = ", ".join(name.replace("_", " ") for name in later)
    raise _cannot(f"It was changed again since{who}: {fields}. Undo that first.")


def _cannot(reason: str) -> Problem:
    return Problem(409, "cannot-undo", f"This cannot be undone. {reason}")
