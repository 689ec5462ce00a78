"""Something of an organisation's for every parameter that a route's path has."""

from datetime import timedelta
from uuid import uuid4

from appliance.admin import accounts, api_tokens
from appliance.admin.principal import Principal, permissions_of
from appliance.admin.roles import Permission, Role
from appliance.admin.routing import Route
from appliance.events.encoding import encode
from appliance.events.shipper import store_events
from appliance.storage.admin_models import BrowserSession
from appliance.storage.database import Database
from appliance.storage.report_models import CallNote
from tests.integration.admin.admin_site import Tenant, TestClock
from tests.integration.admin.setup_rows import SetUp
from tests.integration.events.calls_for_tests import whole_call

Samples = dict[str, str]


def make_token(
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


def make_samples(database: Database, tenant: Tenant, clock: TestClock) -> Samples:
    """Something of the tenant's for every parameter that a path has: add yours here."""
    events = whole_call(str(tenant.organisation_id))
    store_events(database, [encode(event).rstrip(b"\n") for event in events])
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
        "token_id": make_token(database, tenant, [Permission.CALLS_READ], clock)[0],
        "session_id": str(session.id),
        "account_id": str(spare),
        "key": "none",
        "note_id": str(note.id),
        "label": "vip",
        "version": "0",
        "name": "style.css",
        **SetUp(database, tenant, clock).samples(),
    }


def path_of(route: Route, samples: Samples) -> str:
    missing = set(route.param_names) - set(samples)
    assert not missing, f"give samples for {missing} ({route.path})"
    path = route.path
    for name in route.param_names:
        path = path.replace(f"{{{name}}}", samples[name])
    return path
