"""Personas: who the appliance is on a call, what it says of itself, and how it sounds."""

from collections.abc import Iterable, Sequence
from typing import ClassVar
from uuid import UUID

from sqlalchemy import select

from appliance.admin.setup.bodies import PersonaBody
from appliance.admin.setup.kinds import base
from appliance.storage.models import Did, Organisation, Persona


class PersonaOut(base.Out):
    """A persona."""

    id: UUID
    name: str
    house: str
    greeting: str
    voice: str
    language: str
    help: str
    closed_help: str
    introduction: str
    anything_else: str
    goodbye: str


class Personas(base.Kind):
    """See `base.Kind`."""

    name, plural, param = "persona", "personas", "persona_id"
    body, out = PersonaBody, PersonaOut
    example: ClassVar[base.State] = {
        "name": "Front desk",
        "greeting": "Harbour Clinic, how can I help?",
        "voice": "en-gb",
    }

    def find(self, work: base.Work, key: str) -> base.Row | None:
        """By id."""
        row = work.db.get(Persona, (work.organisation_id, UUID(key)))
        return _row(row) if row is not None else None

    def page(self, work: base.Work, part: base.Part) -> list[base.Row]:
        """By name."""
        query = base.page_of(select(Persona), Persona.name, Persona.id, part, Persona.greeting)
        return [_row(row) for row in work.db.scalars(query)]

    def sort_value(self, row: base.Row) -> str:
        """The name."""
        return str(row.state["name"])

    def faults(self, work: base.Work, key: str | None, wanted: PersonaBody) -> Iterable[base.Fault]:
        """Lists show names alone, so each is there once."""
        for row_id, name in work.db.execute(select(Persona.id, Persona.name)):
            if name.casefold() == wanted.name.casefold() and str(row_id) != key:
                yield base.Fault("name", f"A persona is called {name} already; choose another.")

    def write(self, work: base.Work, key: str | None, wanted: PersonaBody) -> str:
        """See `base.Kind.write`."""
        if key is None:
            row = Persona(organisation_id=work.organisation_id)
            work.db.add(row)
        else:
            row = work.db.get_one(Persona, (work.organisation_id, UUID(key)))
        _take(row, wanted)
        work.db.flush()
        return str(row.id)

    def restore(self, work: base.Work, key: str, state: base.State) -> None:
        """Under the same id."""
        row = Persona(organisation_id=work.organisation_id, id=UUID(key))
        _take(row, PersonaBody.model_validate(state))
        work.db.add(row)
        work.db.flush()

    def uses(self, work: base.Work, key: str) -> Sequence[str]:
        """Numbers and the organisation may need it."""
        persona = UUID(key)
        reasons = []
        organisation = work.db.get_one(Organisation, work.organisation_id)
        if organisation.persona_id == persona:
            reasons.append("It is the organisation's persona; choose another one there first.")
        numbers = select(Did.number).where(Did.persona_id == persona).order_by(Did.number)
        reasons += (
            f"It answers {number}; choose another one there first."
            for number in work.db.scalars(numbers)
        )
        return reasons

    def remove(self, work: base.Work, key: str) -> base.State:
        """Nobody is answered by it."""
        work.db.delete(work.db.get_one(Persona, (work.organisation_id, UUID(key))))
        work.db.flush()
        return {}


def _take(row: Persona, wanted: PersonaBody) -> None:
    for name, value in wanted.model_dump(mode="json").items():
        setattr(row, name, value)


def _row(row: Persona) -> base.Row:
    state = {name: getattr(row, name) for name in PersonaBody.model_fields}
    return base.Row(str(row.id), state, {"id": row.id})


PERSONAS = Personas()
