"""Every route against every role, tokens, nobody, and another organisation's rows.

The matrix is made from the declarations: a new route is in it without anybody adding it. A path
with a parameter that `route_samples` does not know fails here until it names one.
"""

from collections.abc import Callable
from typing import Any

import pytest

from appliance.admin.roles import ROLE_PERMISSIONS, Permission, Role
from appliance.admin.route_table import all_routes
from appliance.admin.routing import SAFE, Kind, Route, Who
from appliance.storage.admin_models import ApiToken, BrowserSession
from appliance.storage.database import Database
from tests.integration.admin.admin_site import Browser, Reply, Site, Tenant, TestClock
from tests.integration.admin.route_samples import Samples, make_samples, make_token, path_of

pytestmark = pytest.mark.postgres

_FREE = {"sign_out", "take_password", "take_code", "sign_in_by_link"}


@pytest.fixture
def samples(database: Database, tenant: Tenant, clock: TestClock) -> Samples:
    return make_samples(database, tenant, clock)


async def _ask(browser: Browser, route: Route, samples: Samples) -> Reply:
    if route.method in SAFE:
        return await browser.get(path_of(route, samples))
    if route.kind is Kind.PAGE:
        return await browser.form(path_of(route, samples))
    headers = {"X-CSRF-Token": browser.csrf}
    body = dict(route.example) if route.example is not None else None
    return await browser.send(route.method, path_of(route, samples), json=body, headers=headers)


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
    token = make_token(database, tenant, [permission], clock)[1]

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
    token = make_token(database, tenant, list(Permission), clock)[1]

    async def check(site: Site) -> None:
        async with site.program(token) as program:
            reply = await program.get("/calls")
            assert reply.status == 303
            assert (await program.get("/api/v1/calls")).status == 200

    on_site(check)
