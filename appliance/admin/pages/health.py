"""Health as a page: every part, and in words how it is."""

from appliance.admin.roles import Permission
from appliance.admin.routing import Answer, may, page
from appliance.admin.visit import Visit


async def show(visit: Visit) -> Answer:
    """All parts, those that are well too."""
    return visit.page("health.html", report=await visit.services.health.report())


ROUTES = (page("GET", "/health", "health", show, may(Permission.HEALTH_READ)),)
