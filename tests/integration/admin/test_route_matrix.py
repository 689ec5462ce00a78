"""Every route against every role, tokens, nobody, and another organisation's rows.

The matrix is made from the declarations: a new route is in it without anybody adding it. A path
with a parameter that `SAMPLES` does not know fails here until it names one.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from appliance.admin import accounts, api_tokens
from appliance.admin.principal import Principal, permissions_of
from appliance.admin.roles import ROLE_PERMISSIONS, Permission, Role
from appliance.admin.route_table import all_routes
from appliance.admin.routing import SAFE, Kind, Route, Who
from appliance.calls.events import to_line
from appliance.events.shipper import store_events
from appliance.storage.admin_models import ApiToken, BrowserSession
from appliance.storage.database import Database
from appliance.storage.report_models import CallNote
from tests.integration.admin.admin_site import Browser, Reply, Site, Tenant, TestClock
from tests.integration.admin.setup_rows import SetUp
from tests.integration.events.calls_for_tests import whole_call

pytestmark = pytest.mark.postgres

_FREE = {"sign_out", "take_password", "take_code", "sign_in_by_link"}
Samples = dict[str, str]


def _token(
    database: Database, tenant: Tenant, scopes: list[Permission], clock: TestClock
) -> tuple[str, str]:
    """A token of the owner's: its id and its secret."""
    owner = Principal(
        organisation_id=tenant.organisation_id, organisation="", timezone="UTC", via="session",
        credential_id=uuid4(), account_id=tenant.account_ids[Role.OWNER], name="", email="",
        role=Role.OWNER, permissions=permissions_of(Role.OWNER),
    )  # fmt: skip
    with database.session(tenant.organisation_id) as session:
        row, credential = api_tokens.add(
            session, owner, name="test", scopes=scopes, now=clock(),
            expires_at=clock() + timedelta(days=1),
        )  # fmt: skip
        return str(row.id), credential.as_token()


@pytest.fixture
def samples(database: Database, tenant: Tenant, clock: TestClock) -> Samples:
    """Something of the tenant's for every parameter that a path has: add yours here."""
    events = whole_call(str(tenant.organisation_id))
    store_events(database, [to_line(event).rstrip(b"\n") for event in events])
    session = BrowserSession(
        id=uuid4(), organisation_id=tenant.organisation_id,
        account_id=tenant.account_ids[Role.OWNER], token_hash=uuid4().bytes, confirmed=True,
        created_at=clock(), last_seen_at=clock(), expires_at=clock() + timedelta(days=1),
        address="", agent="",
    )  # fmt: skip
    with database.session(tenant.organisation_id) as db:
        db.add(session)
        note = CallNote(
            organisation_id=tenant.organisation_id, call_id=events[0].call_id, at=clock(),
            author_id=uuid4(), author="Spare", text="a note",
        )  # fmt: skip
        db.add(note)
        spare = accounts.add(
            db, tenant.organisation_id, email=f"spare-{uuid4().hex}@example.org", name="Spare",
            role=Role.AUDITOR, password_hash="none",
        ).id  # fmt: skip
    return {
        "call_id": events[0].call_id,
        "token_id": _token(database, tenant, [Permission.CALLS_READ], clock)[0],
        "session_id": str(session.id),
        "account_id": str(spare),
        "key": "none",
        "note_id": str(note.id),
        "label": "vip",
        "version": "0",
        "name": "style.css",
        **SetUp(database, tenant, clock).samples(),
    }


def _path(route: Route, samples: Samples) -> str:
    missing = set(route.param_names) - set(samples)
    assert not missing, f"give samples for {missing} ({route.path})"
    path = route.path
    for name in route.param_names:
        path = path.replace(f"{{{name}}}", samples[name])
    return path


