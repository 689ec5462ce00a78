"""What the benchmarks run on: a database, one controller process, and the bench as its load."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import gevent
from gevent import get_hub

from appliance.calls.errors import ApplianceError, ConfigurationError
from appliance.lab.benchmarks.callers import TimedPhone
from appliance.lab.processes import ApplianceProcess
from appliance.lab.stack import free_port
from appliance.lab.switch.bench import BenchConfig, BenchSwitch
from appliance.lab.switch.dialplan import BenchDialplan
from appliance.storage.database import Database, set_organisation
from appliance.storage.directory_import import import_directory
from appliance.storage.migrate import migrate
from appliance.storage.private_cluster import PrivateCluster

DIRECTORY = Path(__file__).with_name("directory.yaml")
DID = "+15550001"
LONG_GREETING_DID = "+15550002"
CONTROLLER = ("bench", "--controller")
_LINK_S = 10.0
_RECORDS_S = 30.0
_LOOK_EVERY_S = 0.05
_ENDED = """
    SELECT count(*) FROM calls WHERE call_id = ANY(%s) AND started_at IS NOT NULL
    AND ended_at IS NOT NULL
"""


@dataclass(frozen=True)
class Store:
    """A private, durable PostgreSQL with the schema and the benchmarks' organisation in it."""

    url: str
    database: Database
    organisation_id: str

    def rows(self, query: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """What a query gives; without holding up the phones."""
        found: list[tuple[Any, ...]] = get_hub().threadpool.apply(self._rows, (query, parameters))
        return found

    def _rows(self, query: str, parameters: Any) -> list[tuple[Any, ...]]:
        with self.database.transaction() as connection:
            set_organisation(connection, self.organisation_id)
            return connection.execute(query, parameters).fetchall()

    def wait_ended(self, call_ids: list[str], timeout_s: float = _RECORDS_S) -> int:
        """Wait until the calls have a record with a beginning and an end; how many have."""
        ended = 0
        with gevent.Timeout(timeout_s, False):
            while ended < len(call_ids):
                ended = self.rows(_ENDED, (call_ids,))[0][0]
                if ended < len(call_ids):
                    gevent.sleep(_LOOK_EVERY_S)
        return ended


@contextmanager
def store(work: Path) -> Iterator[Store]:
    """The database, for as long as the context lasts.

    Raises:
        ConfigurationError, StorageError: PostgreSQL is missing or does not start.
    """
    with PrivateCluster(work / "postgres") as cluster:
        migrate(cluster.url)
        database = Database(cluster.url)
        try:
            organisation_id = import_directory(database, DIRECTORY)
            yield Store(cluster.url, database, organisation_id)
        finally:
            database.close()


@dataclass
class Rig:
    """A controller with its load. Calls are dialled from here."""

    store: Store
    bench: BenchSwitch
    controller: ApplianceProcess
    dialled: int = 0

    def dial(self, did: str = DID) -> tuple[TimedPhone, str]:
        """One more caller dials; the phone and the call's id."""
        self.dialled += 1
        phone = TimedPhone(f"+1555{self.dialled:07d}", self.bench.now)
        return phone, self.bench.dial(phone, did, call_id=str(uuid4()))


@contextmanager
def rig(
    store: Store, work: Path, environment: Mapping[str, str] | None = None,
    command: Sequence[str] = CONTROLLER,
) -> Iterator[Rig]:  # fmt: skip
    """A controller that takes the bench's calls, for as long as the context lasts.

    Args:
        command: the controller's; by default one with engines that answer at once.
        environment: settings by their environment names, on top of those the rig needs.

    Raises:
        ConfigurationError: it does not start; the message holds the end of its log.
    """
    with ExitStack() as undo:
        port = free_port()
        dialplan = BenchDialplan(controllers=(f"127.0.0.1:{port}",))
        bench = BenchSwitch(BenchConfig(dialplan=dialplan))
        _, control_port = bench.start()
        undo.callback(bench.stop)
        controller = ApplianceProcess(
            "controller", command, {
                "APPLIANCE_SETTINGS": os.devnull,  # the machine's own settings are not ours
                "APPLIANCE_LOG_LEVEL": "WARNING",
                "DATABASE_URL": store.url,
                "APPLIANCE_SWITCH__PORT": str(control_port),
                "APPLIANCE_SWITCH__PASSWORD": bench.config.password,
                "APPLIANCE_SWITCH__CALL_SERVER_PORT": str(port),
                "APPLIANCE_SWITCH__MAX_CALLS": "1000",
                "APPLIANCE_STORAGE__DIRECTORY": str(work / "state"),
                **(environment or {}),
            }, work / "logs",
        )  # fmt: skip
        controller.start()
        undo.callback(in_thread, controller.stop)
        in_thread(controller.wait_ready)
        _wait_for(lambda: bool(bench.core.listeners), "the controller's control link")
        yield Rig(store, bench, controller)


def in_thread(job: Callable[[], None]) -> None:
    """Do something that blocks without holding up the bench.

    Raises:
        ApplianceError: what it raised.
    """

    def done() -> ApplianceError | None:
        try:
            job()
        except ApplianceError as error:  # the thread pool would print it
            return error
        return None

    error = get_hub().threadpool.apply(done)
    if error is not None:
        raise error


def _wait_for(happened: Callable[[], bool], what: str) -> None:
    with gevent.Timeout(_LINK_S, ConfigurationError(f"{what} did not come in {_LINK_S:g} s")):
        while not happened():
            gevent.sleep(_LOOK_EVERY_S)
