"""What every test has: one private PostgreSQL for the session, and how the tests are shared out.

``pytest -n 2`` has two processes, as ``make test`` does; without ``-n`` there is one, as ever.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from xdist import is_xdist_worker
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from appliance.storage.database import Database
from appliance.storage.migrate import migrate
from appliance.storage.private_cluster import PrivateCluster

_LONGEST = Path(__file__).parent / "scenarios"


class _FolderByFolder(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Gives each process a whole folder at a time: the tests of one share what is slow to start."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.partition("::")[0].rpartition("/")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    config.option.loadscopereorder = False  # it would go by the number of tests
    return _FolderByFolder(config, log)


def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Begin with what plays in real time: it leaves most of the processor to the other tests."""
    if is_xdist_worker(session):
        items.sort(key=lambda item: item.path.parent != _LONGEST)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PrivateCluster]:
    """A private server. Not under pytest's own folder, which only root could enter."""
    directory = Path(tempfile.mkdtemp(prefix="appliance-postgres-"))
    try:
        with PrivateCluster(directory, durable=False) as cluster:
            yield cluster
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(postgres_cluster: PrivateCluster) -> str:
    """URL of the migrated database, as the owner of its tables.

    Tests share it: make an organisation of your own, and look at nothing else.
    """
    migrate(postgres_cluster.url)
    return postgres_cluster.url


@pytest.fixture
def nobody_else(postgres_url: str) -> None:
    """Take away what other tests have left, for those that look at all organisations at once."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute("TRUNCATE organisations CASCADE")


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """The application's way into the migrated database."""
    database = Database(postgres_url)
    yield database
    database.close()
