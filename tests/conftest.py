"""Fixtures for every test: one private PostgreSQL for the whole session, started when asked for."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from appliance.storage.database import Database
from appliance.storage.migrate import migrate
from appliance.storage.private_cluster import PrivateCluster


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
