"""Forms of the set-up: their fields, and the way from typed text to a body and back.

A form takes whatever is typed; the body that it becomes is checked by the same models as the API's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field, StringConstraints, ValidationError, create_model

from appliance.admin.fields import Model
from appliance.admin.forms import Form
from appliance.admin.problems import field_problems
from appliance.admin.setup.kinds import Faulty, Kind, State
from appliance.calls.directory import LANGUAGES
from appliance.calls.hours import WEEKDAYS
from appliance.dialogue.prompts import SENTENCES

_BETWEEN = re.compile(r"[,;\n]")
_TYPED = Annotated[str, StringConstraints(max_length=20_000)]


@dataclass(frozen=True, slots=True)
class Choices:
    """What lists offer: pairs of a value and its words."""

    targets: Sequence[tuple[str, str]] = ()
    extensions: Sequence[tuple[str, str]] = ()
    free_extensions: Sequence[str] = ()
    timezones: Sequence[str] = ()
    personas: Sequence[tuple[str, str]] = ()
    voices: Sequence[str] = ()

    def meant(self, typed: str) -> str:
        """The id of a person or department that was typed by name; else what was typed."""
        wanted = typed.casefold()
        for target_id, words in self.targets:
            if wanted in (words.casefold(), words.rpartition(" (")[0].casefold()):
                return target_id
        return typed


@dataclass(frozen=True, slots=True)
class Input:
    """A field of a form.

    Attributes:
        look: ``line``, ``area`` (a list, one on each line), ``check``, ``choice``, ``checks``,
            ``password``, ``number``.
        options: what a choice offers; ``suggested``: what a line completes to.
        fixed: shown, not changed, once the thing is there.
    """

    name: str
    label: str
    look: str = "line"
    hint: str = ""
    required: bool = False
    options: Callable[[Choices], Sequence[tuple[str, str]]] | None = None
    suggested: Callable[[Choices], Sequence[str]] | None = None
    fixed: bool = False
    attrs: Mapping[str, Any] = field(default_factory=dict)


def _modes(_: Choices) -> Sequence[tuple[str, str]]:
    return (
        ("attended", "Announced: they hear who calls and why, and accept"),
        ("blind", "Straight through"),
    )


_MODE = Input("transfer_mode", "How calls are handed over", "choice", options=_modes)
_RINGS = Input(
    "ring_timeout_s", "Rings for (seconds)", "number", "3 to 120.", attrs={"min": 3, "max": 120}
)
_ALIASES = Input(
    "aliases", "Callers also say", "area", "One on each line, such as “Doctor Jones” or “Annie”."
)
_DAYS = tuple(
    Input(day, day.capitalize(), hint="" if position else "Such as 09:00-12:30, 13:30-17:00")
    for position, day in enumerate(WEEKDAYS)
)
FORMS: Mapping[str, tuple[Input, ...]] = {
    "number": (
        Input(
            "number", "Number", hint="As dialled from abroad, such as +4930123450.", required=True,
            fixed=True, attrs={"inputmode": "tel", "autocomplete": "off"},
        ),
        Input(
            "persona", "Who answers", "choice",
            options=lambda choices: (("", "The organisation's persona"), *choices.personas),
        ),
    ),
    "persona": (
        Input("name", "Name", hint="For these pages; callers never hear it.", required=True),
        Input("greeting", "Greeting", hint="The first sentence of every call.", required=True),
        Input(
            "house", "Spoken name of the house",
            hint="As it is pronounced. Empty: the organisation's name.",
        ),
        Input(
            "voice", "Voice", hint="Empty: the model server's own.",
            suggested=lambda choices: choices.voices, attrs={"autocomplete": "off"},
        ),
        Input(
            "language", "Callers speak", "choice",
            "Only what is listened for. The rules that decide, and the appliance's own sentences, "
            "are English; the voice and the sentences below do not follow this choice.",
            options=lambda _: tuple(LANGUAGES.items()),
        ),
        *(
            Input(key, label, hint=f"Empty: “{SENTENCES[key]}”")
            for key, label in (
                ("help", "Asks how to help"), ("closed_help", "After hours, follows the greeting"),
                ("anything_else", "Asks for a further wish"), ("goodbye", "Says goodbye"),
            )
        ),
        Input(
            "introduction", "Says that it is a machine",
            hint="Empty: “I am the automatic assistant of” and the house.",
        ),
    ),
    "person": (
        Input("name", "Name", hint="As it is spoken to callers.", required=True),
        Input(
            "extension", "Extension", hint="A new number makes a new extension.", required=True,
            suggested=lambda choices: choices.free_extensions,
            attrs={"inputmode": "numeric", "autocomplete": "off"},
        ),
        _ALIASES, _MODE, _RINGS,
    ),
    "extension": (
        Input(
            "number", "Number", hint="2 to 8 digits.", required=True, fixed=True,
            attrs={"inputmode": "numeric", "autocomplete": "off"},
        ),
        Input("outbound", "May call out through trunks", "check"),
    ),
    "department": (
        Input("name", "Name", hint="As it is spoken to callers.", required=True),
        Input(
            "members", "Rings all of these at once", "checks",
            options=lambda choices: choices.extensions,
        ),
        _ALIASES,
        Input(
            "topics", "Callers ask about", "area",
            "One on each line, such as “invoice” or “appointment”.",
        ),
        _MODE, _RINGS,
    ),
    "trunk": (
        Input("name", "Name", required=True, fixed=True, attrs={"autocomplete": "off"}),
        Input(
            "proxy", "Provider's host", hint="A host, or host:port, such as sip.provider.example.",
            required=True,
        ),
        Input("register", "Sign in to the provider", "check"),
        Input("username", "User name", attrs={"autocomplete": "off"}),
        Input(
            "password", "Password", "password", "Left empty, it stays as it is.",
            attrs={"autocomplete": "new-password"},
        ),
        Input("realm", "Realm", hint="Empty: the provider's host."),
        Input(
            "addresses", "The provider calls from", "area",
            "Addresses or networks, one on each line. Without any, nothing comes in.",
        ),
        Input(
            "outbound_prefixes", "Phones may dial over it", "area",
            "First digits, one on each line, such as +49. Without any, nothing goes out.",
        ),
        Input("emergency", "Carries emergency calls", "check"),
        Input("position", "Order of trying", "number", "The lowest is tried first.",
              attrs={"min": 0, "max": 1000}),
    ),
    "hours": (
        Input("own", "", "choice"), *_DAYS,
        Input(
            "exceptions", "Dates that differ", "area",
            "One on each line: 2026-12-25 closed, or 2026-12-31 09:00-12:00.",
        ),
    ),
    "organisation": (
        Input("name", "Name", required=True),
        Input(
            "timezone", "Time zone", hint="Opening hours are meant in it.", required=True,
            suggested=lambda choices: choices.timezones,
        ),
        Input(
            "persona", "Who answers", "choice", "Where a number names nobody else.",
            options=lambda choices: (("", "The first persona"), *choices.personas),
        ),
        Input(
            "operator", "Operator", "choice", "For callers who ask for somebody, or are stuck.",
            options=lambda choices: (("", "The first department"), *choices.targets),
        ),
        Input(
            "emergency", "Takes emergencies", "choice",
            options=lambda choices: (("", "The operator"), *choices.targets),
        ),
    ),
}  # fmt: skip


def form_model(kind: Kind) -> type[Model]:
    """What a browser may send for a kind: text of any kind in the fields that there are."""
    fields: dict[str, Any] = {"version": (_TYPED, "")}
    for item in FORMS[kind.name]:
        typed: Any = list[_TYPED] if item.look == "checks" else _TYPED
        empty: Any = list if item.look == "checks" else str
        # Beside its name: a field called `register` would hide a method of pydantic's.
        fields[f"{item.name}_"] = (typed, Field(default_factory=empty, alias=item.name))
    made: type[Model] = create_model(f"{kind.name.title()}Form", __base__=Model, **fields)
    return made


def values_of(kind: Kind, state: State) -> dict[str, Any]:
    """What a form shows of something that is there."""
    if kind.name == "hours":
        return _hours_values(state)
    shown: dict[str, Any] = {}
    for item in FORMS[kind.name]:
        value = state.get(item.name)
        if item.look == "area":
            shown[item.name] = "\n".join(value or ())
        elif item.look == "check":
            shown[item.name] = "on" if value else ""
        elif item.look == "checks":
            shown[item.name] = list(value or ())
        else:
            shown[item.name] = "" if value is None else value
    return shown


def body_of(kind: Kind, form: Form, offered: Choices | None = None) -> Model | None:
    """The checked body; None after putting what is wrong into the form.

    Args:
        offered: where people and departments may be typed by name.
    """
    try:
        typed = _typed(kind, form.model.model_dump(by_alias=True), offered or Choices())
        return kind.body.model_validate(typed)
    except ValidationError as error:
        for problem in field_problems(error, ""):
            parts = problem.field.split(".")
            place = parts[1] if parts[0] == "week" and len(parts) > 1 else parts[0]
            form.refuse(place, _for_people(problem.message))
    except Faulty as error:
        refuse(kind, form, error)
    return None


def refuse(kind: Kind, form: Form, faulty: Faulty) -> None:
    """Put what does not fit into the form, at the field where it can be mended."""
    names = {item.name for item in FORMS[kind.name]}
    for fault in faulty.faults:
        place = WEEKDAYS[0] if fault.field == "week" else fault.field
        form.refuse(place if place in names else "", fault.message)


def _typed(kind: Kind, values: State, offered: Choices) -> State:
    if kind.name == "hours":
        return _hours_typed(values)
    given: State = {}
    for item in FORMS[kind.name]:
        value = values[item.name]
        if item.look == "area":
            given[item.name] = _split(value)
        elif item.look == "checks":
            # Ticked, each a value of its own, or, where there are too many to tick, typed.
            given[item.name] = [part for text in value for part in _split(text)]
        elif item.look == "check":
            given[item.name] = value == "on"
        elif (item.look == "password" or item.look == "choice") and value == "":
            given[item.name] = None
        elif item.look == "choice" and kind.name == "organisation":
            given[item.name] = offered.meant(value)
        elif item.name == "number" and kind.name == "number":
            # As people write it, with spaces and brackets; +49 (0)30 leaves its 0 out.
            given[item.name] = re.sub(r"\(0\)|[\s().\-/]", "", value)
        else:
            given[item.name] = value
    return given


def _hours_values(state: State) -> dict[str, Any]:
    days = (
        f"{day} {', '.join(spans) or 'closed'}"
        for day, spans in sorted(state["exceptions"].items())
    )
    week = {day: ", ".join(state["week"][day]) for day in WEEKDAYS}
    return {"own": "yes" if state["own"] else "no", **week, "exceptions": "\n".join(days)}


def _hours_typed(values: State) -> State:
    exceptions: dict[str, list[str]] = {}
    for line in filter(None, (line.strip() for line in values["exceptions"].splitlines())):
        day, _, spans = line.partition(" ")
        closed = spans.strip().casefold() in ("", "closed")
        # A date that stands twice is told by what comes of it: its spans are joined and checked.
        exceptions.setdefault(day, []).extend([] if closed else _split(spans))
    week = {
        day: [] if values[day].casefold() == "closed" else _split(values[day]) for day in WEEKDAYS
    }
    return {"own": values["own"] == "yes", "week": week, "exceptions": exceptions}


def _split(text: str) -> list[str]:
    return [part.strip() for part in _BETWEEN.split(text) if part.strip()]


def people_words(error: ValidationError) -> str:
    """The first thing that pydantic found, for people."""
    return _for_people(field_problems(error, "")[0].message)


def _for_people(message: str) -> str:
    """Pydantic's own words without its names for types."""
    if message.startswith("String should have at least 1"):
        return "This is missing."
    if "valid UUID" in message:
        return "There is no such person or department; choose one of the list."
    for technical, plain in (
        ("String should have at most", "Write at most"), ("Input should be", "It should be"),
        ("a valid integer, unable to parse string as an integer", "a whole number"),
    ):  # fmt: skip
        message = message.replace(technical, plain)
    return message
