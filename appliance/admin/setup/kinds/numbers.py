"""Numbers (DIDs): what is dialled from outside."""

from collections.abc import Iterable
from typing import Any, ClassVar
from uuid import UUID

from pydantic import Field
from sqlalchemy import func, select

from appliance.admin.setup import values
from appliance.admin.setup.bodies import NumberBody
from appliance.admin.setup.kinds import base
from appliance.storage.models import Did, Persona


class NumberOut(base.Out):
    """A number."""

    number: str
    persona: UUID | None = Field(description="null: the organisation's answers")
    persona_name: str | None


class Numbers(base.Kind):
    """See `base.Kind`."""

    name, plural, param = "number", "numbers", "number"
    body, out, fixed = NumberBody, NumberOut, "number"
    example: ClassVar[base.State] = {"number": "+4930123456", "persona": None}

    def find(self, work: base.Work, key: str) -> base.Row | None:
        """With or without ``+`` it is the same number."""
        query = _query().where(_digits() == key.lstrip("+"))
        row = work.db.execute(query).one_or_none()
        return _row(*row) if row is not None else None

    def page(self, work: base.Work, part: base.Part) -> list[base.Row]:
        """By number."""
        name = func.coalesce(Persona.name, "")
        query = base.page_of(_query(), Did.number, Did.number, part, name)
        return [_row(*row) for row in work.db.execute(query)]

    def faults(self, work: base.Work, key: str | None, wanted: NumberBody) -> Iterable[base.Fault]:
        """A new one is written as the world knows it, and is there once; so is its persona."""
        yield from base.persona_faults(work, wanted.persona)
        if key is not None:
            return
        if not values.is_e164(wanted.number):
            yield base.Fault(
                "number",
                "Write it as it is dialled from abroad: +, the country and the number, at most 15 "
                "digits, such as +4930123450.",
            )
        elif self.find(work, wanted.number) is not None:
            yield base.Fault("number", f"{wanted.number} is here already.")

    def write(self, work: base.Work, key: str | None, wanted: NumberBody) -> str:
        """See `base.Kind.write`."""
        if key is None:
            row = Did(organisation_id=work.organisation_id, number=wanted.number)
            work.db.add(row)
        else:
            row = work.db.get_one(Did, (work.organisation_id, key))
        row.persona_id = wanted.persona
        base.flushed(work, _known)
        return row.number

    def remove(self, work: base.Work, key: str) -> base.State:
        """Callers who dial it reach nobody."""
        work.db.delete(work.db.get_one(Did, (work.organisation_id, key)))
        work.db.flush()
        return {}


def _query() -> Any:
    return select(Did, Persona.name).outerjoin(Persona, Persona.id == Did.persona_id)


def _digits() -> Any:
    return func.ltrim(Did.number, "+")


def _known(constraint: str) -> base.Fault | None:
    if constraint.startswith("uq_dids_"):
        return base.Fault(
            "number", "Another organisation on this appliance has this number; it leads to one."
        )
    return None


def _row(row: Did, persona_name: str | None) -> base.Row:
    persona = str(row.persona_id) if row.persona_id else None
    state = {"number": row.number, "persona": persona}
    return base.Row(row.number, state, {"persona_name": persona_name})


NUMBERS = Numbers()
