"""Figures: counted as events come, in whatever order, once each; and the same when recounted."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from appliance.admin.roles import Role
from appliance.calls.events import Outcome
from appliance.events.encoding import encode
from appliance.events.shipper import store_events
from appliance.storage.database import Database
from appliance.storage.report_models import CallListing, Figure
from tests.integration.admin.admin_site import Site, Tenant, TestClock, make_tenant
from tests.integration.admin.made_calls import Made, store

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
SPAN = {"after": "2026-05-04T00:00:00Z", "before": "2026-05-06T00:00:00Z"}


def _day() -> list[Made]:
    """Three calls at once around ten, one on the next day."""
    ten = MONDAY + timedelta(hours=10)
    delays = {"decide": 4.0, "reply": 500.0}
    return [
        Made(at=ten, lasts=timedelta(minutes=3), delays_ms=delays, target="t", result="busy",
             outcome=Outcome.MESSAGE_TAKEN),
        Made(at=ten + timedelta(minutes=1), lasts=timedelta(minutes=3), delays_ms=delays,
             target="t", mode="blind"),
        Made(at=ten + timedelta(minutes=2), lasts=timedelta(minutes=65), confidence=0.51,
             delays_ms={"reply": 4000.0}, outcome=Outcome.LOST),
        Made(at=ten + timedelta(days=1), target="t", outcome=Outcome.CONNECTED),
    ]  # fmt: skip


async def _figures(site: Site, email: str, **query: str) -> dict[str, Any]:
    async with site.signed_in(email) as browser:
        reply = await browser.get("/api/v1/figures", params={**SPAN, **query})
        assert reply.status == 200, reply.text
        page = await browser.get("/figures", params={**SPAN, **query})
        assert page.status == 200
        body: dict[str, Any] = reply.json()
        assert f"{body['calls']} calls began" in page.text
        return body


@pytest.mark.parametrize("split", [False, True])
def test_calls_are_counted(
    on_site: OnSite, tenant: Tenant, database: Database, split: bool
) -> None:
    store(database, tenant.organisation_id, *_day(), split=split)

    async def check(site: Site) -> None:
        body = await _figures(site, tenant.emails[Role.AUDITOR])
        assert (body["calls"], body["ended"], body["grain"]) == (4, 4, "hour")
        assert body["answered"] == {"person": 2, "appliance": 1, "nobody": 1}
        assert body["by_hour"][10] == 4
        assert body["talked_ms"] == (3 + 3 + 65 + 1) * 60_000
        steps = {step["at"]: step for step in body["steps"]}
        assert len(steps) == 48
        ten = steps["2026-05-04T10:00:00Z"]
        assert (ten["began"], ten["peak"]) == (3, 3)
        assert ten["outcomes"] == {"message_taken": 1, "connected": 1}
        assert steps["2026-05-04T11:00:00Z"]["peak"] == 1
        assert steps["2026-05-04T12:00:00Z"]["peak"] == 0
        modes = {(one["mode"], one["result"]): one["count"] for one in body["transfers"]}
        if split:  # an end that comes before its beginning does not say how it was tried
            assert sum(modes.values()) == 3
        else:
            assert modes == {
                ("attended", "busy"): 1, ("attended", "connected"): 1, ("blind", "connected"): 1
            }  # fmt: skip
        delays = {one["stage"]: one for one in body["delays"]}
        assert delays["endpoint"]["count"] == 4
        assert delays["reply"]["count"] == 3
        assert delays["reply"]["p50"] == pytest.approx(500, rel=0.09)
        assert delays["reply"]["p99"] == pytest.approx(4000, rel=0.09)
        assert body["confidence"][10] == 1
        assert body["confidence"][18] == 3
        assert body["mean_confidence"] == pytest.approx((0.9 * 3 + 0.51) / 4)

    on_site(check)


def test_an_event_that_comes_twice_counts_once(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    lines = [encode(e).rstrip(b"\n") for e in _day()[0].events(str(tenant.organisation_id))]
    for batch in (lines[:3], lines, lines[2:]):
        store_events(database, batch)

    async def check(site: Site) -> None:
        body = await _figures(site, tenant.emails[Role.OWNER])
        assert (body["calls"], body["ended"]) == (1, 1)
        assert [one["count"] for one in body["transfers"]] == [1]

    on_site(check)


def test_counting_anew_gives_the_same(tenant: Tenant, database: Database) -> None:
    store(database, tenant.organisation_id, *_day())

    def rows() -> tuple[list[Any], list[Any]]:
        with database.session(tenant.organisation_id) as session:
            figures = select(
                Figure.grain, Figure.measure, Figure.at, Figure.key, Figure.n, Figure.total
            )
            listed = select(
                CallListing.call_id, CallListing.at, CallListing.outcome, CallListing.priority,
                CallListing.did, CallListing.caller_tail, CallListing.target_ids,
                CallListing.labels, text("strip(words)"),
            )  # fmt: skip
            found = [
                row for row in session.execute(figures) if row[1] != "transfers"
            ]  # fmt: skip
            return sorted(found), sorted(session.execute(listed))

    before = rows()
    assert len(before[1]) == 4
    with database.session(tenant.organisation_id) as session:
        assert session.execute(text("SELECT appliance_recount()")).scalar() == 4
    assert rows() == before


def test_days_are_the_organisations_own(
    on_site: OnSite, database: Database, clock: TestClock
) -> None:
    tenant = make_tenant(database, "Pacific/Auckland")
    late = datetime(2026, 5, 3, 13, 0, tzinfo=UTC)  # one in the morning of the fourth over there
    store(database, tenant.organisation_id, Made(at=late))

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            query = {"after": "2026-05-03T12:00:00Z", "before": "2026-05-10T12:00:00Z"}
            body = (await browser.get("/api/v1/figures", params=query)).json()
            assert (body["grain"], body["timezone"]) == ("day", "Pacific/Auckland")
            assert body["steps"][0]["at"] == "2026-05-03T12:00:00Z"
            assert [step["began"] for step in body["steps"]] == [1, 0, 0, 0, 0, 0, 0]
            assert body["by_hour"][1] == 1
            page = (await browser.get("/figures?after=2026-05-04T00:00")).text
            assert "1 calls began" in page

    on_site(check)


def test_an_unknown_zone_does_not_stop_counting(tenant: Tenant, database: Database) -> None:
    with database.session(tenant.organisation_id) as session:
        session.execute(text("UPDATE organisations SET timezone = 'Nowhere/Here'"))
    assert len(store(database, tenant.organisation_id, Made())) == 1


def test_others_figures_stay_theirs(
    on_site: OnSite, tenant: Tenant, other_tenant: Tenant, database: Database
) -> None:
    store(database, tenant.organisation_id, *_day())

    async def check(site: Site) -> None:
        body = await _figures(site, other_tenant.emails[Role.OWNER])
        assert (body["calls"], body["delays"]) == (0, [])
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            assert (await browser.get("/figures")).status == 403

    on_site(check)


@pytest.mark.parametrize("span", ["today", "7d", "30d", "90d", "365d"])
def test_every_span_is_drawn_and_light(
    on_site: OnSite, tenant: Tenant, database: Database, clock: TestClock, span: str
) -> None:
    store(
        database, tenant.organisation_id,
        *(
            Made(at=clock() - timedelta(days=n), outcome=list(Outcome)[n % 7], target="t",
                 delays_ms={"reply": 100.0 * n})
            for n in range(0, 360, 3)
        ),
    )  # fmt: skip

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            page = await browser.get(f"/figures?span={span}")
            assert page.status == 200
            assert page.text.count('role="img"') == 8
            assert page.text.count("As a table") == 8
            assert "style=" not in page.text
            assert len(page.text) < 80_000

    on_site(check)


@pytest.mark.parametrize(
    "query",
    ["after=2026-05-04T00:00:00Z&before=2026-05-01T00:00:00Z", "after=1990-01-01T00:00:00Z",
     "span=2d", "after=9000-01-01T00:00:00Z", "before=0002-01-02T00:00:00Z"],
)  # fmt: skip
def test_spans_that_are_none_are_named(on_site: OnSite, tenant: Tenant, query: str) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            for path in ("/api/v1/figures", "/figures"):
                reply = await browser.get(f"{path}?{query}")
                assert reply.status in ((422, 200) if "before=0002" in query else (422,))

    on_site(check)
