"""Extensions: what phones register with."""

import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import ClassVar

from pydantic import Field
from sqlalchemy import func, select

from appliance.admin.setup import values
from appliance.admin.setup.bodies import ExtensionBody
from appliance.admin.setup.kinds import base
from appliance.storage.models import Department, DepartmentMember, Extension, Person
from appliance.storage.phone_store import a1_hash

# Without signs that look alike: people type this into phones. 16 of 54 are 92 bits.
_SIGNS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_SIGNS_IN_PASSWORD = 16


class ExtensionOut(base.Out):
    """An extension."""

    number: str
    outbound: bool
    domain: str = Field(description="phones register as number@domain")
    password_set: bool = Field(description="no phone can register while this is false")
    person: str | None = Field(description="whose it is")
    departments: list[str] = Field(description="that ring it")


class NewExtensionOut(ExtensionOut):
    """An extension with its password, which is shown this once."""

    password: str


class Extensions(base.Kind):
    """See `base.Kind`."""

    name, plural, article, param = "extension", "extensions", "an", "extension"
    body, out, fixed = ExtensionBody, ExtensionOut, "number"
    example: ClassVar[base.State] = {"number": "212", "outbound": False}

    def find(self, work: base.Work, key: str) -> base.Row | None:
        """By number."""
        row = work.db.get(Extension, (work.organisation_id, key))
        return self._rows(work, [row])[0] if row is not None else None

    def page(self, work: base.Work, part: base.Part) -> list[base.Row]:
        """By number."""
        same = (
            Person.extension == Extension.number,
            Person.organisation_id == Extension.organisation_id,
        )
        holder = select(func.string_agg(Person.name, " ")).where(*same).scalar_subquery()
        query = base.page_of(select(Extension), Extension.number, Extension.number, part, holder)
        return self._rows(work, list(work.db.scalars(query)))

    def _rows(self, work: base.Work, rows: list[Extension]) -> list[base.Row]:
        numbers = [row.number for row in rows]
        people = select(Person.extension, Person.name).where(Person.extension.in_(numbers))
        holders = {row.extension: row.name for row in work.db.execute(people)}
        rings: dict[str, list[str]] = defaultdict(list)
        query = (
            select(DepartmentMember.extension, Department.name)
            .join(Department, Department.id == DepartmentMember.department_id)
            .where(DepartmentMember.extension.in_(numbers))
            .order_by(Department.name)
        )
        for number, name in work.db.execute(query):
            rings[number].append(name)
        return [
            base.Row(
                row.number,
                {"number": row.number, "outbound": row.outbound},
                {
                    "domain": row.domain, "password_set": row.a1_hash is not None,
                    "person": holders.get(row.number), "departments": rings[row.number],
                },
            )
            for row in rows
        ]  # fmt: skip

    def faults(
        self, work: base.Work, key: str | None, wanted: ExtensionBody
    ) -> Iterable[base.Fault]:
        """A new one needs a number of its own."""
        if key is not None:
            return
        if values.is_reserved(wanted.number):
            yield base.Fault(
                "number", f"{wanted.number} calls an emergency service; choose another number."
            )
        if work.db.get(Extension, (work.organisation_id, wanted.number)) is not None:
            yield base.Fault("number", f"There is an extension {wanted.number} already.")

    def write(self, work: base.Work, key: str | None, wanted: ExtensionBody) -> str:
        """A new one has no password yet."""
        if key is None:
            row = Extension(
                organisation_id=work.organisation_id, number=wanted.number, domain=work.domain
            )
            work.db.add(row)
        else:
            row = work.db.get_one(Extension, (work.organisation_id, key))
        row.outbound = wanted.outbound
        base.flushed(work, _known)
        return row.number

    def ensure(self, work: base.Work, number: str) -> None:
        """Make an extension, and note it, unless it is there."""
        if work.db.get(Extension, (work.organisation_id, number)) is None:
            wanted = ExtensionBody(number=number)
            self.write(work, None, wanted)
            work.trace.write(
                work.db, work.now, action="extension.added", object_kind="extension",
                object_id=number, after=self.state_of(wanted),
            )  # fmt: skip

    def uses(self, work: base.Work, key: str) -> Sequence[str]:
        """People and departments have it."""
        row = self.find(work, key)
        if row is None:
            return []
        reasons = []
        if row.more["person"]:
            reasons.append(f"It is {row.more['person']}'s; give them another one first.")
        for name in row.more["departments"]:
            reasons.append(f"{name} rings it; take it out there first.")
        return reasons

    def remove(self, work: base.Work, key: str) -> base.State:
        """Its phone is no longer let in."""
        work.db.delete(work.db.get_one(Extension, (work.organisation_id, key)))
        work.db.flush()
        return {}

    def new_password(self, work: base.Work, number: str) -> str:
        """Make a password, keep what SIP needs of it, and return it: nobody sees it again."""
        password = "".join(secrets.choice(_SIGNS) for _ in range(_SIGNS_IN_PASSWORD))
        row = work.db.get_one(Extension, (work.organisation_id, number))
        row.a1_hash = a1_hash(number, row.domain, password)
        work.db.flush()
        return password


def _known(constraint: str) -> base.Fault | None:
    if constraint == "uq_extensions_domain_number":
        return base.Fault(
            "number", "Another organisation on this appliance has this extension; choose another."
        )
    return None


EXTENSIONS = Extensions()
