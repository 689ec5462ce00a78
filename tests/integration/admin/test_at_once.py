"""Many at once: counters and keys hold when requests race."""

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from appliance.admin.database import DatabaseThreads
from appliance.admin.problems import Problem
from appliance.admin.roles import Role
from appliance.storage.admin_models import ApiToken
from appliance.storage.database import Database
from tests.integration.admin.admin_site import Site, Tenant

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]


def test_guesses_at_once_share_one_counter(on_site: OnSite, tenant: Tenant) -> None:
    owner = tenant.emails[Role.OWNER]

    async def check(site: Site) -> None:
        async with site.browser() as browser:
            await browser.get("/sign-in")
            guesses = [
                browser.form("/sign-in", email=owner, password=f"guess {n}") for n in range(20)
            ]
            statuses = [reply.status for reply in await asyncio.gather(*guesses)]
            assert statuses.count(422) <= 6
            assert statuses.count(429) >= 14

    on_site(check)


def test_one_key_sent_many_times_at_once_acts_once(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            headers = {"X-CSRF-Token": browser.csrf, "Idempotency-Key": "once"}
            body = {"name": "screen", "scopes": ["calls:read"]}
            replies = await asyncio.gather(
                *(
                    browser.send("POST", "/api/v1/tokens", json=body, headers=headers)
                    for _ in range(12)
                )
            )
            statuses = [reply.status for reply in replies]
            assert statuses.count(201) == 1
            assert statuses.count(409) == 11

    on_site(check)
    with database.session(tenant.organisation_id) as session:
        assert session.scalar(select(func.count()).select_from(ApiToken)) == 1


def test_a_slow_database_turns_requests_away_instead_of_gathering_them(
    database: Database,
) -> None:
    async def main() -> None:
        threads = DatabaseThreads(database, threads=1, waiting=2)
        loop = asyncio.get_running_loop()
        going_on, may_end = asyncio.Event(), loop.create_future()

        def slow() -> int:
            loop.call_soon_threadsafe(going_on.set)
            return asyncio.run_coroutine_threadsafe(_result(may_end), loop).result()

        waiting = [asyncio.create_task(threads.run(slow)) for _ in range(3)]
        await going_on.wait()
        assert threads.busy == 3
        with pytest.raises(Problem, match="503 busy"):
            await threads.run(lambda: 1)
        may_end.set_result(7)
        assert await asyncio.gather(*waiting) == [7, 7, 7]
        assert await threads.run(lambda: 8) == 8
        threads.close()

    asyncio.run(main())


async def _result(future: "asyncio.Future[int]") -> int:
    return await asyncio.shield(future)
