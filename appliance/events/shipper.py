"""Takes events from the spools to PostgreSQL, and never loses, doubles or reorders one.

A batch is stored in one transaction, and only then confirmed to the spool; what a crash leaves
between the two is shipped again and found to be there already. While the database is away the
shipper waits, longer and longer up to a limit. An event that the database refuses for what it
holds is searched out by halving its batch, put with the dead letters, and the rest goes on.
"""

import json
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog

from appliance.calls.errors import StorageError
from appliance.events import projection
from appliance.storage.database import Database, RefusedRowError
from appliance.storage.dead_letters import DeadLetters
from appliance.storage.spool import Spool
from appliance.storage.spool_reader import AdoptedSpool, Batch, SpoolReader, adopt

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ShipperConfig:
    """How the shipper works; times in seconds.

    Attributes:
        batch_lines: events in one transaction, at most.
        gather_s: events that come within this time go together; a transaction costs more than
            the few events that one call gives rise to in it.
        first_wait_s, longest_wait_s: back-off while the database is away.
        adopt_every_s: how often to look for spools of processes that are gone.
    """

    batch_lines: int = 500
    gather_s: float = 0.2
    first_wait_s: float = 0.2
    longest_wait_s: float = 10.0
    adopt_every_s: float = 5.0


class Shipper:
    """Ships this process's spool, and adopts those of processes that died.

    Runs on a thread of its own, which is a greenlet in a process that gevent has patched.

    Attributes:
        shipped: events that were new to the database.
        dead_letters: what it refused.
    """

    def __init__(
        self,
        spool: Spool,
        database: Database,
        config: ShipperConfig | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.shipped = 0
        self.dead_letters = DeadLetters(spool.root / "dead-letters.jsonl")
        self._spool = spool
        self._reader = SpoolReader(spool.directory, finished=False)
        self._adopted: list[AdoptedSpool] = []
        self._database = database
        self._config = config or ShipperConfig()
        self._monotonic = monotonic
        self._adopt_at = monotonic()
        self._batch_lines = self._config.batch_lines
        self._failures = 0
        self._confirmed = 0
        self._progress = threading.Condition()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin shipping."""
        self._thread = threading.Thread(target=self._run, name="shipper", daemon=True)
        self._thread.start()

    def drain(self, timeout_s: float) -> bool:
        """Wait until all that was appended before now is in the database or a dead letter.

        Returns:
            False when ``timeout_s`` was not enough.
        """
        goal = self._spool.appended_lines
        with self._progress:
            return self._progress.wait_for(lambda: self._confirmed >= goal, timeout_s)

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Ship what there is, if the database answers, and end. What is left stays in the spool.

        Returns:
            Whether everything of this process's spool has been shipped.
        """
        self._stopping.set()
        self._spool.appended.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._confirmed >= self._spool.appended_lines

    def _run(self) -> None:
        while True:
            last = self._stopping.is_set()
            self._spool.appended.clear()
            try:
                reached = self._ship_own() and (last or self._ship_orphans())
            except OSError as error:
                reached = self._wait_longer(error)
            if last:
                break
            self._rest(reached)
        for adopted in self._adopted:
            adopted.release()

    def _rest(self, reached: bool) -> None:
        if not reached:
            wait_s = min(
                self._config.first_wait_s * 2 ** min(self._failures - 1, 20),
                self._config.longest_wait_s,
            )
            # Many controllers must not come back in the same instant.
            self._stopping.wait(wait_s * random.uniform(0.7, 1.0))
        elif not self._adopted:
            self._spool.appended.wait(self._config.adopt_every_s)
            self._stopping.wait(self._config.gather_s)

    def _ship_own(self) -> bool:
        """Ship all there is in this process's spool; False when the database is away."""
        while self._confirmed < self._spool.appended_lines:
            batch = self._reader.read(max_lines=self._batch_lines)
            if batch is None:
                break  # the disk refuses the rest, and the spool holds it
            if not self._ship(self._reader, batch):
                return False
            with self._progress:
                self._confirmed += len(batch.lines)
                self._progress.notify_all()
        return True

    def _ship_orphans(self) -> bool:
        """Ship a batch of each adopted spool, so that our own events never wait long for them."""
        if self._monotonic() >= self._adopt_at:
            self._adopt_at = self._monotonic() + self._config.adopt_every_s
            self._adopted += adopt(self._spool.root)
        for adopted in tuple(self._adopted):
            batch = adopted.reader.read(max_lines=self._batch_lines)
            if batch is None:
                adopted.remove()
                self._adopted.remove(adopted)
            elif not self._ship(adopted.reader, batch):
                return False
        return True

    def _ship(self, reader: SpoolReader, batch: Batch) -> bool:
        try:
            self._store(batch.lines)
        except (StorageError, OSError) as error:
            # A smaller batch may pass where a large one ran into the statement's time limit.
            self._batch_lines = max(1, self._batch_lines // 2)
            return self._wait_longer(error)
        if self._failures:
            _log.warning("database_is_back", failures=self._failures)
            self._failures = 0
        self._batch_lines = min(2 * self._batch_lines, self._config.batch_lines)
        reader.confirm(batch)
        return True

    def _wait_longer(self, error: Exception) -> bool:
        self._failures += 1
        if self._failures == 1:
            _log.error("events_wait_in_spool", error=str(error))
        return False

    def _store(self, lines: list[bytes]) -> None:
        """Store lines, searching out those that the database refuses for what they hold.

        Raises:
            StorageError: the database is away.
            OSError: a dead letter cannot be kept.
        """
        try:
            self.shipped += store_events(self._database, lines)
        except RefusedRowError as error:
            if len(lines) > 1:
                middle = len(lines) // 2
                self._store(lines[:middle])
                self._store(lines[middle:])
                return
            _log.error("event_refused", call_id=_call_of(lines[0]), error=str(error))
            self.dead_letters.add(lines[0], str(error))


def _call_of(line: bytes) -> str | None:
    """Whose event a refused line was meant to be, as far as it says; at most 100 characters."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    named = event.get("call_id") if isinstance(event, dict) else None
    return named[:100] if isinstance(named, str) else None


def store_events(database: Database, lines: list[bytes]) -> int:
    """Store events and what is derived from them, in one transaction.

    Args:
        lines: JSON as the spool keeps it, without newlines; events known already are passed over.

    Returns:
        How many were new.

    Raises:
        RefusedRowError: one of them cannot be stored; none has been.
        StorageError: the database is away.
    """
    batches = defaultdict(list)
    for line in lines:
        batches[_organisation_of(line)].append(line)
    new = 0
    with database.transaction() as connection:
        # In one order, as each is waited for (see migration 0006) and two batches must not wait in
        # a ring.
        for organisation in sorted(batches):
            batch = {"organisation": organisation, "lines": b"\n".join(batches[organisation])}
            connection.execute(projection.PREPARE, batch)
            row = connection.execute(projection.STORE, batch).fetchone()
            new += row[0] if row else 0
    return new


def _organisation_of(line: bytes) -> str:
    """Whose event a line holds.

    Raises:
        RefusedRowError: nobody's.
    """
    try:
        organisation: str = json.loads(line)["organisation_id"]
        UUID(organisation)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise RefusedRowError(f"no event of an organisation: {error}") from error
    return organisation
