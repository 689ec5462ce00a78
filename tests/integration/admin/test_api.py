"""The API: tokens, pages of lists, problem details, idempotency, the OpenAPI document."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from appliance.admin.roles import Permission, Role
from appliance.events.encoding import encode
from appliance.events.shipper import store_events
from appliance.storage.admin_models import ApiToken, IdempotencyKey
from appliance.storage.database import Database
from tests.integration.admin.admin_site import Browser, Reply, Site, Tenant, TestClock
from tests.integration.events.calls_for_tests import whole_call

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]


def _calls(database: Database, tenant: Tenant, count: int, **facts: Any) -> list[str]:
    ids = []
    for _ in range(count):
        events = whole_call(str(tenant.organisation_id), **facts)
        store_events(database, [encode(event).rstrip(b"\n") for event in events])
        ids.append(events[0].call_id)
    return ids


async def _make_token(browser: Browser, *scopes: Permission, **more: Any) -> Reply:
    body = {"name": "screen", "scopes": [scope.value for scope in scopes], **more}
    return await browser.send(
        "POST", "/api/v1/tokens", json=body, headers={"X-CSRF-Token": browser.csrf}
    )


def _problem(reply: Reply, status: int, code: str) -> dict[str, Any]:
    assert reply.status == status, reply.text
    assert reply.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = reply.json()
    assert body["type"] == f"urn:appliance:problem:{code}"
    assert body["status"] == status
    replayed = "Idempotency-Replayed" in reply.headers
    assert replayed or body["correlation_id"] == reply.headers["X-Correlation-Id"]
    return body


def test_a_token_is_made_used_and_revoked(
    on_site: OnSite, tenant: Tenant, database: Database, clock: TestClock
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            reply = await _make_token(browser, Permission.CALLS_READ)
            assert reply.status == 201
            made = reply.json()
            assert made["token"].startswith("apl_")
            listed = await browser.get("/api/v1/tokens")
            assert made["token"] not in listed.text
            assert listed.json()["items"][0]["id"] == made["id"]
            async with site.program(made["token"]) as program:
                assert (await program.get("/api/v1/calls")).status == 200
                _problem(await program.get("/api/v1/tokens"), 403, "forbidden")
                await browser.send(
                    "POST", f"/api/v1/tokens/{made['id']}/revoke",
                    headers={"X-CSRF-Token": browser.csrf},
                )  # fmt: skip
                _problem(await program.get("/api/v1/calls"), 401, "bad-token")
            with database.session(tenant.organisation_id) as session:
                kept = session.scalars(select(ApiToken)).one()
            assert kept.token_hash.hex() not in made["token"]
            assert made["token"].rsplit("_", 1)[1].encode() not in kept.token_hash

    on_site(check)


def test_a_token_ends_by_itself(on_site: OnSite, tenant: Tenant, clock: TestClock) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            made = (await _make_token(browser, Permission.CALLS_READ, days=2)).json()
        async with site.program(made["token"]) as program:
            clock.advance(hours=47)
            assert (await program.get("/api/v1/calls")).status == 200
            clock.advance(hours=1)
            _problem(await program.get("/api/v1/calls"), 401, "bad-token")

    on_site(check)


def test_a_token_cannot_make_a_stronger_one(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            made = (await _make_token(browser, Permission.TOKENS_MANAGE)).json()
        async with site.program(made["token"]) as program:
            body = _problem(await _make_token(program, Permission.SETUP_WRITE), 422, "invalid")
            assert body["errors"][0]["field"] == "body.scopes"

    on_site(check)


@pytest.mark.parametrize("header", ["Bearer nonsense", "Basic eDp5", "Bearer apl_" + "0" * 500])
def test_a_token_that_is_none_is_refused_also_with_a_good_cookie(
    on_site: OnSite, tenant: Tenant, header: str
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            reply = await browser.get("/api/v1/calls", headers={"Authorization": header})
            _problem(reply, 401, "bad-token")

    on_site(check)


def test_lists_come_in_pages_that_miss_and_repeat_nothing(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    ids = _calls(database, tenant, 7)

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.AUDITOR]) as browser:
            found: list[str] = []
            query = "limit=3"
            while True:
                body = (await browser.get(f"/api/v1/calls?{query}")).json()
                found += [item["call_id"] for item in body["items"]]
                if body["next_cursor"] is None:
                    break
                query = f"limit=3&cursor={body['next_cursor']}"
            assert found == list(reversed(ids))

    on_site(check)


def test_filters_narrow_the_list(on_site: OnSite, tenant: Tenant, database: Database) -> None:
    _calls(database, tenant, 2, caller_number="+4930111")
    wanted = _calls(database, tenant, 1, caller_number="+4930222")

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.AUDITOR]) as browser:

            async def ids(query: str) -> list[str]:
                body = (await browser.get(f"/api/v1/calls?{query}")).json()
                return [item["call_id"] for item in body["items"]]

            assert await ids("number=30%20222") == wanted
            assert len(await ids("outcome=message_taken")) == 3
            assert await ids("outcome=lost") == []
            assert await ids("before=2001-01-01T00:00:00Z") == []
            assert await ids("going_on=true") == []

    on_site(check)


def test_a_call_has_all_its_parts(on_site: OnSite, tenant: Tenant, database: Database) -> None:
    call_id = _calls(database, tenant, 1)[0]

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.AUDITOR]) as browser:
            body = (await browser.get(f"/api/v1/calls/{call_id}")).json()
            assert [turn["text"] for turn in body["turns"]] == ["Hello.", "sales please"]
            assert len(body["decisions"][0]["decision"]["verdicts"]) == 5
            assert body["transfers"][0]["result"] == "busy"
            assert body["messages"][0]["urgent"] is True
            events = (await browser.get(f"/api/v1/calls/{call_id}/events?limit=5")).json()
            assert [event["seq"] for event in events["items"]] == [1, 2, 3, 4, 5]
            rest = (await browser.get(f"/api/v1/calls/{call_id}/events?after_seq=5")).json()
            assert [event["seq"] for event in rest["items"]] == [6, 7, 8, 9, 10, 11]
            assert rest["next_after_seq"] is None

    on_site(check)


_BAD_QUERIES = [
    ("limit=0", "query.limit"),
    ("limit=x", "query.limit"),
    ("cursor=nonsense", "query.cursor"),
    ("cursor=WyJhIiwiYiJd", "query.cursor"),
    ("outcome=eaten", "query.outcome"),
    ("after=yesterday", "query.after"),
    ("after=0001-01-01T00:00:00%2B14:00", "query.after"),
    ("before=12345", "query.before"),
    ("number=%00", "query.number"),
    ("nonsense=1", "query.nonsense"),
]


@pytest.mark.parametrize(("query", "field"), _BAD_QUERIES)
def test_a_wrong_value_is_named_with_its_mend(
    on_site: OnSite, tenant: Tenant, query: str, field: str
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            body = _problem(await browser.get(f"/api/v1/calls?{query}"), 422, "invalid")
            assert [error["field"] for error in body["errors"]] == [field]
            assert body["errors"][0]["message"].endswith(".")

    on_site(check)


_BAD_BODIES: list[tuple[bytes, str, int]] = [
    (b"{", "application/json", 400),
    (b"[]", "application/json", 422),
    (b'{"name": 3}', "application/json", 422),
    (b'{"name": "\\ud800", "scopes": ["calls:read"]}', "application/json", 400),
    (b'{"name": "a\\u0000b", "scopes": ["calls:read"]}', "application/json", 422),
    (b'{"name": "a", "scopes": ["calls:read"], "days": "3"}', "application/json", 422),
    (b'{"name": "a", "scopes": [], "admin": true}', "application/json", 422),
    (b"name=a", "application/x-www-form-urlencoded", 415),
    (b'{"name": "' + b"x" * 300_000 + b'"}', "application/json", 413),
    (b"[" * 100_000, "application/json", 400),
]


@pytest.mark.parametrize(("body", "media", "status"), _BAD_BODIES)
def test_a_body_that_will_not_do_is_refused(
    on_site: OnSite, tenant: Tenant, body: bytes, media: str, status: int
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            headers = {"X-CSRF-Token": browser.csrf, "Content-Type": media}
            reply = await browser.send("POST", "/api/v1/tokens", data=body, headers=headers)
            assert reply.status == status, reply.text
            assert reply.json()["status"] == status

    on_site(check)


def test_acting_twice_with_one_key_acts_once(
    on_site: OnSite, tenant: Tenant, database: Database, clock: TestClock
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:

            async def send(path: str, key: str, body: Any = None) -> Reply:
                headers = {"X-CSRF-Token": browser.csrf, "Idempotency-Key": key}
                return await browser.send("POST", path, json=body, headers=headers)

            body = {"name": "screen", "scopes": ["calls:read"]}
            made = await send("/api/v1/tokens", "first", body)
            assert made.status == 201
            # The secret is shown once, so it is not kept for a second answer either.
            _problem(await send("/api/v1/tokens", "first", body), 409, "shown-once")
            other = {**body, "name": "other"}
            _problem(await send("/api/v1/tokens", "first", other), 409, "key-reused")
            _problem(await send("/api/v1/tokens", "x" * 300, body), 422, "invalid")

            path = f"/api/v1/tokens/{made.json()['id']}/revoke"
            first = await send(path, "second")
            again = await send(path, "second")
            assert (first.status, again.status) == (200, 200)
            assert again.json() == first.json()
            assert again.headers["Idempotency-Replayed"] == "true"
            assert "Idempotency-Replayed" not in first.headers
            missing = f"/api/v1/tokens/{uuid4()}/revoke"
            for _ in range(2):
                assert (await send(missing, "third")).status == 404
        with database.session(tenant.organisation_id) as session:
            assert session.scalar(select(func.count()).select_from(ApiToken)) == 1
            kept = session.scalars(select(IdempotencyKey.body)).all()
        assert not any(b"apl_" in (item or b"") for item in kept)

    on_site(check)


def test_a_key_is_forgotten_after_a_day(
    on_site: OnSite, tenant: Tenant, clock: TestClock, database: Database
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            body = {"name": "screen", "scopes": ["calls:read"]}
            for hours in (0, 25):
                clock.advance(hours=hours)
                await browser.sign_in(tenant.emails[Role.OWNER])
                headers = {"X-CSRF-Token": browser.csrf, "Idempotency-Key": "same"}
                reply = await browser.send("POST", "/api/v1/tokens", json=body, headers=headers)
                assert reply.status == 201

    on_site(check)


def test_a_cookie_alone_does_not_act(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            body = {"name": "screen", "scopes": ["calls:read"]}
            reply = await browser.send("POST", "/api/v1/tokens", json=body)
            _problem(reply, 403, "cross-site")

    on_site(check)


def test_what_is_not_there_is_a_problem_too(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            _problem(await browser.get("/api/v1/nonsense"), 404, "not-found")
            _problem(await browser.get(f"/api/v1/calls/{uuid4()}"), 404, "not-found")
            _problem(await browser.get("/api/v1/calls/a%00b"), 404, "not-found")
            reply = await browser.send("DELETE", "/api/v1/calls")
            _problem(reply, 405, "method-not-allowed")
            assert reply.headers["Allow"] == "GET,HEAD,POST"

    on_site(check)


def test_a_correlation_id_comes_back_when_it_is_a_good_one(on_site: OnSite) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            for given, kept in (("order-66", True), ("a b", False), ("x" * 65, False)):
                reply = await browser.get("/healthz", headers={"X-Correlation-Id": given})
                assert (reply.headers["X-Correlation-Id"] == given) is kept

    on_site(check)


def test_the_document_describes_every_route_of_the_api(on_site: OnSite) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            document = (await browser.get("/api/v1/openapi.json")).json()
            assert document["openapi"] == "3.1.0"
            described = {
                (method, path) for path, item in document["paths"].items() for method in item
            }
            assert ("get", "/api/v1/calls/{call_id}") in described
            create = document["paths"]["/api/v1/tokens"]["post"]
            assert set(create["responses"]) >= {"201", "400", "401", "403", "409", "415", "422"}
            names = {part["name"] for part in create["parameters"]}
            assert names == {"Idempotency-Key"}

    on_site(check)
