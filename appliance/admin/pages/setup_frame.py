"""What all pages of the set-up have around them: their tabs, and how the phones stand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from appliance.admin.setup.listing import value_text
from appliance.admin.setup.phones import PHONES, PhonesAre, PhoneState
from appliance.admin.setup.telling import lines_of
from appliance.admin.visit import Visit

# Route, words; in the order in which an organisation is set up.
TABS = (
    ("setup", "Overview"), ("setup_organisation", "Organisation"), ("setup_personas", "Personas"),
    ("setup_numbers", "Numbers"),
    ("setup_people", "People"), ("setup_extensions", "Extensions"),
    ("setup_departments", "Departments"), ("setup_hours", "Hours"), ("setup_trunks", "Trunks"),
    ("setup_try", "Try it"), ("setup_history", "History"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PhoneLine:
    """One line about FreeSWITCH's files. ``look`` is a badge's kind."""

    look: str
    text: str


def phone_line(state: PhoneState, now: datetime) -> PhoneLine:
    """How the phones stand, in words."""
    if state.are is PhonesAre.ELSEWHERE:
        return PhoneLine("", "FreeSWITCH's files are not written from here")
    if state.are is PhonesAre.BEHIND:
        return PhoneLine("down", f"Phones are behind. {state.error}")
    if state.are is PhonesAre.WAITING or state.at is None:
        return PhoneLine("live", "Phones are being updated")
    return PhoneLine("ok", f"Phones updated {_ago((now - state.at).total_seconds())}")


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return f"{max(0, seconds):.0f} s ago"


def framed(visit: Visit, template: str, *, status: int = 200, **context: Any) -> web.Response:
    """A page of the set-up."""
    path = visit.request.path
    addresses = [(name, str(visit.url(name)), words) for name, words in TABS]
    # The longest that fits; the overview's address begins all of them.
    fitting = [item for item in addresses if path == item[1] or path.startswith(f"{item[1]}/")]
    current = max(fitting, key=lambda item: len(item[1]), default=addresses[0])[0]
    phones = phone_line(visit.request.config_dict[PHONES].state, visit.now)
    return visit.page(
        template, status=status, tabs=addresses, tab=current, phones=phones,
        value_text=value_text, lines_of=lines_of, **context,
    )  # fmt: skip
