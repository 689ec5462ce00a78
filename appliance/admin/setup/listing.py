"""Lists of the set-up: their columns, and how values read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.admin.setup.kinds import Row, State
from appliance.admin.setup.values import joined
from appliance.calls.hours import WEEKDAYS


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a list. ``look`` is a badge's kind; empty: plain text; ``muted``: less so."""

    text: str
    look: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, and what it shows of a row."""

    title: str
    cell: Callable[[Row], Cell]


def _plain(name: str, otherwise: str = "—") -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = row.state.get(name, row.more.get(name))
        return Cell(str(value)) if value else Cell(otherwise, "muted")

    return cell


def _listed(name: str, otherwise: str = "—") -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value = row.state.get(name, row.more.get(name))
        return Cell(joined(value)) if value else Cell(otherwise, "muted")

    return cell


def _rings(row: Row) -> Cell:
    announced = "announced" if row.state["transfer_mode"] == "attended" else "straight through"
    return Cell(f"{row.state['ring_timeout_s']} s, {announced}")


def _password(row: Row) -> Cell:
    return Cell("Set", "ok") if row.more["password_set"] else Cell("None yet", "degraded")


def _whose(row: Row) -> Cell:
    names = [name for name in (row.more["person"], *row.more["departments"]) if name]
    return Cell(joined(names)) if names else Cell("Nobody", "muted")


def _calls_out(row: Row) -> Cell:
    return Cell("Yes") if row.state["outbound"] else Cell("No", "muted")


def _whose_hours(row: Row) -> Cell:
    return Cell("Its own") if row.more["own_hours"] else Cell("Organisation's", "muted")


def _trunk_way(row: Row) -> Cell:
    return Cell("Signs in" if row.state["register"] else "By address")


def _hours_of(row: Row) -> Cell:
    if row.state["own"]:
        return Cell(week_text(row.state["week"]))
    return Cell("Always open" if row.more["whole"] else "As the organisation", "muted")


def _dates(row: Row) -> Cell:
    days = len(row.state["exceptions"])
    return Cell(f"{days} date{'s' if days > 1 else ''} differ") if days else Cell("—", "muted")


COLUMNS: Mapping[str, Sequence[Column]] = {
    "number": (
        Column("Number", _plain("number")),
        Column("Who answers", _plain("persona_name", "The organisation's persona")),
    ),
    "persona": (
        Column("Name", _plain("name")), Column("Greeting", _plain("greeting")),
        Column("Voice", _plain("voice", "The model server's own")),
    ),
    "person": (
        Column("Name", _plain("name")), Column("Extension", _plain("extension")),
        Column("Callers also say", _listed("aliases")), Column("Rings", _rings),
    ),
    "extension": (
        Column("Number", _plain("number")), Column("Whose", _whose),
        Column("Password", _password),
        Column("Calls out", _calls_out),
    ),
    "department": (
        Column("Name", _plain("name")), Column("Rings", _listed("members")),
        Column("Callers also say", _listed("aliases")),
        Column("Callers ask about", _listed("topics")),
        Column("Hours", _whose_hours),
    ),
    "hours": (
        Column("Of", _plain("of")), Column("Open", _hours_of), Column("Dates", _dates),
    ),
    "trunk": (
        Column("Name", _plain("name")), Column("Host", _plain("proxy")), Column("How", _trunk_way),
        Column("Calls come from", _listed("addresses", "Nowhere")),
        Column("Dials", _listed("outbound_prefixes", "Nothing")),
    ),
}  # fmt: skip


def week_text(week: Mapping[str, Sequence[str]]) -> str:
    """Days that are alike together: ``Mon to Fri 09:00-17:00, Sat 10:00-14:00``."""
    groups: list[tuple[int, int, tuple[str, ...]]] = []
    for position, day in enumerate(WEEKDAYS):
        spans = tuple(week.get(day, ()))
        if not spans:
            continue
        if groups and groups[-1][1] == position - 1 and groups[-1][2] == spans:
            groups[-1] = (groups[-1][0], position, spans)
        else:
            groups.append((position, position, spans))
    short = [day[:3].capitalize() for day in WEEKDAYS]
    parts = [
        f"{short[first]}{f' to {short[last]}' if last > first else ''} {' and '.join(spans)}"
        for first, last, spans in groups
    ]
    return ", ".join(parts) or "Never"


def value_text(value: Any, names: Mapping[str, str]) -> str:
    """A value of a state, as the history shows it. ``names`` are targets' by their ids."""
    if value is None or value == "" or value == [] or value == {}:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, dict):
        return _mapping_text(value)
    return names.get(str(value), str(value))


def _mapping_text(value: State) -> str:
    if set(value) <= set(WEEKDAYS):
        return week_text(value)
    if "week" in value:
        return week_text(value["week"]) if value.get("own") else "not its own"
    return ", ".join(f"{day} {' and '.join(spans) or 'closed'}" for day, spans in value.items())
