"""What is set up so far, what is missing, and who offers themselves in lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import available_timezones

from sqlalchemy import func, select

from appliance.admin.setup.forms import Choices
from appliance.admin.setup.kinds import Work
from appliance.storage import models
from appliance.storage.models import (
    Department,
    DepartmentMember,
    Did,
    Extension,
    Person,
    Persona,
    Trunk,
)

_COUNTED = {
    "persona": Persona, "number": Did, "person": Person, "extension": Extension,
    "department": Department, "trunk": Trunk,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that callers would run into. ``kind`` names the page that mends it."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The set-up at one moment; ``counts`` by kind."""

    counts: Mapping[str, int]
    gaps: tuple[Gap, ...]


def overview(work: Work) -> Overview:
    """Look at all of it."""
    counts = {
        name: work.db.scalar(select(func.count()).select_from(table)) or 0
        for name, table in _COUNTED.items()
    }
    return Overview(counts, tuple(_gaps(work, counts)))


def _gaps(work: Work, counts: Mapping[str, int]) -> list[Gap]:
    found = []
    if not counts["number"]:
        found.append(Gap("number", "No number leads here, so no call can come in."))
    if not counts["persona"]:
        found.append(Gap("persona", "No persona greets callers, so they hear a bare “Hello.”"))
    foreign = select(Persona.name).where(Persona.language != "en").order_by(Persona.name)
    for name in work.db.scalars(foreign):
        found.append(Gap("persona", f"{name} listens for a language that the rules do not know."))
    if not counts["person"] and not counts["department"]:
        found.append(Gap("person", "There is nobody to connect callers to."))
    organisation = work.db.get_one(models.Organisation, work.organisation_id)
    if organisation.operator_id is None and counts["person"] + counts["department"]:
        found.append(Gap("organisation", "No operator is chosen for callers who are stuck."))
    mute = select(Extension.number).where(Extension.a1_hash.is_(None)).order_by(Extension.number)
    without = list(work.db.scalars(mute))
    if without:
        shown = ", ".join(without[:5]) + (" and more" if len(without) > 5 else "")
        found.append(Gap("extension", f"No phone can register without a password: {shown}."))
    with_members = select(DepartmentMember.department_id)
    empty = select(Department.name).where(Department.id.not_in(with_members))
    for name in work.db.scalars(empty.order_by(Department.name)):
        found.append(Gap("department", f"{name} rings nobody."))
    if counts["trunk"] and not work.db.scalar(select(func.count()).where(Trunk.emergency)):
        found.append(Gap("trunk", "No trunk carries emergency calls."))
    return found


def choices(work: Work, first: tuple[str, ...] = ()) -> Choices:
    """What forms offer. ``first``: extensions that come before the others, in this order."""
    targets: list[tuple[str, str]] = []
    for table, what in ((Department, "department"), (Person, "person")):
        rows = work.db.execute(select(table.id, table.name).order_by(table.name))
        targets += [(str(row_id), f"{name} ({what})") for row_id, name in rows]
    holders = {
        row.extension: row.name for row in work.db.execute(select(Person.extension, Person.name))
    }
    numbers = list(work.db.scalars(select(Extension.number).order_by(Extension.number)))
    ordered = [
        *(item for item in first if item in numbers),
        *(n for n in numbers if n not in first),
    ]
    return Choices(
        targets=targets,
        extensions=[(n, f"{n} {holders[n]}" if n in holders else n) for n in ordered],
        free_extensions=[number for number in numbers if number not in holders],
        timezones=_zones(),
        personas=[
            (str(row_id), name)
            for row_id, name in work.db.execute(
                select(Persona.id, Persona.name).order_by(Persona.name)
            )
        ],
    )


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    """Cities, as people know them, and UTC."""
    regions = (
        "Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/",
    )  # fmt: skip
    return ("UTC", *sorted(zone for zone in available_timezones() if zone.startswith(regions)))
