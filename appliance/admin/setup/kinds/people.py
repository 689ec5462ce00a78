"""People: who can be reached, by which names, at which extension."""

from collections.abc import Iterable, Sequence
from typing import ClassVar
from uuid import UUID

from pydantic import Field
from sqlalchemy import select

from appliance.admin.setup.bodies import ExtensionBody, PersonBody
from appliance.admin.setup.kinds import base
from appliance.admin.setup.kinds.extensions import EXTENSIONS
from appliance.calls.transfer import TransferMode
from appliance.storage.models import Person


class PersonOut(base.Out):
    """A person."""

    id: UUID
    name: str
    extension: str
    aliases: list[str]
    transfer_mode: TransferMode
    ring_timeout_s: int = Field(description="seconds")


class People(base.Kind):
    """See `base.Kind`."""

    name, plural, param = "person", "people", "person_id"
    body, out = PersonBody, PersonOut
    example: ClassVar[base.State] = {
        "name": "Anna Jones",
        "extension": "211",
        "aliases": ["Doctor Jones"],
    }

    def find(self, work: base.Work, key: str) -> base.Row | None:
        """By id."""
        row = work.db.get(Person, (work.organisation_id, UUID(key)))
        return _row(row) if row is not None else None

    def page(self, work: base.Work, part: base.Part) -> list[base.Row]:
        """By name."""
        query = base.page_of(
            select(Person),
            Person.name,
            Person.id,
            part,
            Person.extension,
            base.words_in(Person.aliases),
        )
        return [_row(row) for row in work.db.scalars(query)]

    def sort_value(self, row: base.Row) -> str:
        """The name."""
        return str(row.state["name"])

    def faults(self, work: base.Work, key: str | None, wanted: PersonBody) -> Iterable[base.Fault]:
        """Names and extensions are one person's."""
        yield from base.name_taken(work, key, wanted.name)
        holders = select(Person.id, Person.name).where(Person.extension == wanted.extension)
        for row_id, name in work.db.execute(holders):
            if str(row_id) != key:
                yield base.Fault(
                    "extension", f"Extension {wanted.extension} belongs to {name} already."
                )
        if EXTENSIONS.find(work, wanted.extension) is None:
            made = ExtensionBody(number=wanted.extension)
            for fault in EXTENSIONS.faults(work, None, made):
                yield base.Fault("extension", fault.message)

    def write(self, work: base.Work, key: str | None, wanted: PersonBody) -> str:
        """With an extension that nobody has made yet, make it too."""
        _ensure(work, wanted.extension)
        if key is None:
            row = Person(organisation_id=work.organisation_id)
            work.db.add(row)
        else:
            row = work.db.get_one(Person, (work.organisation_id, UUID(key)))
        _take(row, wanted)
        work.db.flush()
        return str(row.id)

    def restore(self, work: base.Work, key: str, state: base.State) -> None:
        """Under the same id, so that what names the person finds them again."""
        wanted = PersonBody.model_validate(state)
        _ensure(work, wanted.extension)
        row = Person(organisation_id=work.organisation_id, id=UUID(key))
        _take(row, wanted)
        work.db.add(row)
        work.db.flush()

    def uses(self, work: base.Work, key: str) -> Sequence[str]:
        """The organisation may need them."""
        return base.role_of(work, key)

    def remove(self, work: base.Work, key: str) -> base.State:
        """The extension stays."""
        work.db.delete(work.db.get_one(Person, (work.organisation_id, UUID(key))))
        work.db.flush()
        return {}


def _ensure(work: base.Work, number: str) -> None:
    try:
        EXTENSIONS.ensure(work, number)
    except base.Faulty as error:
        told = (base.Fault("extension", fault.message) for fault in error.faults)
        raise base.Faulty(*told) from None


def _take(row: Person, wanted: PersonBody) -> None:
    row.name, row.extension, row.aliases = wanted.name, wanted.extension, list(wanted.aliases)
    row.transfer_mode, row.ring_timeout_s = wanted.transfer_mode.value, wanted.ring_timeout_s


def _row(row: Person) -> base.Row:
    state = {
        "name": row.name, "extension": row.extension, "aliases": list(row.aliases),
        "transfer_mode": row.transfer_mode, "ring_timeout_s": row.ring_timeout_s,
    }  # fmt: skip
    return base.Row(str(row.id), state, {"id": row.id})


PEOPLE = People()
