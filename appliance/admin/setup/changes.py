"""Changes: checked against the rest, kept, and noted, all in one transaction.

An organisation's changes happen one after the other: each begins by locking the organisation, so
that what a check saw still holds when the change is kept.
"""

from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, func, or_, select

from appliance.admin.fields import Model
from appliance.admin.problems import not_found
from appliance.admin.setup.kinds import Fault, Faulty, Kind, Row, State, Work
from appliance.storage.admin_models import AuditEntry
from appliance.storage.models import Organisation

ADDED, CHANGED, REMOVED, UNDONE = "added", "changed", "removed", "undone"
PASSWORD_MADE = "password_made"  # noqa: S105  (the name of a change)


class Stale(Exception):  # noqa: N818  (nothing failed: somebody else was faster)
    """What was to be changed is no longer what was read.

    Attributes:
        row: as it is now.
        by: who changed it last, and ``at`` when; empty and None when nobody knows.
    """

    def __init__(self, row: Row, by: str, at: datetime | None) -> None:
        super().__init__(f"{row.key} was changed meanwhile")
        self.row, self.by, self.at = row, by, at


class InUse(Exception):  # noqa: N818
    """Something cannot go. ``reasons`` are sentences."""

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def lock(work: Work) -> None:
    """Let no other change of this organisation in until this one has ended."""
    found = work.db.scalars(
        select(Organisation.organisation_id)
        .where(Organisation.organisation_id == work.organisation_id)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise not_found("organisation")


def existing(work: Work, kind: Kind, key: str) -> Row:
    """One that is there.

    Raises:
        Problem: there is none; 404.
    """
    row = kind.find(work, key)
    if row is None:
        raise not_found(kind.name)
    return row


def add(work: Work, kind: Kind, wanted: Model) -> Row:
    """Add one.

    Raises:
        Faulty: it does not fit what is there.
    """
    lock(work)
    _check(work, kind, None, wanted)
    key = kind.write(work, None, wanted)
    row = existing(work, kind, key)
    note(work, kind, row.key, ADDED, None, row.state)
    return row


def change(work: Work, kind: Kind, key: str, wanted: Model, version: str = "") -> Row:
    """Make one what is wanted.

    Args:
        version: of what was read; empty changes whatever is there.

    Raises:
        Problem: there is none.
        Stale: it is another version by now.
        Faulty: the change does not fit what is there.
    """
    lock(work)
    row = existing(work, kind, key)
    _see_version(work, kind, row, version)
    state = kind.state_of(wanted)
    if kind.fixed and state[kind.fixed] != row.state[kind.fixed]:
        raise Faulty(
            Fault(kind.fixed, f"This cannot be changed; add another {kind.name} and remove this.")
        )
    _check(work, kind, row.key, wanted)
    kind.write(work, row.key, wanted)
    after = existing(work, kind, row.key)
    secrets = _secrets_of(wanted)
    if after.state != row.state or secrets:
        note(work, kind, row.key, CHANGED, row.state, {**after.state, **secrets})
    return after


def merged(work: Work, kind: Kind, key: str, parts: Model) -> Model:
    """What is there with some values changed: the body of a PATCH made whole.

    Raises:
        Problem: there is none.
        ValidationError: what is there was written elsewhere and would not pass here.
    """
    row = existing(work, kind, key)
    given = parts.model_dump(by_alias=True, include=parts.model_fields_set - {"version"})
    return kind.body.model_validate({**row.state, **given})


def remove(work: Work, kind: Kind, key: str, version: str = "") -> Row:
    """Take one away.

    Raises:
        Problem: there is none.
        Stale: as `change`.
        InUse: something needs it.
    """
    lock(work)
    row = existing(work, kind, key)
    _see_version(work, kind, row, version)
    reasons = tuple(kind.uses(work, row.key))
    if reasons:
        raise InUse(reasons)
    kept = kind.remove(work, row.key)
    note(work, kind, row.key, REMOVED, {**row.state, **kept}, None)
    return row


def note(
    work: Work, kind: Kind, key: str, what: str, before: State | None, after: State | None
) -> None:
    """Add a change to the history, which is the audit log."""
    work.trace.write(
        work.db, work.now, action=f"{kind.name}.{what}", object_kind=kind.name, object_id=key,
        before=before, after=after,
    )  # fmt: skip


def last_change(work: Work, kind: Kind, key: str) -> AuditEntry | None:
    """The newest change of one thing."""
    return work.db.scalars(
        select(AuditEntry)
        .where(
            AuditEntry.object_kind == kind.name,
            AuditEntry.object_id == key,
            is_change(),
        )
        .order_by(AuditEntry.id.desc())
        .limit(1)
    ).one_or_none()


def is_change() -> ColumnElement[bool]:
    """Whether an entry of the log tells a change: what was not there is a JSON null, or NULL."""
    kept = (func.jsonb_typeof(part) == "object" for part in (AuditEntry.before, AuditEntry.after))
    return or_(*kept)


def first_words(error: ValidationError) -> str:
    """What pydantic has against a state, in one sentence."""
    item = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in item["loc"])
    return f"{place}: {str(item['msg']).removeprefix('Value error, ')}"


def _check(work: Work, kind: Kind, key: str | None, wanted: Any) -> None:
    faults = tuple(kind.faults(work, key, wanted))
    if faults:
        raise Faulty(*faults)


def _see_version(work: Work, kind: Kind, row: Row, version: str) -> None:
    if version and version != row.version:
        last = last_change(work, kind, row.key)
        raise Stale(row, last.actor if last else "", last.at if last else None)


def _secrets_of(wanted: Model) -> State:
    """That a password came along; the history must not know which."""
    return {"password": "changed"} if getattr(wanted, "password", None) is not None else {}
