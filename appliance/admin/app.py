"""The application: put together, and served."""

import asyncio
import contextlib
import json
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web

from appliance.admin import middleware, rendering
from appliance.admin.api.documents import DOCUMENT
from appliance.admin.call_metrics import KeptCounts
from appliance.admin.config import AdminConfig, tls_context
from appliance.admin.database import DatabaseThreads
from appliance.admin.gate import guarded
from appliance.admin.health import HealthChecks
from appliance.admin.live.feeds import feeding, send_watchers_away
from appliance.admin.metrics import Metrics
from appliance.admin.openapi import document
from appliance.admin.pages.api_docs import ABOUT, OPERATIONS, operations_by_tag
from appliance.admin.passwords import Passwords
from appliance.admin.rate_limit import RateLimit
from appliance.admin.recordings import keeping_recordings
from appliance.admin.route_table import all_routes
from appliance.admin.routing import Route, RouteError
from appliance.admin.services import SERVICES, Services, utc_now
from appliance.admin.setup.phones import keeping_phones
from appliance.admin.setup.refused_phones import listening_for_refusals
from appliance.admin.setup.trying import rehearsing
from appliance.admin.static_files import STATIC, StaticFiles
from appliance.admin.switch_link import SwitchLink
from appliance.storage.database import Database

# What runs beside the requests, as aiohttp's cleanup contexts: each keeps what it makes in the
# application, under an AppKey of its own.
Background = Callable[[web.Application], AsyncIterator[None]]
_HEALTH_EVERY_S = 5.0
_SHUTDOWN_S = 5.0


@dataclass(frozen=True, slots=True)
class RunningAdmin:
    """A server that listens at ``url``."""

    url: str
    services: Services


def make_services(
    config: AdminConfig,
    database: Database,
    *,
    passwords: Passwords | None = None,
    now: Callable[[], datetime] | None = None,
) -> Services:
    """What the application shares. ``passwords`` and ``now`` are exchanged by tests."""
    threads = DatabaseThreads(database, threads=config.database_threads, waiting=config.waiting)
    switch = SwitchLink(config.switch_host, config.switch_port, config.switch_password)
    return Services(
        config=config, threads=threads, passwords=passwords or Passwords(),
        health=HealthChecks(config, threads, switch), switch=switch,
        metrics=Metrics(threads, switch), call_counts=KeptCounts(threads),
        by_address=RateLimit(config.requests_per_s),
        by_account=RateLimit(config.account_requests_per_s), now=now or utc_now,
    )  # fmt: skip


def create_app(services: Services) -> web.Application:
    """The application, not yet served.

    Raises:
        RouteError: a route was declared wrongly, or registered without a declaration.
    """
    table = all_routes()
    app = web.Application(
        client_max_size=services.config.request_bytes,
        middlewares=[middleware.named, middleware.errors, middleware.doors],
    )
    app[SERVICES] = services
    app[STATIC] = StaticFiles()
    described = document(table)
    app[DOCUMENT] = json.dumps(described).encode()
    app[OPERATIONS] = operations_by_tag(described)
    app[ABOUT] = described["info"]["description"]
    for route in table:
        resource = app.router.add_resource(route.path, name=route.name)
        resource.add_route(route.method, guarded(route))
        if route.method == "GET":
            resource.add_route("HEAD", guarded(route))
    rendering.set_up(app)
    app.on_response_prepare.append(middleware.dress)
    app.on_shutdown.append(send_watchers_away)
    app.on_startup.append(_see_that_all_are_declared(table))
    app.cleanup_ctx.extend(_BACKGROUND)
    return app


def _see_that_all_are_declared(
    table: tuple[Route, ...],
) -> Callable[[web.Application], "asyncio.Future[None]"]:
    declared = {(route.method, route.path) for route in table}

    async def check(app: web.Application) -> None:
        for registered in app.router.routes():
            resource = registered.resource
            path = resource.canonical if resource is not None else "?"
            # A GET answers HEAD too.
            method = "GET" if registered.method == "HEAD" else registered.method
            if (method, path) not in declared:
                raise RouteError(
                    f"{registered.method} {path} was registered without a rule of who may use it: "
                    "declare it in a ROUTES that route_table knows"
                )

    return check  # type: ignore[return-value]


async def _running(app: web.Application) -> AsyncIterator[None]:
    services = app[SERVICES]
    looking = asyncio.create_task(_look(services), name="admin-health")
    yield
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    await services.switch.close()
    await asyncio.to_thread(services.threads.close)


_BACKGROUND: tuple[Background, ...] = (
    _running, feeding, keeping_phones, listening_for_refusals, rehearsing, keeping_recordings
)  # fmt: skip


async def _look(services: Services) -> None:
    """Keep the strip on every page current."""
    while True:
        await services.health.report()
        await asyncio.sleep(_HEALTH_EVERY_S)


@contextlib.asynccontextmanager
async def serving(services: Services) -> AsyncIterator[RunningAdmin]:
    """Serve while the context is open.

    Raises:
        ConfigurationError: TLS files that do not do.
        OSError: the address is in use or not ours.
    """
    config = services.config
    context = tls_context(config)
    runner = web.AppRunner(
        create_app(services), handler_cancellation=True, shutdown_timeout=_SHUTDOWN_S,
        access_log=None, max_line_size=middleware.LONGEST_LINE,
        max_field_size=middleware.LONGEST_LINE,
    )  # fmt: skip
    await runner.setup()
    try:
        site = web.TCPSite(runner, config.host, config.port, ssl_context=context)
        await site.start()
        host = f"[{config.host}]" if ":" in config.host else config.host
        port = runner.addresses[0][1]
        yield RunningAdmin(f"http{'s' if context else ''}://{host}:{port}", services)
    finally:
        await runner.cleanup()


def run(services: Services, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``ready`` is told the address once it listens."""

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with serving(services) as running:
            ready(running.url)
            await stop.wait()

    asyncio.run(serve())
