"""An organisation that has something on every page, and the application that shows it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from playwright.sync_api import Browser, StorageState, expect

from appliance.admin.config import AdminConfig
from appliance.admin.roles import Role
from appliance.calls.decision import Priority
from appliance.lab.sound import tone, write_wav
from appliance.storage.database import Database
from tests.browser.served import served
from tests.browser.windows import window
from tests.integration.admin.admin_site import Tenant, TestClock, make_tenant
from tests.integration.admin.made_calls import Made, store
from tests.integration.admin.route_samples import Samples, make_samples

_OVER, _GOING_ON, _TURNS = 6, 3, 3


@dataclass(frozen=True)
class Filled:
    """The application, and what is in it.

    Attributes:
        samples: something for every parameter of a path; ``recorded`` is a call with a recording
            and ``taken_over`` one in two parts.
        owner: cookies of the owner, who is signed in.
    """

    url: str
    database: Database
    tenant: Tenant
    samples: Samples
    owner: StorageState


@contextmanager
def filled(database: Database, chromium: Browser, work: Path) -> Iterator[Filled]:
    """Fill it, serve it, sign the owner in."""
    tenant = make_tenant(database)
    samples = make_samples(database, tenant, TestClock())
    config = AdminConfig(
        port=0, spool=work / "spool", recordings=work / "recordings", requests_per_s=10_000.0,
        account_requests_per_s=10_000.0,
    )  # fmt: skip
    store_calls(database, tenant, _OVER, _GOING_ON, _TURNS)
    samples["recorded"] = store_recorded(database, tenant, config.recordings)
    samples["taken_over"] = store_taken_over(database, tenant, config.recordings)
    with served(database, config) as url:
        with window(chromium, url) as visitor:
            visitor.sign_in(tenant.emails[Role.OWNER])
            expect(visitor.page.get_by_role("button", name="Sign out")).to_be_visible()
            owner = visitor.page.context.storage_state()
        yield Filled(url, database, tenant, samples, owner)


def store_calls(database: Database, tenant: Tenant, over: int, going_on: int, turns: int) -> None:
    """Calls that are over and calls that go on; each of these with ``turns`` of the caller."""
    now = TestClock()()
    priorities = list(Priority)
    store(
        database, tenant.organisation_id,
        *(
            Made(
                at=now - timedelta(hours=5 * number), name=f"Caller {number}", labels=("vip",),
                priority=priorities[number % len(priorities)], target="someone",
                delays_ms={"decide": 12.0, "first_audio": 80.0},
            )
            for number in range(1, over + 1)
        ),
        *(
            Made(
                at=now - timedelta(minutes=1), name=f"Caller {number}", outcome=None,
                said=["I would like to speak to somebody about my invoice"] * turns,
            )
            for number in range(going_on)
        ),
    )  # fmt: skip


def store_recorded(database: Database, tenant: Tenant, recordings: Path) -> str:
    """A call with a recording; its id."""
    return _store_recorded(database, tenant, recordings, "call.wav")


def store_taken_over(database: Database, tenant: Tenant, recordings: Path) -> str:
    """A call in two parts, each with its recording; its id."""
    return _store_recorded(database, tenant, recordings, "taken.wav", "taken-2.wav")


def _store_recorded(database: Database, tenant: Tenant, recordings: Path, *names: str) -> str:
    folder = recordings / "2026-05-04"
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        write_wav(folder / name, tone(8000, 4.0), 8000, channels=2)
    made = Made(
        at=TestClock()(), said=["sales please"] * 3,
        recordings=[f"/elsewhere/{folder.name}/{name}" for name in names],
    )  # fmt: skip
    return store(database, tenant.organisation_id, made)[0]
