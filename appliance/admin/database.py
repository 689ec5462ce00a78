"""The database from asyncio: units of work on a few threads, one organisation at a time."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.admin.problems import Problem
from appliance.storage.database import Database

Result = TypeVar("Result")


class DatabaseThreads:
    """Runs blocking work beside the event loop.

    Args:
        threads: how many units of work run at once; the database needs as many connections.
        waiting: how many may wait beyond that; more are turned away at once, so that a slow
            database does not gather requests without end.

    Attributes:
        threads: how many units of work run at once.
    """

    def __init__(self, database: Database, *, threads: int = 8, waiting: int = 400) -> None:
        self.database = database
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="admin-database")
        self.threads = threads
        self._limit = threads + waiting
        self._busy = 0

    @property
    def busy(self) -> int:
        """Units of work that run or wait."""
        return self._busy

    async def run(self, function: Callable[[], Result]) -> Result:
        """Call ``function`` on a thread, and wait for it without stopping anybody else.

        Raises:
            Problem: 503, when too much waits already.
        """
        if self._busy >= self._limit:
            raise Problem(503, "busy", "Too much is going on; try again soon.", retry_after_s=2)
        self._busy += 1
        # The work goes on when its request is given up; it counts until it has ended.
        context = contextvars.copy_context()
        future = self._pool.submit(context.run, function)
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _threadsafe(loop, self._ended))
        return await asyncio.wrap_future(future)

    async def in_organisation(
        self, organisation_id: UUID, function: Callable[[Session], Result]
    ) -> Result:
        """A transaction that sees one organisation; committed when ``function`` returns.

        Raises:
            StorageError: the database is out of reach, or refused a row.
            Problem: as `run`.
        """

        def work() -> Result:
            with self.database.session(organisation_id) as session:
                return function(session)

        return await self.run(work)

    def close(self) -> None:
        """Wait for what runs; drop what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _ended(self) -> None:
        self._busy -= 1


def _threadsafe(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(function)
