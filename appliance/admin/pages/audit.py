"""The audit log, to be read."""

from datetime import datetime

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from appliance.admin.fields import Line
from appliance.admin.pagination import PageQuery, cut, encode_cursor, time_cursor
from appliance.admin.problems import wrong_value
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit
from appliance.storage.admin_models import AuditEntry


class AuditQuery(PageQuery):
    """The form of filters; each is the beginning of what is looked for."""

    actor: Line = ""
    action: Line = ""
    object: Line = ""


async def show(visit: Visit) -> Answer:
    """The list, the newest first."""
    query: AuditQuery = visit.query
    after = _place(query.cursor)

    def work(db: Session) -> list[AuditEntry]:
        return _entries(db, visit, query, after)

    rows, following = cut(
        await visit.database(work), query.limit, lambda row: encode_cursor(row.at, str(row.id))
    )
    filters = {name: getattr(query, name) for name in ("actor", "action", "object")}
    filters = {name: value for name, value in filters.items() if value}
    return visit.page(
        "audit.html", rows=rows, filters=filters,
        following=str(visit.url("audit", {**filters, "cursor": following})) if following else "",
    )  # fmt: skip


def _entries(
    db: Session, visit: Visit, query: AuditQuery, after: tuple[datetime, int] | None
) -> list[AuditEntry]:
    entry = AuditEntry
    wanted = select(entry).where(entry.organisation_id == visit.who.organisation_id)
    if query.actor:
        wanted = wanted.where(entry.actor.istartswith(query.actor, autoescape=True))
    if query.action:
        wanted = wanted.where(entry.action.startswith(query.action, autoescape=True))
    if query.object:
        wanted = wanted.where(entry.object_id.startswith(query.object, autoescape=True))
    if after is not None:
        wanted = wanted.where(tuple_(entry.at, entry.id) < after)
    wanted = wanted.order_by(entry.at.desc(), entry.id.desc())
    return list(db.scalars(wanted.limit(query.limit + 1)))


def _place(cursor: str) -> tuple[datetime, int] | None:
    found = time_cursor(cursor)
    if found is None:
        return None
    if not found[1].isdecimal() or len(found[1]) > 18:
        raise wrong_value("query.cursor", "Use a cursor as it came, or leave it out.")
    return found[0], int(found[1])


ROUTES = (page("GET", "/audit", "audit", show, may(Permission.AUDIT_READ), query=AuditQuery),)
