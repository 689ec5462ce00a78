"""The first set-up in five screens: from an empty organisation to its first call."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from aiohttp import web
from pydantic import StringConstraints, ValidationError

from appliance.admin.fields import Model
from appliance.admin.forms import Form
from appliance.admin.pages.setup_frame import framed
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.setup import changes
from appliance.admin.setup.forms import FORMS, body_of, form_model, people_words, refuse, values_of
from appliance.admin.setup.kinds import Faulty, Kind, Part, Row, State, Work
from appliance.admin.setup.kinds.base import Fault
from appliance.admin.setup.kinds.extensions import EXTENSIONS
from appliance.admin.setup.kinds.hours import HOURS
from appliance.admin.setup.kinds.numbers import NUMBERS
from appliance.admin.setup.kinds.organisation import ORGANISATION
from appliance.admin.setup.kinds.people import PEOPLE
from appliance.admin.setup.kinds.personas import PERSONAS
from appliance.admin.setup.overview import choices
from appliance.admin.setup.phone_settings import phone_settings
from appliance.admin.setup.voices import voices
from appliance.admin.setup.working import changing, reading
from appliance.admin.visit import Visit

_WRITE = may(Permission.SETUP_WRITE)
_MOST = 200
# Route, title; a screen each.
STEPS = (
    ("setup_first", "The organisation"), ("setup_first_numbers", "Its numbers"),
    ("setup_first_people", "Its people"), ("setup_first_hours", "Its hours"),
    ("setup_first_call", "A call"),
)  # fmt: skip
_Typed = Annotated[str, StringConstraints(max_length=20_000)]


_ABOUT, _SPOKEN = ("name", "timezone"), ("greeting", "house", "voice")
_FIRST = (*_ABOUT, *_SPOKEN)
_FIRST_PERSONA = "Front desk"
_FIRST_INPUTS = tuple(
    next(item for item in FORMS[kind.name] if item.name == name)
    for kind, names in ((ORGANISATION, _ABOUT), (PERSONAS, _SPOKEN))
    for name in names
)


class FirstForm(Model):
    """The organisation, and how it greets."""

    name: _Typed = ""
    timezone: _Typed = ""
    greeting: _Typed = ""
    house: _Typed = ""
    voice: _Typed = ""


class LinesForm(Model):
    """Things to add, one on each line."""

    lines: _Typed = ""


def _screen(visit: Visit, step: int, *, status: int = 200, **context: Any) -> web.Response:
    return framed(visit, "setup/first.html", status=status, step=step, steps=STEPS, **context)


async def _kind_screen(
    visit: Visit, step: int, kind: Kind, form: Form | None, status: int = 200
) -> web.Response:
    """The organisation's form, or that of its hours, as a screen."""
    key = str(visit.who.organisation_id)
    row, offered = await reading(
        visit, lambda work: (changes.existing(work, kind, key), choices(work))
    )
    form = form or Form(values_of(kind, row.state))
    return _screen(
        visit, step, status=status, kind=kind, inputs=FORMS[kind.name], form=form, row=row,
        choices=offered,
    )  # fmt: skip


async def _take_kind(visit: Visit, step: int, kind: Kind) -> Answer:
    form, key = visit.form, str(visit.who.organisation_id)
    body = body_of(kind, form) if form.ok else None
    if body is not None:
        try:
            await changing(visit, lambda work: changes.change(work, kind, key, body))
        except Faulty as error:
            refuse(kind, form, error)
        else:
            return visit.redirect(STEPS[step + 1][0])
    return await _kind_screen(visit, step, kind, form, 422)


def _persona(work: Work) -> Row | None:
    """Who answers where a number names nobody."""
    chosen = changes.existing(work, ORGANISATION, str(work.organisation_id)).state["persona"]
    if chosen:
        return PERSONAS.find(work, chosen)
    return next(iter(PERSONAS.page(work, Part(limit=1))), None)


async def _first_screen(visit: Visit, form: Form | None, status: int = 200) -> web.Response:
    key = str(visit.who.organisation_id)
    row, persona, offered = await reading(
        visit,
        lambda work: (changes.existing(work, ORGANISATION, key), _persona(work), choices(work)),
    )
    spoken = values_of(PERSONAS, persona.state) if persona else {}
    shown = values_of(ORGANISATION, row.state) | {name: spoken.get(name, "") for name in _SPOKEN}
    offered = replace(offered, voices=await voices(visit.services.config.inference_url))
    return _screen(
        visit, 0, status=status, inputs=_FIRST_INPUTS, form=form or Form(shown), choices=offered
    )


async def organisation(visit: Visit) -> Answer:
    """First screen."""
    return await _first_screen(visit, None)


async def take_organisation(visit: Visit) -> Answer:
    """Keep it, and the persona that answers for it."""
    form = visit.form
    if form.ok:
        typed = visit.body.model_dump()
        try:
            await changing(visit, lambda work: _begin(work, typed))
        except Faulty as error:
            for fault in error.faults:
                form.refuse(fault.field if fault.field in _FIRST else "", fault.message)
        else:
            return visit.redirect(STEPS[1][0])
    return await _first_screen(visit, form, 422)


def _begin(work: Work, typed: Mapping[str, Any]) -> None:
    changes.lock(work)
    row = changes.existing(work, ORGANISATION, str(work.organisation_id))
    persona = _persona(work)
    state = persona.state if persona else {"name": _FIRST_PERSONA, "language": "en"}
    wanted = _checked(PERSONAS, state, {name: typed[name] for name in _SPOKEN})
    if persona is None:
        persona = changes.add(work, PERSONAS, wanted)
    else:
        changes.change(work, PERSONAS, persona.key, wanted)
    about = {"persona": persona.key, **{name: typed[name] for name in _ABOUT}}
    changes.change(work, ORGANISATION, row.key, _checked(ORGANISATION, row.state, about))


