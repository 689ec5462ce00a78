"""The audit log, to be read."""

from appliance.admin.api.audit import AuditQuery, entries
from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit


async def show(visit: Visit) -> Answer:
    """The list, the newest first."""
    query: AuditQuery = visit.query
    rows, following = await entries(visit, query)
    filters = {name: getattr(query, name) for name in ("actor", "action", "object")}
    filters = {name: value for name, value in filters.items() if value}
    return visit.page(
        "audit.html", rows=rows, filters=filters,
        following=str(visit.url("audit", {**filters, "cursor": following})) if following else "",
    )  # fmt: skip


ROUTES = (page("GET", "/audit", "audit", show, may(Permission.AUDIT_READ), query=AuditQuery),)