async def _ask(browser: Browser, route: Route, samples: Samples) -> Reply:
    if route.method in SAFE:
        return await browser.get(_path(route, samples))
    if route.kind is Kind.PAGE:
        return await browser.form(_path(route, samples))
    headers = {"X-CSRF-Token": browser.csrf}
    body = dict(route.example) if route.example is not None else None
    return await browser.send(route.method, _path(route, samples), json=body, headers=headers)


def _refused(route: Route, reply: Reply) -> bool:
    to_sign_in = reply.status == 303 and reply.headers["Location"].startswith("/sign-in")
    return reply.status in (401, 403) or (to_sign_in and route.name not in _FREE)


def _allowed(route: Route, role: Role) -> bool:
    if route.rule.who in (Who.ANYONE, Who.SIGNED_IN):
        return True
    return route.rule.permission in ROLE_PERMISSIONS[role]


def test_every_route_lets_in_whom_its_rule_names(
    on_site: Callable[..., None], tenant: Tenant, samples: Samples
) -> None:
    async def check(site: Site) -> None:
        for role in Role:
            async with site.signed_in(tenant.emails[role]) as browser:
                for route in all_routes():
                    if route.name in _FREE:
                        continue  # they end or begin the session itself
                    reply = await _ask(browser, route, samples)
                    case = f"{role} {route.method} {route.path}: {reply.status}"
                    assert reply.status < 500 or route.name == "readyz", case
                    assert _refused(route, reply) is not _allowed(route, role), case

    on_site(check, metrics_from=())


def test_nobody_gets_in_without_signing_in(on_site: Callable[..., None], samples: Samples) -> None:
    async def check(site: Site) -> None:
        async with site.browser() as browser:
            for route in all_routes():
                reply = await _ask(browser, route, samples)
                if route.rule.who is Who.ANYONE:
                    assert not _refused(route, reply), route.path
                else:
                    assert _refused(route, reply), f"{route.path}: {reply.status}"

    on_site(check, metrics_from=())


@pytest.mark.parametrize("permission", list(Permission))
def test_a_token_opens_its_scope_and_nothing_else(
    on_site: Callable[..., None], database: Database, tenant: Tenant, samples: Samples,
    clock: TestClock, permission: Permission,
) -> None:  # fmt: skip
    token = _token(database, tenant, [permission], clock)[1]

    async def check(site: Site) -> None:
        async with site.program(token) as program:
            for route in all_routes():
                if route.kind is Kind.PAGE or route.rule.permission is None:
                    continue
                reply = await _ask(program, route, samples)
                case = f"{route.method} {route.path}: {reply.status}"
                assert _refused(route, reply) is (route.rule.permission is not permission), case

    on_site(check, metrics_from=())


def test_another_organisations_rows_are_not_there(
    on_site: Callable[..., None], database: Database, tenant: Tenant, other_tenant: Tenant,
    samples: Samples,
) -> None:  # fmt: skip
    ours = {*_FREE, "static"}
    foreign = [route for route in all_routes() if route.param_names and route.name not in ours]
    assert foreign

    async def check(site: Site) -> None:
        async with site.signed_in(other_tenant.emails[Role.OWNER]) as browser:
            for route in foreign:
                reply = await _ask(browser, route, samples)
                assert reply.status == 404, f"{route.method} {route.path}: {reply.status}"

    on_site(check)
    with database.session(tenant.organisation_id) as session:
        assert session.get(BrowserSession, (tenant.organisation_id, samples["session_id"]))
        token: Any = session.get(ApiToken, (tenant.organisation_id, samples["token_id"]))
        assert token.revoked_at is None


def test_pages_take_no_tokens(
    on_site: Callable[..., None], database: Database, tenant: Tenant, clock: TestClock
) -> None:
    token = _token(database, tenant, list(Permission), clock)[1]

    async def check(site: Site) -> None:
        async with site.program(token) as program:
            reply = await program.get("/calls")
            assert reply.status == 303
            assert (await program.get("/api/v1/calls")).status == 200

    on_site(check)
