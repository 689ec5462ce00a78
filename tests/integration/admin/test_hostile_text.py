"""Hostile text does nothing anywhere: it is shown as it is, or refused in words."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from appliance.admin.roles import Role
from appliance.calls.events import Speaker, TurnTaken
from appliance.events.encoding import encode
from appliance.events.shipper import store_events
from appliance.storage.database import Database
from tests.integration.admin.admin_site import Site, Tenant
from tests.integration.events.calls_for_tests import whole_call

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE calls; --",
    "{{ 7 * 7 }}{% for x in y %}${7*7}",
    "</title></main><h1>taken over",
    "javascript:alert(1)",
    "\u202egnirts\u202c \u2066x\u2069 \ufeff",
    "x" * 10_000,
    "\u0000\u0001\u001b[31m",
    "\U0001f600 ünïcödé",
]


def _store(database: Database, tenant: Tenant, text: str) -> str:
    events = whole_call(
        str(tenant.organisation_id), caller_name=text[:200].replace("\x00", ""),
        caller_number=text[:100].replace("\x00", ""),
    )  # fmt: skip
    call_id = events[0].call_id
    said = TurnTaken(
        call_id=call_id, organisation_id=str(tenant.organisation_id), seq=90, turn=90,
        speaker=Speaker.CALLER, text=text.replace("\x00", ""), at=datetime.now(UTC), model=text[:9],
    )  # fmt: skip
    lines = [encode(event).rstrip(b"\n") for event in (*events, said)]
    store_events(database, [line.replace(b"\\u0000", b"") for line in lines])
    return call_id


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_caller_says_and_is_called_is_only_text(
    on_site: OnSite, database: Database, tenant: Tenant, text: str
) -> None:
    call_id = _store(database, tenant, text)

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            for path in ("/calls", f"/calls/{call_id}"):
                reply = await browser.get(path)
                assert reply.status == 200
                for tag in ("<script>", "<img src=x", "<h1>taken"):
                    assert tag not in reply.text
                assert "49" not in text or "{{" in text
                assert len(reply.text) < 100_000
            body = (await browser.get(f"/api/v1/calls/{call_id}")).json()
            assert body["turns"][-1]["text"] == text.replace("\x00", "")

    on_site(check)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_forms_and_queries_is_only_text(
    on_site: OnSite, tenant: Tenant, text: str
) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            await browser.get("/sign-in")
            reply = await browser.form("/sign-in", email=text, password=text, next=text)
            assert reply.status == 422
            assert "<script>" not in reply.text
            assert "<img src=x" not in reply.text
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            for params in ({"number": text[:2000]}, {"outcome": text[:2000]}, {text[:50]: "x"}):
                for path in ("/calls", "/api/v1/calls"):
                    reply = await browser.get(path, params=params)
                    assert reply.status in (200, 422), reply.text
                    assert "<script>" not in reply.text or path.startswith("/api")
            for path in ("/account/password", "/account/second-factor"):
                reply = await browser.form(
                    path, old_password=text, new_password=text, new_password_again=text,
                    secret=text, code=text, password=text,
                )  # fmt: skip
                assert reply.status == 422
                assert "<script>" not in reply.text
            token = {"name": text, "scopes": ["calls:read"]}
            headers = {"X-CSRF-Token": browser.csrf}
            reply = await browser.send("POST", "/api/v1/tokens", json=token, headers=headers)
            assert reply.status in (201, 422)

    on_site(check)


def test_a_hostile_path_is_not_there(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            for path in (
                "/calls/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/calls/..%2F..%2Fetc%2Fpasswd",
                "/static/0/..%2F..%2Fapp.py", "/static/0/%2e%2e", "/%00", "/calls/%ff%fe",
            ):  # fmt: skip
                reply = await browser.get(path)
                assert reply.status == 404, path
                assert "<script>alert" not in reply.text

    on_site(check)
