"""Set-up: the overview, the history with undo, and trying a sentence."""

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field

from appliance.admin.api.setup_history import ChangeParams, tried
from appliance.admin.fields import Line, Model, OptionalTime, RequiredLine
from appliance.admin.forms import Form
from appliance.admin.pages.setup_frame import framed
from appliance.admin.problems import Problem
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.setup import history
from appliance.admin.setup.kinds import KINDS
from appliance.admin.setup.kinds.base import names_in
from appliance.admin.setup.overview import overview
from appliance.admin.setup.working import changing, reading
from appliance.admin.visit import Visit

_READ, _WRITE = may(Permission.SETUP_READ), may(Permission.SETUP_WRITE)
_PAGE = 40


class HistoryQuery(Model):
    """Which changes."""

    kind: Line = ""
    key: Line = ""
    before_id: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None


class TryForm(Model):
    """What a caller might say, and when."""

    say: RequiredLine
    at: OptionalTime = None


async def show_overview(visit: Visit) -> Answer:
    """What there is, what is missing, what was done last."""
    found, recent, names = await reading(
        visit,
        lambda work: (
            overview(work), history.page(work.db, 6, None), names_in(work.db)
        ),
    )  # fmt: skip
    return framed(
        visit, "setup/overview.html", overview=found, recent=recent, names=names, kinds=KINDS
    )


async def show_history(visit: Visit) -> Answer:
    """Changes, of everything or of one thing."""
    query: HistoryQuery = visit.query
    found, names = await reading(
        visit,
        lambda work: (
            history.page(work.db, _PAGE + 1, query.before_id, query.kind, query.key),
            names_in(work.db),
        ),
    )  # fmt: skip
    kept = found[:_PAGE]
    following = ""
    if len(found) > _PAGE:
        asked = {"kind": query.kind, "key": query.key, "before_id": str(kept[-1].entry.id)}
        following = str(visit.url("setup_history", {k: v for k, v in asked.items() if v}))
    one = kept[0].title if kept and query.key else ""
    return framed(
        visit, "setup/history.html", recent=kept, names=names, following=following, one=one,
        kinds=KINDS, kind_name=query.kind,
    )  # fmt: skip


async def undo(visit: Visit) -> Answer:
    """Take a change back."""
    change_id = visit.params.change_id
    try:
        change = await changing(visit, lambda work: history.undo(work, change_id))
    except Problem as problem:
        if problem.status != 409:
            raise
        visit.flash(problem.detail, "error")
    else:
        visit.flash(f"Undone: {change.title} is as it was before.")
    return visit.redirect("setup_history")


async def show_try(visit: Visit) -> Answer:
    """The form."""
    return _try_page(visit, Form({"at": _local(visit, visit.now)}))


async def try_out(visit: Visit) -> Answer:
    """The form with what came of it."""
    form = visit.form
    if not form.ok:
        return _try_page(visit, form, status=422)
    body: TryForm = visit.body
    at = visit.now
    if body.at is not None:
        at = _in_zone(body.at, str(form.values["at"]), ZoneInfo(visit.who.timezone))
    return _try_page(visit, form, result=await tried(visit, body.say, at))


def _try_page(
    visit: Visit, form: Form, *, status: int = 200, result: object = None
) -> web.Response:
    return framed(visit, "setup/try.html", status=status, form=form, result=result)


def _in_zone(at: datetime, text: str, zone: ZoneInfo) -> datetime:
    """What a browser's field means: the organisation's time, where it names no zone."""
    try:
        typed = datetime.fromisoformat(text.strip())
    except ValueError:  # another way of writing a time that pydantic understands
        return at
    return at if typed.tzinfo is not None else typed.replace(tzinfo=zone)


def _local(visit: Visit, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(visit.who.timezone)):%Y-%m-%dT%H:%M}"


ROUTES = (
    page("GET", "/setup", "setup", show_overview, _READ),
    page("GET", "/setup/history", "setup_history", show_history, _READ, query=HistoryQuery),
    page(
        "POST", "/setup/history/{change_id}/undo", "setup_undo", undo, _WRITE,
        params=ChangeParams, object_kind="change",
    ),
    page("GET", "/setup/try", "setup_try", show_try, _READ),
    page("POST", "/setup/try", "setup_try_out", try_out, _READ, body=TryForm),
)  # fmt: skip
