"""Filters and full-text search, the same over pages and the API."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import select

from appliance.admin.roles import Role
from appliance.calls.decision import Priority
from appliance.calls.events import Outcome
from appliance.storage.admin_models import AuditEntry
from appliance.storage.database import Database
from appliance.storage.models import Did
from tests.integration.admin.admin_site import Browser, Site, Tenant
from tests.integration.admin.made_calls import BEGAN, Made, store

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]


async def _ids(browser: Browser, **query: Any) -> list[str]:
    reply = await browser.get("/api/v1/calls", params=query)
    assert reply.status == 200, reply.text
    return [item["call_id"] for item in reply.json()["items"]]


@pytest.mark.parametrize("split", [False, True])
def test_every_filter_finds_its_calls(
    on_site: OnSite, tenant: Tenant, database: Database, split: bool
) -> None:
    plain, wanted = store(
        database, tenant.organisation_id, Made(outcome=Outcome.INFORMED),
        Made(
            number="+49 (30) 222-333", labels=("vip",), priority=Priority.HIGH, target="t-1",
            outcome=None, at=BEGAN + timedelta(hours=1), said=("zebra crossing",),
        ),
        split=split,
    )  # fmt: skip

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            assert await _ids(browser) == [wanted, plain]
            for query in (
                {"number": "030 222 333"}, {"number": "2333"}, {"label": "vip"},
                {"priority": "high"}, {"person": "t-1"}, {"going_on": "true"},
                {"after": "2026-05-04T10:00:00Z"}, {"words": "zebra"},
                {"words": '"zebra crossing"'}, {"words": "-sales"},
                {"words": "zebras", "sort": "newest"},
                {"words": "zebra", "label": "vip", "number": "333", "priority": "high"},
            ):  # fmt: skip
                assert await _ids(browser, **query) == [wanted], query
            for query in (
                {"number": "222"}, {"label": "none"}, {"person": "t-2"}, {"outcome": "lost"},
                {"words": '"crossing zebra"'}, {"words": "zebra", "priority": "low"},
                {"words": "..."}, {"words": "&|!()<->:*"}, {"label": "{vip}"},
            ):  # fmt: skip
                assert await _ids(browser, **query) == [], query
            assert await _ids(browser, priority="normal") == [plain]
            assert await _ids(browser, outcome="informed", before="2026-05-04T10:00:00Z") == [plain]

    on_site(check)


def test_a_number_is_also_the_one_that_was_dialled(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    number = f"+4977{uuid4().int % 10**8:08d}"
    with database.session(tenant.organisation_id) as session:
        session.add(Did(organisation_id=tenant.organisation_id, number=number))
    wanted, _ = store(database, tenant.organisation_id, Made(did=number), Made())

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            assert await _ids(browser, number=number[3:]) == [wanted]

    on_site(check)


def test_the_best_come_first_and_pages_miss_and_repeat_nothing(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    made = [
        Made(said=("the pianola " * (1 + n % 3),), at=BEGAN + timedelta(minutes=n))
        for n in range(9)
    ]
    ids = store(database, tenant.organisation_id, *made)
    called = store(
        database,
        tenant.organisation_id,
        Made(name="Pianola Smith", said=("hello",), at=BEGAN - timedelta(days=1)),
    )[0]

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            assert (await _ids(browser, words="pianola"))[0] == called
            for sort in ("best", "newest"):
                found: list[str] = []
                query: dict[str, Any] = {"words": "pianola", "limit": 3, "sort": sort}
                while True:
                    body = (await browser.get("/api/v1/calls", params=query)).json()
                    found += [item["call_id"] for item in body["items"]]
                    if body["next_cursor"] is None:
                        break
                    query["cursor"] = body["next_cursor"]
                assert len(found) == 10
                assert set(found) == {*ids, called}
            assert found[:-1] == list(reversed(ids))
            other = await browser.get("/api/v1/calls", params={**query, "sort": "best"})
            assert other.status == 422

    on_site(check)


def test_what_was_found_is_marked_and_is_only_text(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    hostile = "a \ue000pelican\ue001 <b>pelican</b> </mark><script>alert(1)</script> pelicans"
    store(database, tenant.organisation_id, Made(said=("nothing of note", hostile)))

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            body = (await browser.get("/api/v1/calls", params={"words": "pelican"})).json()
            snippet = body["items"][0]["snippet"]
            assert (snippet["turn"], snippet["speaker"]) == (3, "caller")
            marked = [piece["text"] for piece in snippet["pieces"] if piece["found"]]
            assert marked == ["pelican", "pelican", "pelicans"]
            page = (await browser.get("/calls", params={"words": "pelican"})).text
            assert page.count("<mark>") == 3
            assert "<script>alert" not in page
            assert "<b>" not in page
            assert f"#turn-{snippet['turn']}" in page

    on_site(check)


def test_a_search_is_noted_with_its_words(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    store(database, tenant.organisation_id, Made())

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.AUDITOR]) as browser:
            await browser.get("/calls?words=sales")
            await browser.get("/api/v1/calls?label=vip")

    on_site(check)
    with database.session(tenant.organisation_id) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.object_kind == "calls")).all()
    assert [entry.action for entry in entries] == ["calls.searched"]
    assert entries[0].after == {"words": "sales", "shown": 1}


def test_another_organisations_calls_are_never_found(
    on_site: OnSite, tenant: Tenant, other_tenant: Tenant, database: Database
) -> None:
    store(database, tenant.organisation_id, Made(labels=("vip",), target="t-1"))

    async def check(site: Site) -> None:
        async with site.signed_in(other_tenant.emails[Role.OWNER]) as browser:
            for query in ({}, {"words": "sales"}, {"label": "vip"}, {"person": "t-1"}):
                assert await _ids(browser, **query) == []
            assert "vip" not in (await browser.get("/calls")).text.lower()

    on_site(check)


def test_a_search_may_use_its_index_under_row_level_security(postgres_url: str) -> None:
    """As the function's owner, whose policy is simply true; the application itself could not."""
    words = "words @@ 'pelican'::tsquery"
    facets = "appliance_facets(organisation_id, at, outcome, priority, target_ids, labels)"
    with psycopg.connect(postgres_url, options="-c enable_seqscan=off") as connection:
        for condition in (words, f"{facets} @> '{{vip}}'", f"{words} AND {facets} && '{{day}}'"):
            lines = connection.execute(
                f"EXPLAIN SELECT call_id FROM call_list WHERE {condition}"
            ).fetchall()
            assert any("Index Scan on ix_call_list_found_by" in line for (line,) in lines), lines


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("number=abc", "query.number"), ("sort=worst", "query.sort"),
        ("priority=9", "query.priority"),
        ("words=x&cursor=WyIyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwibmFuOngiXQ", "query.cursor"),
    ],
)  # fmt: skip
def test_wrong_filters_are_named(on_site: OnSite, tenant: Tenant, query: str, field: str) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            reply = await browser.get(f"/api/v1/calls?{query}")
            assert reply.status == 422
            assert reply.json()["errors"][0]["field"] == field
            assert (await browser.get(f"/calls?{query}")).status == 422

    on_site(check)
