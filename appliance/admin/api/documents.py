"""The OpenAPI document itself."""

from aiohttp import web

from appliance.admin.routing import ANYONE, Answer, Kind, Route
from appliance.admin.visit import Visit

DOCUMENT: web.AppKey[bytes] = web.AppKey("openapi", bytes)


async def openapi(visit: Visit) -> Answer:
    """The document; it tells nothing about this organisation, so anyone may have it."""
    body = visit.request.config_dict[DOCUMENT]
    return web.Response(body=body, content_type="application/json")


ROUTES = (
    Route(
        method="GET", path="/api/v1/openapi.json", name="openapi", handler=openapi, rule=ANYONE,
        kind=Kind.PLAIN,
    ),
)  # fmt: skip
