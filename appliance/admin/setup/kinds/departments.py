"""Departments: phones that ring together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import ClassVar
from uuid import UUID

from sqlalchemy import delete, select

from appliance.admin.setup.bodies import DepartmentBody
from appliance.admin.setup.kinds import base
from appliance.admin.setup.kinds.hours import HOURS
from appliance.calls.transfer import TransferMode
from appliance.storage.models import Department, DepartmentMember, Extension


class DepartmentOut(base.Out):
    """A department."""

    id: UUID
    name: str
    members: list[str]
    aliases: list[str]
    topics: list[str]
    transfer_mode: TransferMode
    ring_timeout_s: int
    own_hours: bool


class Departments(base.Kind):
    """See `base.Kind`."""

    name, plural, param = "department", "departments", "department_id"
    body, out = DepartmentBody, DepartmentOut
    example: ClassVar[base.State] = {
        "name": "Reception",
        "members": ["211"],
        "topics": ["appointment"],
    }

    def find(self, work: base.Work, key: str) -> base.Row | None:
        """By id."""
        row = work.db.get(Department, (work.organisation_id, UUID(key)))
        return _rows(work, [row])[0] if row is not None else None

    def page(self, work: base.Work, part: base.Part) -> list[base.Row]:
        """By name."""
        query = base.page_of(
            select(Department),
            Department.name,
            Department.id,
            part,
            base.words_in(Department.aliases),
            base.words_in(Department.topics),
        )
        return _rows(work, list(work.db.scalars(query)))

    def sort_value(self, row: base.Row) -> str:
        """The name."""
        return str(row.state["name"])

    def faults(
        self, work: base.Work, key: str | None, wanted: DepartmentBody
    ) -> Iterable[base.Fault]:
        """Names are one target's, and members are there."""
        yield from base.name_taken(work, key, wanted.name)
        known = select(Extension.number).where(Extension.number.in_(wanted.members))
        missing = sorted(set(wanted.members) - set(work.db.scalars(known)))
        if missing:
            yield base.Fault(
                "members", f"There is no extension {', '.join(missing)}; add it first."
            )

    def write(self, work: base.Work, key: str | None, wanted: DepartmentBody) -> str:
        """Members become exactly those that are named."""
        if key is None:
            row = Department(organisation_id=work.organisation_id)
            work.db.add(row)
        else:
            row = work.db.get_one(Department, (work.organisation_id, UUID(key)))
        return self._take(work, row, wanted)

    def restore(self, work: base.Work, key: str, state: base.State) -> None:
        """Under the same id, with the hours that went with it."""
        given = dict(state)
        hours = given.pop("hours", None)
        row = Department(organisation_id=work.organisation_id, id=UUID(key))
        work.db.add(row)
        self._take(work, row, DepartmentBody.model_validate(given))
        if hours is not None:
            HOURS.write(work, key, HOURS.body.model_validate(hours))

    def _take(self, work: base.Work, row: Department, wanted: DepartmentBody) -> str:
        row.name, row.aliases, row.topics = wanted.name, list(wanted.aliases), list(wanted.topics)
        row.transfer_mode, row.ring_timeout_s = wanted.transfer_mode.value, wanted.ring_timeout_s
        work.db.flush()
        mine = DepartmentMember.department_id == row.id
        work.db.execute(delete(DepartmentMember).where(mine))
        work.db.add_all(
            DepartmentMember(
                organisation_id=work.organisation_id, department_id=row.id, extension=number,
                position=position,
            )
            for position, number in enumerate(wanted.members)
        )  # fmt: skip
        work.db.flush()
        return str(row.id)

    def uses(self, work: base.Work, key: str) -> Sequence[str]:
        """The organisation may need it."""
        return base.role_of(work, key)

    def remove(self, work: base.Work, key: str) -> base.State:
        """Its hours go with it, and are kept in the history."""
        row = work.db.get_one(Department, (work.organisation_id, UUID(key)))
        hours = HOURS.find(work, key)
        kept = {"hours": hours.state} if hours is not None and row.own_hours else {}
        work.db.delete(row)
        work.db.flush()
        return kept


def _rows(work: base.Work, rows: list[Department]) -> list[base.Row]:
    members: dict[UUID, list[str]] = defaultdict(list)
    order = DepartmentMember.position, DepartmentMember.extension
    ids = [row.id for row in rows]
    query = select(DepartmentMember).where(DepartmentMember.department_id.in_(ids))
    for member in work.db.scalars(query.order_by(*order)):
        members[member.department_id].append(member.extension)
    return [
        base.Row(
            str(row.id),
            {
                "name": row.name, "members": members[row.id], "aliases": list(row.aliases),
                "topics": list(row.topics), "transfer_mode": row.transfer_mode,
                "ring_timeout_s": row.ring_timeout_s,
            },
            {"id": row.id, "own_hours": row.own_hours},
        )
        for row in rows
    ]  # fmt: skip


DEPARTMENTS = Departments()
