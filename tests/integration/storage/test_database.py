"""Connections that are kept from one transaction to the next."""

import psycopg
import pytest

from appliance.storage.database import Database

pytestmark = pytest.mark.postgres

_ENDED_WITHIN_MS = 10_000


def _backend(database: Database) -> int:
    with database.transaction() as connection:
        return connection.info.backend_pid


def test_a_connection_is_kept(database: Database) -> None:
    assert _backend(database) == _backend(database)


def test_one_that_the_server_ended_meanwhile_is_not_used_again(
    database: Database, postgres_url: str
) -> None:
    kept = _backend(database)
    with psycopg.connect(postgres_url) as connection:
        ended = connection.execute("SELECT pg_terminate_backend(%s, %s)", (kept, _ENDED_WITHIN_MS))
        assert ended.fetchone() == (True,)
    assert _backend(database) != kept
