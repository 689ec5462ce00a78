"""Made-up calls: listed, found and counted like others."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import func, select

from appliance.admin.roles import Role
from appliance.calls.errors import ConfigurationError, StorageError
from appliance.lab.benchmarks import operators
from appliance.lab.benchmarks.rig import Store
from appliance.lab.benchmarks.seeding import TURNS_PER_CALL, seed
from appliance.storage.call_models import Call, Turn
from appliance.storage.database import Database
from appliance.storage.migrate import migrate
from appliance.storage.models import Organisation
from appliance.storage.private_cluster import PrivateCluster
from tests.integration.admin.admin_site import Site, Tenant, TestClock

pytestmark = pytest.mark.postgres
CALLS = 120


def test_a_seeded_database_is_looked_through_like_another(
    on_site: Callable[..., None], tenant: Tenant, database: Database, postgres_url: str,
    clock: TestClock,
) -> None:  # fmt: skip
    told: list[str] = []
    until = clock() - timedelta(days=1)
    seed(
        postgres_url, str(tenant.organisation_id), CALLS, until=until, days=30, tell=told.append
    )  # fmt: skip
    assert told[0] == f"{CALLS} calls of {CALLS}"
    with database.session(tenant.organisation_id) as session:
        assert session.scalar(select(func.count()).select_from(Call)) == CALLS
        assert session.scalar(select(func.count()).select_from(Turn)) == CALLS * TURNS_PER_CALL

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            found = (await browser.get("/api/v1/calls?words=harbour&limit=200")).json()
            assert len(found["items"]) == CALLS
            figures = (await browser.get("/api/v1/figures?span=90d")).json()
            assert (figures["calls"], figures["ended"]) == (CALLS, CALLS)
            call_id = found["items"][0]["call_id"]
            assert (await browser.get(f"/calls/{call_id}")).status == 200

    on_site(check)
    with pytest.raises(StorageError, match="seeding the database"):
        seed(postgres_url, str(tenant.organisation_id), CALLS, until=until)


def test_an_empty_database_has_the_same_keys_and_indexes_afterwards(
    postgres_cluster: PrivateCluster,
) -> None:
    name = f"seeded_{uuid4().hex[:8]}"
    url = postgres_cluster.url.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(postgres_cluster.admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} OWNER appliance_owner")
        try:
            migrate(url)
            before = _keys_and_indexes(url)
            told: list[str] = []
            seed(url, _organisation(url), 50, until=datetime.now(UTC), tell=told.append)
            assert any(line.startswith("keys and indexes") for line in told)
            assert _keys_and_indexes(url) == before
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _organisation(url: str) -> str:
    organisation_id = uuid4()
    database = Database(url)
    with database.session(organisation_id) as session:
        session.add(Organisation(organisation_id=organisation_id, name="Somewhere"))
    database.close()
    return str(organisation_id)


def _keys_and_indexes(url: str) -> set[tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        return {
            *connection.execute(
                "SELECT conname, convalidated::text, pg_get_constraintdef(oid) FROM pg_constraint"
            ),
            *connection.execute("SELECT tablename, indexname, indexdef FROM pg_indexes"),
        }


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    tmp_path: Path, postgres_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 8, 10**9))
    measuring = operators.measure(Store(postgres_url, database, str(uuid4())), tmp_path, 10**6)
    with pytest.raises(ConfigurationError, match=r"1000000 calls need 11\.0 GB .* has 1\.0: ask"):
        next(measuring)
