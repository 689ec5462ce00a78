"""The audit log over the API, to be read. Nothing changes it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, tuple_

from appliance.admin.fields import Line
from appliance.admin.pagination import Page, PageQuery, cut, encode_cursor, time_cursor
from appliance.admin.problems import wrong_value
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, api, may
from appliance.admin.visit import Visit
from appliance.storage.admin_models import AuditEntry


class AuditQuery(PageQuery):
    """What to look for; each is the beginning of it."""

    actor: Line = ""
    action: Line = ""
    object: Line = ""


class AuditEntryOut(BaseModel):
    """Something that was done."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor_id: UUID | None = Field(description="account or token; null for the command line")
    actor: str
    via: str = Field(description="session, token or cli")
    action: str
    object_kind: str
    object_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    address: str
    correlation_id: str


async def entries(visit: Visit, query: AuditQuery) -> tuple[Sequence[AuditEntry], str | None]:
    """A page of the log, the newest first, and the cursor of the next."""
    entry, after = AuditEntry, _place(query.cursor)
    wanted = select(entry).where(entry.organisation_id == visit.who.organisation_id)
    if query.actor:
        wanted = wanted.where(entry.actor.istartswith(query.actor, autoescape=True))
    if query.action:
        wanted = wanted.where(entry.action.startswith(query.action, autoescape=True))
    if query.object:
        wanted = wanted.where(entry.object_id.startswith(query.object, autoescape=True))
    if after is not None:
        wanted = wanted.where(tuple_(entry.at, entry.id) < after)
    wanted = wanted.order_by(entry.at.desc(), entry.id.desc()).limit(query.limit + 1)
    rows = await visit.database(lambda db: list(db.scalars(wanted)))
    return cut(rows, query.limit, lambda row: encode_cursor(row.at, str(row.id)))


def _place(cursor: str) -> tuple[datetime, int] | None:
    found = time_cursor(cursor)
    if found is None:
        return None
    if not (found[1].isascii() and found[1].isdecimal()) or len(found[1]) > 18:
        raise wrong_value("query.cursor", "Use a cursor as it came, or leave it out.")
    return found[0], int(found[1])


async def list_(visit: Visit) -> Answer:
    """Entries, the newest first."""
    rows, following = await entries(visit, visit.query)
    return Page[AuditEntryOut](
        items=[AuditEntryOut.model_validate(row) for row in rows], next_cursor=following
    )


ROUTES = (
    api(
        "GET", "/audit", "api_audit", list_, may(Permission.AUDIT_READ), query=AuditQuery,
        response=Page[AuditEntryOut], tag="Audit", summary="List what was done, and by whom",
    ),
)  # fmt: skip
