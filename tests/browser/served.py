"""The application on an event loop of its own, beside Playwright's."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from appliance.admin.app import make_services, serving
from appliance.admin.config import AdminConfig
from appliance.storage.database import Database
from tests.integration.admin.admin_site import FAST

_START_S = 20.0


@contextmanager
def served(database: Database, config: AdminConfig) -> Iterator[str]:
    """Serve while the context is open; the address."""
    started: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        async with serving(make_services(config, database, passwords=FAST)) as running:
            started.set_result((running.url, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = Thread(target=asyncio.run, args=(serve(),), name="admin", daemon=True)
    thread.start()
    url, loop, stop = started.result(_START_S)
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
