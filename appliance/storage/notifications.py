"""Being told of changes in the database the moment they are committed."""

import math
import os
import select
import threading
import time
from collections.abc import Callable

import psycopg
import structlog
from psycopg.rows import TupleRow

from appliance.calls.errors import StorageError
from appliance.storage.database import Database

log = structlog.get_logger(__name__)

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 10.0
_LONGEST_STOP_S = 4.0


class Notifications:
    """Listens on a thread of its own, a greenlet where gevent has patched; comes back by itself.

    What is sent while the connection is down is not told later: ``told`` is called with two empty
    strings whenever it has come up, and whoever keeps in step looks for himself then.

    Attributes:
        connects: how often it came up.

    Args:
        channels: what to listen to.
        again_s: call ``told`` so every this many seconds too; not at all when None.
        told: called on that thread with the channel and the payload; quick, and raises nothing.
    """

    def __init__(
        self, database: Database, channels: tuple[str, ...], told: Callable[[str, str], None],
        again_s: float | None = None,
    ) -> None:  # fmt: skip
        self._database, self._channels, self._told = database, channels, told
        self._again_s = again_s
        self.connects = 0
        self._stopping = threading.Event()
        self._wake = os.eventfd(0)
        self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; nothing is told afterwards. Once only."""
        self._stopping.set()
        os.eventfd_write(self._wake, 1)
        self._thread.join(_LONGEST_STOP_S)
        if not self._thread.is_alive():
            os.close(self._wake)

    def _serve(self, connection: psycopg.Connection[TupleRow]) -> None:
        self.connects += 1
        self._told("", "")
        again_at = self._next_look()
        arriving = select.poll()
        arriving.register(connection.fileno(), select.POLLIN)
        arriving.register(self._wake, select.POLLIN)
        arrived = True  # it may have while we asked to be told
        while not self._stopping.is_set():
            if arrived:
                for sent in connection.notifies(timeout=0):
                    if self._stopping.is_set():
                        return
                    self._told(sent.channel, sent.payload)
            left_s = again_at - time.monotonic()
            if left_s <= 0:
                self._told("", "")
                again_at = self._next_look()
                left_s = again_at - time.monotonic()
            # Not left to psycopg, which looks ten times a second: as much work as half a call's.
            arrived = bool(arriving.poll(None if math.isinf(left_s) else math.ceil(left_s * 1000)))

    def _next_look(self) -> float:
        return math.inf if self._again_s is None else time.monotonic() + self._again_s

    def _run(self) -> None:
        wait_s = _FIRST_WAIT_S
        while not self._stopping.is_set():
            try:
                with self._database.listening(*self._channels) as connection:
                    wait_s = _FIRST_WAIT_S
                    self._serve(connection)
            except StorageError as error:
                log.info("not_listening", error=str(error))
                self._stopping.wait(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