def _checked(kind: Kind, state: State, typed: Mapping[str, Any]) -> Model:
    """What is there with what was typed.

    Raises:
        Faulty: it will not do.
    """
    form = Form(model=form_model(kind).model_validate({**values_of(kind, state), **typed}))
    body = body_of(kind, form)
    if body is None:
        raise Faulty(*(Fault(name, text) for name, text in form.errors.items()))
    return body


async def numbers(visit: Visit) -> Answer:
    """Second screen."""
    return await _lines_screen(visit, 1, Form())


async def take_numbers(visit: Visit) -> Answer:
    """Add them, all or none."""

    def add(work: Work, line: str) -> Row | None:
        body = _checked(NUMBERS, {}, {"number": line})
        known = NUMBERS.find(work, body.model_dump()["number"])
        return None if known is not None else changes.add(work, NUMBERS, body)

    if await _take_lines(visit, add) is None:
        return await _lines_screen(visit, 1, visit.form, 422)
    return visit.redirect(STEPS[2][0])


async def people(visit: Visit) -> Answer:
    """Third screen."""
    return await _lines_screen(visit, 2, Form())


async def take_people(visit: Visit) -> Answer:
    """Add them, each with a password for their phone, which is shown this once."""
    passwords: list[tuple[str, str, str]] = []

    def add(work: Work, line: str) -> Row:
        name, _, extension = line.replace("\t", ",").rpartition(",")
        wanted = PEOPLE.body.model_validate({"name": name.strip(), "extension": extension.strip()})
        row = changes.add(work, PEOPLE, wanted)
        number = str(row.state["extension"])
        phone = EXTENSIONS.find(work, number)
        if phone is not None and not phone.more["password_set"]:
            made = EXTENSIONS.new_password(work, number)
            passwords.append((str(row.state["name"]), number, made))
        return row

    added = await _take_lines(visit, add)
    if added is None:
        return await _lines_screen(visit, 2, visit.form, 422)
    if passwords:
        phone = await phone_settings(visit.services)
        return _screen(visit, 2, passwords=passwords, phone=phone)
    return visit.redirect(STEPS[3][0])


async def _take_lines(
    visit: Visit, add: Callable[[Work, str], Row | None]
) -> list[Row | None] | None:
    """Add what each line says, all or nothing; None after putting what is wrong into the form."""
    form = visit.form
    lines = [line.strip() for line in str(form.values.get("lines", "")).splitlines()]
    wanted = [(place, line) for place, line in enumerate(lines, 1) if line]

    def work(work: Work) -> list[Row | None]:
        changes.lock(work)
        return [_told(place, partial(add, work, line)) for place, line in wanted]

    if form.ok and len(wanted) > _MOST:
        form.refuse("lines", f"Write at most {_MOST} lines at once.")
    if not form.ok:
        return None
    try:
        return await changing(visit, work)
    except Faulty as error:
        form.refuse("lines", str(error))
        return None


def _told(place: int, function: Callable[[], Row | None]) -> Row | None:
    """Do one line; what is wrong with it names the line."""
    try:
        return function()
    except Faulty as error:
        raise Faulty(Fault("lines", f"Line {place}: {error}")) from None
    except ValidationError as error:
        raise Faulty(Fault("lines", f"Line {place}: {people_words(error)}")) from None


async def _lines_screen(visit: Visit, step: int, form: Form, status: int = 200) -> web.Response:
    kind: Kind = NUMBERS if step == 1 else PEOPLE
    rows: Sequence[Row] = await reading(visit, lambda work: kind.page(work, Part(limit=_MOST)))
    there = [
        f"{row.state['name']}, {row.state['extension']}" if kind is PEOPLE else row.key
        for row in rows
    ]
    return _screen(visit, step, status=status, form=form, there=there)


async def hours(visit: Visit) -> Answer:
    """Fourth screen."""
    return await _kind_screen(visit, 3, HOURS, None)


async def take_hours(visit: Visit) -> Answer:
    """Keep them."""
    return await _take_kind(visit, 3, HOURS)


async def call(visit: Visit) -> Answer:
    """Last screen: what to dial, and whether it arrived."""
    rows = await reading(visit, lambda work: NUMBERS.page(work, Part(limit=20)))
    return _screen(visit, 4, there=[row.key for row in rows])


ROUTES = (
    page("GET", "/setup/first", "setup_first", organisation, _WRITE),
    page(
        "POST", "/setup/first", "setup_first_take", take_organisation, _WRITE,
        body=FirstForm, object_kind="organisation",
    ),
    page("GET", "/setup/first/numbers", "setup_first_numbers", numbers, _WRITE),
    page(
        "POST", "/setup/first/numbers", "setup_first_numbers_take", take_numbers, _WRITE,
        body=LinesForm, object_kind="number",
    ),
    page("GET", "/setup/first/people", "setup_first_people", people, _WRITE),
    page(
        "POST", "/setup/first/people", "setup_first_people_take", take_people, _WRITE,
        body=LinesForm, object_kind="person",
    ),
    page("GET", "/setup/first/hours", "setup_first_hours", hours, _WRITE),
    page(
        "POST", "/setup/first/hours", "setup_first_hours_take", take_hours, _WRITE,
        body=form_model(HOURS), object_kind="hours",
    ),
    page("GET", "/setup/first/call", "setup_first_call", call, _WRITE),
)  # fmt: skip
