"""Set-up: a list and a form for every kind of thing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from appliance.admin.api.setup import new_extension, new_password
from appliance.admin.forms import Form
from appliance.admin.pages.setup_frame import framed
from appliance.admin.pagination import cut
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, Handler, Route, may, page
from appliance.admin.setup import changes, history
from appliance.admin.setup.forms import FORMS, Choices, body_of, form_model, refuse, values_of
from appliance.admin.setup.keys import ListQuery, after_of, cursor_of, key_of, params_of
from appliance.admin.setup.kinds import KINDS, Faulty, Kind, Part, Row, Work
from appliance.admin.setup.kinds.base import names_in
from appliance.admin.setup.kinds.extensions import EXTENSIONS
from appliance.admin.setup.kinds.organisation import ORGANISATION
from appliance.admin.setup.kinds.people import PEOPLE
from appliance.admin.setup.kinds.personas import PERSONAS
from appliance.admin.setup.listing import COLUMNS
from appliance.admin.setup.overview import choices
from appliance.admin.setup.phone_settings import phone_settings
from appliance.admin.setup.refused_phones import REFUSED_PHONES
from appliance.admin.setup.voices import voices
from appliance.admin.setup.working import changing, reading
from appliance.admin.visit import Visit

_READ, _WRITE = may(Permission.SETUP_READ), may(Permission.SETUP_WRITE)
_RECENT = 8
_AT_FIRST = {
    "transfer_mode": "attended", "ring_timeout_s": 20, "emergency": "on", "position": 0,
    "language": "en",
}  # fmt: skip


def _listing(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        query: ListQuery = visit.query
        after = after_of(kind, query.cursor)
        part = Part(after, query.limit + 1, query.q)
        rows = await reading(visit, lambda work: kind.page(work, part))
        kept, following = cut(rows, query.limit, lambda row: cursor_of(kind, row))
        asked = {"cursor": following or "", **({"q": query.q} if query.q else {})}
        address = visit.url(f"setup_{kind.plural}", asked) if following else ""
        refused = visit.request.config_dict[REFUSED_PHONES].seen_by(str(visit.who.organisation_id))
        return framed(
            visit, "setup/list.html", kind=kind, rows=kept, columns=COLUMNS[kind.name],
            following=str(address), needle=query.q, many=bool(query.q or query.cursor or following),
            refused=refused if kind is EXTENSIONS else (),
        )  # fmt: skip

    return handle


async def _form_page(
    visit: Visit, kind: Kind, form: Form, row: Row | None, *, status: int = 200,
    stale: changes.Stale | None = None,
) -> web.Response:  # fmt: skip
    """The form of a thing that is there, or of a new one."""

    def look(work: Work) -> tuple[Choices, Sequence[history.Change], Sequence[str], dict[str, str]]:
        names = names_in(work.db)
        if row is None:
            return choices(work), (), (), names
        members = tuple(row.state.get("members", ()))
        found = history.page(work.db, _RECENT, None, kind.name, row.key)
        reasons = kind.uses(work, row.key) if not kind.single else ()
        return choices(work, members), found, reasons, names

    offered, recent, reasons, names = await reading(visit, look)
    if kind is PERSONAS:
        offered = replace(offered, voices=await voices(visit.services.config.inference_url))
    return framed(
        visit, "setup/form.html", status=status, kind=kind, inputs=FORMS[kind.name], form=form,
        row=row, choices=offered, recent=recent, reasons=reasons, names=names, stale=stale,
        theirs=values_of(kind, stale.row.state) if stale else {},
        version=stale.row.version if stale else row.version if row else "",
    )  # fmt: skip


def _new(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        names = [item.name for item in FORMS[kind.name]]
        shown = {name: _AT_FIRST[name] for name in names if name in _AT_FIRST}
        return await _form_page(visit, kind, Form(shown), None)

    return handle


def _adding(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        form = visit.form
        body = body_of(kind, form) if form.ok else None
        if body is None:
            return await _form_page(visit, kind, form, None, status=422)
        try:
            if kind is EXTENSIONS:
                made = await changing(visit, lambda work: new_extension(work, body))
                return await _password_page(visit, *made, new=True)
            row = await changing(visit, lambda work: changes.add(work, kind, body))
        except Faulty as error:
            refuse(kind, form, error)
            return await _form_page(visit, kind, form, None, status=422)
        return await _saved(visit, kind, row, "added")

    return handle


def _showing(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        key = key_of(visit, kind)
        row = await reading(visit, lambda work: changes.existing(work, kind, key))
        return await _form_page(visit, kind, Form(values_of(kind, row.state)), row)

    return handle


def _saving(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        form, key = visit.form, key_of(visit, kind)
        row, offered = await reading(
            visit, lambda work: (changes.existing(work, kind, key), choices(work))
        )
        body = body_of(kind, form, offered) if form.ok else None
        if body is None:
            return await _form_page(visit, kind, form, row, status=422)
        version = str(form.values.get("version", ""))
        try:
            row = await changing(visit, lambda work: changes.change(work, kind, key, body, version))
        except Faulty as error:
            refuse(kind, form, error)
            return await _form_page(visit, kind, form, row, status=422)
        except changes.Stale as error:
            return await _form_page(visit, kind, form, error.row, status=409, stale=error)
        return await _saved(visit, kind, row, "saved")

    return handle


async def _saved(visit: Visit, kind: Kind, row: Row, done: str) -> web.Response:
    if kind is PEOPLE:
        number = row.state["extension"]
        phone = await reading(visit, lambda work: EXTENSIONS.find(work, number))
        if phone is not None and not phone.more["password_set"]:
            visit.flash(
                f"Extension {number} has no password yet, so no phone can register with it. "
                "Make one under Extensions.", "warning",
            )  # fmt: skip
    title = row.more.get("of") or kind.title(row.state)
    words = f"The opening hours of {title} are saved." if kind.name == "hours" else ""
    place = "setup_organisation" if kind is ORGANISATION else f"setup_{kind.plural}"
    return visit.redirect(place, words or f"{title} is {done}. It holds from the next call on.")


def _removing(kind: Kind) -> Handler:
    async def handle(visit: Visit) -> Answer:
        key = key_of(visit, kind)
        try:
            row = await changing(visit, lambda work: changes.remove(work, kind, key))
        except changes.InUse as error:
            visit.flash(f"This cannot be removed. {' '.join(error.reasons)}", "error")
            return visit.redirect(f"setup_{kind.name}", **{kind.param: key})
        title = kind.title(row.state)
        return visit.redirect(
            f"setup_{kind.plural}", f"{title} is removed. The history can bring it back."
        )

    return handle


async def make_password(visit: Visit) -> Answer:
    """A new password for an extension, shown on the page that answers."""
    number = visit.params.extension
    row, password = await changing(visit, lambda work: new_password(work, number))
    return await _password_page(visit, row, password, new=False)


async def _password_page(visit: Visit, row: Row, password: str, *, new: bool) -> web.Response:
    phone = await phone_settings(visit.services)
    return framed(visit, "setup/password.html", row=row, password=password, phone=phone, new=new)


def _routes(kind: Kind) -> list[Route]:
    if kind is ORGANISATION:
        here, listed = "/setup/organisation", ""
    else:
        here, listed = f"/setup/{kind.plural}/{{{kind.param}}}", f"/setup/{kind.plural}"
    keyed: dict[str, Any] = {"params": params_of(kind), "object_kind": kind.name}
    form = form_model(kind)
    one = f"setup_{kind.name}" if kind.name != "hours" else "setup_hours_of"
    routes = [
        page("GET", here, one, _showing(kind), _READ, **keyed),
        page(
            "POST", here, f"setup_save_{kind.name}", _saving(kind), _WRITE, body=form, **keyed
        ),
    ]  # fmt: skip
    if listed:
        routes.append(
            page(
                "GET", listed, f"setup_{kind.plural}", _listing(kind), _READ, query=ListQuery
            )
        )  # fmt: skip
    if not kind.single:
        new = f"{listed}/new"
        routes += [
            page("GET", new, f"setup_new_{kind.name}", _new(kind), _WRITE),
            page(
                "POST", new, f"setup_add_{kind.name}", _adding(kind), _WRITE, body=form,
                object_kind=kind.name,
            ),
            page(
                "POST", f"{here}/remove", f"setup_remove_{kind.name}", _removing(kind), _WRITE,
                **keyed,
            ),
        ]  # fmt: skip
    return routes


ROUTES = (
    *(route for kind in KINDS.values() for route in _routes(kind)),
    page(
        "POST", "/setup/extensions/{extension}/password", "setup_make_password", make_password,
        _WRITE, params=params_of(EXTENSIONS), object_kind="extension",
    ),
)  # fmt: skip
