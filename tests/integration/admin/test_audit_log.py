"""The audit log: what is in it, and that the application cannot change it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from appliance.admin.audit import Trace
from appliance.admin.roles import Role
from appliance.calls.errors import StorageError
from appliance.events.encoding import encode
from appliance.events.shipper import store_events
from appliance.storage.admin_models import AuditEntry
from appliance.storage.database import Database
from appliance.storage.models import Organisation
from tests.integration.admin.admin_site import Site, Tenant
from tests.integration.events.calls_for_tests import whole_call

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]


def _entries(database: Database, tenant: Tenant) -> list[AuditEntry]:
    with database.session(tenant.organisation_id) as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def _write(database: Database, tenant: Tenant) -> None:
    trace = Trace(
        organisation_id=tenant.organisation_id, actor_id=None, actor="test", via="cli",
        address="", correlation_id="",
    )  # fmt: skip
    with database.session(tenant.organisation_id) as session:
        trace.write(session, datetime.now(UTC), action="test")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'nobody'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "DROP TABLE audit_log",
        "ALTER TABLE audit_log DISABLE ROW LEVEL SECURITY",
        "INSERT INTO audit_log SELECT * FROM audit_log ON CONFLICT DO UPDATE SET actor = ''",
    ],
)
def test_the_application_can_only_add_to_it(
    database: Database, tenant: Tenant, statement: str
) -> None:
    _write(database, tenant)
    with (
        pytest.raises(StorageError),
        database.session(tenant.organisation_id) as session,
    ):
        session.connection().exec_driver_sql(statement)
    assert [entry.actor for entry in _entries(database, tenant)] == ["test"]


def test_it_outlives_the_organisation(database: Database, tenant: Tenant) -> None:
    _write(database, tenant)
    with database.session(tenant.organisation_id) as session:
        session.delete(session.get(Organisation, tenant.organisation_id))
    assert len(_entries(database, tenant)) == 1


def test_nobody_reads_or_writes_anothers(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    _write(database, tenant)
    assert _entries(database, other_tenant) == []
    with (
        pytest.raises(StorageError, match="row-level security"),
        database.session(other_tenant.organisation_id) as session,
    ):
        Trace(
            organisation_id=tenant.organisation_id, actor_id=None, actor="", via="", address="",
            correlation_id="",
        ).write(session, datetime.now(UTC), action="forged")  # fmt: skip


def test_a_look_at_a_call_leaves_a_trace(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    events = whole_call(str(tenant.organisation_id))
    store_events(database, [encode(event).rstrip(b"\n") for event in events])
    call_id = events[0].call_id

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            headers = {"X-Correlation-Id": "look-1"}
            assert (await browser.get(f"/calls/{call_id}", headers=headers)).status == 200
            assert (await browser.get(f"/api/v1/calls/{call_id}")).status == 200
            assert (await browser.get("/calls/unknown")).status == 404

    on_site(check)
    looks = [entry for entry in _entries(database, tenant) if entry.action == "call.looked_at"]
    assert len(looks) == 2
    assert {(look.object_kind, look.object_id) for look in looks} == {("call", call_id)}
    assert looks[0].actor == tenant.emails[Role.RECEPTIONIST]
    assert looks[0].actor_id == tenant.account_ids[Role.RECEPTIONIST]
    assert (looks[0].via, looks[0].address) == ("session", "127.0.0.1")
    assert looks[0].correlation_id == "look-1"


def test_a_look_is_logged_with_the_call_and_who_looked(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            with capture_logs(processors=[merge_contextvars]) as logs:
                await browser.get("/calls/c-1", headers={"X-Correlation-Id": "look-2"})
                await browser.get("/healthz")
        looked, healthy = (entry for entry in logs if entry["event"] == "request")
        assert (looked["call_id"], looked["correlation_id"]) == ("c-1", "look-2")
        assert looked["account"] == tenant.emails[Role.OWNER]
        assert (looked["route"], looked["status"]) == ("call", 404)
        assert "call_id" not in healthy
        assert "account" not in healthy

    on_site(check)


def test_a_change_has_its_before_and_after(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            headers = {"X-CSRF-Token": browser.csrf}
            body = {"name": "screen", "scopes": ["calls:read"]}
            made = await browser.send("POST", "/api/v1/tokens", json=body, headers=headers)
            token = made.json()["id"]
            path = f"/api/v1/tokens/{token}/revoke"
            await browser.send("POST", path, headers=headers)

    on_site(check)
    added, revoked = [e for e in _entries(database, tenant) if e.object_kind == "token"]
    assert (added.action, added.before) == ("token.added", None)
    assert added.after is not None
    assert added.after["scopes"] == ["calls:read"]
    assert (revoked.action, revoked.after) == ("token.revoked", None)
    assert "apl_" not in str(added.after)
