"""Made-up calls: listed, found and counted like others."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from appliance.admin.roles import Role
from appliance.calls.errors import StorageError
from appliance.lab.benchmarks.seeding import TURNS_PER_CALL, seed
from appliance.storage.call_models import Call, Turn
from appliance.storage.database import Database
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
