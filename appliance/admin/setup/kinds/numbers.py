"""Numbers (DIDs): what is dialled from outside."""

from collections.abc import Iterable
from typing import Any, ClassVar

from sqlalchemy import func, select

from appliance.admin.setup import values
from appliance.admin.setup.bodies import NumberBody
from appliance.admin.setup.kinds import base
from appliance.storage.models import Did


class NumberOut(base.Out):
    """A number."""

    number: str
    greeting: str


class Numbers(base.Kind):
    """See `base.Kind`."""

    name, plural, param = "number", "numbers", "number"
    body, out, fixed = NumberBody, NumberOut, "number"
    example: ClassVar[base.State] = {"number": "+4930123456", "greeting": ""}

    def find(self, work: base.Work, key: str) -> base.Row | None:
        """With or without ``+`` it is the same number."""
        row = work.db.scalars(select(Did).where(_digits() == key.lstrip("+"))).one_or_none()
        return _row(row) if row is not None else None

    def page(self, work: base.Work, part: base.Part) -> list[base.Row]:
        """By number."""
        query = base.page_of(select(Did), Did.number, Did.number, part, Did.greeting)
        return [_row(row) for row in work.db.scalars(query)]

    def faults(self, work: base.Work, key: str | None, wanted: NumberBody) -> Iterable[base.Fault]:
        """A new one is written as the world knows it, and is there once."""
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
        row.greeting = wanted.greeting
        base.flushed(work, _known)
        return row.number

    def remove(self, work: base.Work, key: str) -> base.State:
        """Callers who dial it reach nobody."""
        work.db.delete(work.db.get_one(Did, (work.organisation_id, key)))
        work.db.flush()
        return {}


def _digits() -> Any:
    return func.ltrim(Did.number, "+")


def _known(constraint: str) -> base.Fault | None:
    if constraint.startswith("uq_dids_"):
        return base.Fault(
            "number", "Another organisation on this appliance has this number; it leads to one."
        )
    return None


def _row(row: Did) -> base.Row:
    return base.Row(row.number, {"number": row.number, "greeting": row.greeting})


NUMBERS = Numbers()
