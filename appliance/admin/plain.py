"""Routes for machines that are neither browsers nor the API: files, health, metrics."""

from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from appliance.admin import metrics
from appliance.admin.addresses import is_nearby
from appliance.admin.api.health import HealthOut
from appliance.admin.fields import Model
from appliance.admin.roles import Permission
from appliance.admin.routing import ANYONE, Answer, Kind, Route, nearby_or
from appliance.admin.static_files import STATIC
from appliance.admin.visit import Visit


class StaticParams(Model):
    """A file of ours."""

    version: Annotated[str, StringConstraints(max_length=40)]
    name: Annotated[str, StringConstraints(max_length=80)]


async def static(visit: Visit) -> Answer:
    """Style, scripts and icons."""
    files = visit.request.config_dict[STATIC]
    return files.answer(visit.request, visit.params.version, visit.params.name)


async def alive(_: Visit) -> Answer:
    """The process answers; nothing else is looked at."""
    return web.json_response({"status": "ok"})


async def ready(visit: Visit) -> Answer:
    """Whether calls are served well: 200 or 503. What is wrong is told to those nearby."""
    report = await visit.services.health.report()
    status = 200 if report.ready else 503
    if is_nearby(visit.request, visit.address, visit.services.config):
        text = HealthOut.of(report).model_dump_json(indent=2) + "\n"
        return web.Response(status=status, text=text, content_type="application/json")
    return web.json_response({"ready": report.ready}, status=status)


async def figures(visit: Visit) -> Answer:
    """What Prometheus reads. Whoever signs in for it has the calls of their organisation counted,
    and who asks from nearby those of all.
    """
    services, who = visit.services, visit.principal
    counts = await services.call_counts.of(who.organisation_id if who is not None else None)
    page = services.metrics.page(await services.health.report(), counts)
    return web.Response(body=page, headers={"Content-Type": metrics.CONTENT_TYPE})


ROUTES = (
    Route(
        method="GET", path="/static/{version}/{name}", name="static", handler=static, rule=ANYONE,
        kind=Kind.PLAIN, params=StaticParams,
    ),
    Route(
        method="GET", path="/healthz", name="healthz", handler=alive, rule=ANYONE,
        kind=Kind.PLAIN,
    ),
    Route(
        method="GET", path="/readyz", name="readyz", handler=ready, rule=ANYONE, kind=Kind.PLAIN
    ),
    Route(
        method="GET", path="/metrics", name="metrics", handler=figures,
        rule=nearby_or(Permission.HEALTH_READ), kind=Kind.PLAIN,
    ),
)  # fmt: skip
