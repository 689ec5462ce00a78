"""Changes in people's words: the names of fields as forms have them, values as they read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.admin.setup.forms import FORMS
from appliance.admin.setup.history import Change
from appliance.admin.setup.listing import value_text

_LABELS = {"week": "Week", "own": "Hours of its own", "hours": "Opening hours"}
_NOTHING = value_text(None, {})


@dataclass(frozen=True, slots=True)
class Line:
    """One value before and after; empty where a thing was not there."""

    label: str
    before: str
    after: str


def lines_of(change: Change, names: Mapping[str, str]) -> Sequence[Line]:
    """What a change changed, in the order of the form.

    Args:
        names: of people and departments by id.
    """
    kind = change.entry.object_kind
    labels = {item.name: item.label for item in FORMS[kind]} | _LABELS
    order = list(labels)
    told = []
    for item in change.differences:
        before = value_text(item.before, names) if change.entry.before else ""
        after = value_text(item.after, names) if change.entry.after else ""
        if {before, after} <= {"", _NOTHING}:
            continue  # a new thing's empty values, say
        place = order.index(item.field) if item.field in order else len(order)
        label = labels.get(item.field, item.field.replace("_", " ").capitalize())
        told.append((place, Line(label, before, after)))
    return [line for _, line in sorted(told, key=lambda pair: pair[0])]
