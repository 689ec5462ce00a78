"""Fixtures of the admin application; `admin_site` has what they give."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete

from appliance.admin.app import make_services, serving
from appliance.admin.config import AdminConfig
from appliance.storage.admin_models import SignInGuard
from appliance.storage.database import Database
from tests.integration.admin.admin_site import FAST, Site, Tenant, TestClock, make_tenant

OnSite = Callable[..., None]


@pytest.fixture
def tenant(database: Database) -> Tenant:
    return make_tenant(database)


@pytest.fixture
def other_tenant(database: Database) -> Tenant:
    return make_tenant(database)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(autouse=True)
def _no_old_guards(database: Database) -> None:
    """Every test comes from one address; what others failed must not count."""
    with database.session(UUID(int=0)) as session:
        session.execute(delete(SignInGuard))


@pytest.fixture
def config(tmp_path: Path) -> AdminConfig:
    return AdminConfig(
        port=0, spool=tmp_path / "spool", recordings=tmp_path / "recordings",
        requests_per_s=10_000.0, account_requests_per_s=10_000.0, database_threads=4,
    )  # fmt: skip


@pytest.fixture
def on_site(database: Database, config: AdminConfig, clock: TestClock) -> OnSite:
    """Run a coroutine function against a fresh application: ``on_site(test)``.

    Keyword arguments change the configuration.
    """

    def run(test: Callable[[Site], Coroutine[Any, Any, None]], **changes: Any) -> None:
        async def main() -> None:
            services = make_services(
                replace(config, **changes), database, passwords=FAST, now=clock
            )
            async with serving(services) as running:
                await test(Site(running.url, services))

        asyncio.run(main())

    return run
