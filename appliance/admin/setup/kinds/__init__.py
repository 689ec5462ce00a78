"""The kinds of things that are set up, by name."""

from collections.abc import Mapping

from appliance.admin.setup.kinds.base import After, Fault, Faulty, Kind, Out, Part, Row, State, Work
from appliance.admin.setup.kinds.departments import DEPARTMENTS
from appliance.admin.setup.kinds.extensions import EXTENSIONS
from appliance.admin.setup.kinds.hours import HOURS
from appliance.admin.setup.kinds.numbers import NUMBERS
from appliance.admin.setup.kinds.organisation import ORGANISATION
from appliance.admin.setup.kinds.people import PEOPLE
from appliance.admin.setup.kinds.personas import PERSONAS
from appliance.admin.setup.kinds.trunks import TRUNKS

__all__ = ["KINDS", "After", "Fault", "Faulty", "Kind", "Out", "Part", "Row", "State", "Work"]

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (PERSONAS, NUMBERS, PEOPLE, EXTENSIONS, DEPARTMENTS, HOURS, TRUNKS, ORGANISATION)
}
