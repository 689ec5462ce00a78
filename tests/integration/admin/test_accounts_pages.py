"""Accounts, tokens and the audit log as pages: what is shown once, and what is refused in words."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from sqlalchemy import select

from appliance.admin.roles import Role
from appliance.storage.admin_models import Account, AuditEntry
from appliance.storage.database import Database
from appliance.storage.models import Extension, Person
from tests.integration.admin.admin_site import Reply, Site, Tenant

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]


def _secret(page: str) -> str:
    return page.split('<p class="secret"><code>')[1].split("<")[0]


def _person(database: Database, tenant: Tenant) -> str:
    number = str(uuid4().int % 10**8)
    with database.session(tenant.organisation_id) as session:
        session.add(
            Extension(organisation_id=tenant.organisation_id, number=number, domain=uuid4().hex)
        )
        session.flush()
        person = Person(organisation_id=tenant.organisation_id, name="Ann Front", extension=number)
        session.add(person)
        session.flush()
        return str(person.id)


def test_an_account_is_made_used_changed_and_reset(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    person = _person(database, tenant)
    email = f"ann-{uuid4().hex[:8]}@example.org"

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.ADMINISTRATOR]) as browser:
            fields = {"name": "Ann", "role": "receptionist", "person_id": person}
            made = await browser.form("/accounts", email=email, **fields)
            assert made.status == 200
            password = _secret(made.text)
            async with site.browser() as ann:
                assert (await ann.sign_in(email, password)).status == 303
                assert (await ann.get("/accounts")).status == 403
                again = await browser.form("/accounts", email=email.upper(), **fields)
                assert again.status == 422
                assert "has an account already" in again.text
                with database.session(tenant.organisation_id) as session:
                    found = session.scalars(select(Account).where(Account.email == email)).one()
                path = f"/accounts/{found.id}"
                assert (await browser.get(path)).status == 200
                changed = await browser.form(path, name="Ann B", role="supervisor", disabled="true")
                assert changed.status == 303
                assert (await ann.get("/account")).status == 303
                assert (await ann.sign_in(email, password)).status == 422
            await browser.form(path, name="Ann B", role="supervisor")
            new = _secret((await browser.form(f"{path}/reset")).text)
            async with site.browser() as ann:
                assert (await ann.sign_in(email, password)).status == 422
                assert (await ann.sign_in(email, new)).status == 303

    on_site(check)
    with database.session(tenant.organisation_id) as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "account.changed").order_by(AuditEntry.id)
        ).all()
    assert entries[0].before is not None
    assert entries[0].after is not None
    assert (entries[0].before["role"], entries[0].after["role"]) == ("receptionist", "supervisor")


def test_administrators_leave_owners_alone_and_an_owner_stays(
    on_site: OnSite, tenant: Tenant
) -> None:
    owner = f"/accounts/{tenant.account_ids[Role.OWNER]}"
    administrator = f"/accounts/{tenant.account_ids[Role.ADMINISTRATOR]}"

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.ADMINISTRATOR]) as browser:
            assert (await browser.get(owner)).status == 403
            assert (await browser.form(f"{owner}/reset")).status == 403
            assert (await browser.form(owner, name="X", role="auditor")).status == 403
            raised = await browser.form(administrator, name="X", role="owner")
            assert raised.status == 422
            made = await browser.form("/accounts", email="x@example.org", name="X", role="owner")
            assert made.status == 422
            assert "Only an owner makes owners." in made.text
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            for change in ({"role": "auditor"}, {"role": "owner", "disabled": "true"}):
                reply = await browser.form(owner, name="X", **change)
                assert reply.status == 422
                assert "Somebody has to be an owner" in reply.text
            unknown = await browser.form(owner, name="X", role="owner", person_id=str(uuid4()))
            assert "There is no such person." in unknown.text
            assert (await browser.form(administrator, name="X", role="owner")).status == 303
            assert (await browser.form(owner, name="X", role="auditor")).status == 303
            assert (await browser.get("/accounts")).status == 403

    on_site(check)


def test_a_token_is_shown_once_and_revoked(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            refused = await browser.form("/tokens", name="screen", days="0")
            assert refused.status == 422
            assert "Choose at least one." in refused.text
            made = await browser.form("/tokens", name="screen", days="30", scopes="calls:read")
            token = _secret(made.text)
            page = (await browser.get("/tokens")).text
            assert token not in page
            async with site.program(token) as program:
                assert (await program.get("/api/v1/calls")).status == 200
                path = "/tokens/" + page.split('action="/tokens/')[1].split('"')[0]
                assert (await browser.form(path)).status == 303
                assert (await program.get("/api/v1/calls")).status == 401

    on_site(check)


def test_the_audit_log_is_read_page_by_page(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            for name in ("a", "b", "c"):
                await browser.form("/tokens", name=name, scopes="calls:read")
        async with site.signed_in(tenant.emails[Role.AUDITOR]) as browser:
            page = (await browser.get("/audit?action=token.&limit=2")).text
            assert page.count("<code>token.added</code>") == 2
            following = page.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
            rest = (await browser.get(following.replace("&amp;", "&"))).text
            assert rest.count("<code>token.added</code>") == 1
            assert "<code>sign_in</code>" not in rest
            assert (await browser.get("/audit?actor=nobody")).text.count("<code>") == 0
            for cursor in ("x", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwKzAwOjAwIiwiYSJd"):
                assert (await browser.get(f"/audit?cursor={cursor}")).status == 422

    on_site(check)


def test_accounts_are_managed_by_programs_as_by_the_pages(
    on_site: OnSite, tenant: Tenant, database: Database
) -> None:
    person = _person(database, tenant)
    email = f"ann-{uuid4().hex[:8]}@example.org"

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.ADMINISTRATOR]) as browser:

            async def ask(method: str, path: str, body: object = None) -> Reply:
                headers = {"X-CSRF-Token": browser.csrf, "Idempotency-Key": uuid4().hex}
                return await browser.send(
                    method, f"/api/v1/accounts{path}", json=body, headers=headers
                )

            wanted = {"email": email, "name": "Ann", "role": "receptionist", "person_id": person}
            made = await ask("POST", "", wanted)
            assert made.status == 201, made.text
            account = made.json()
            async with site.browser() as ann:
                assert (await ann.sign_in(email, account["password"])).status == 303
                for change, field, words in (
                    ({"role": "owner"}, "body.role", "Only an owner"),
                    ({"email": email.upper()}, "body.email", "already"),
                    ({"email": f"x{email}", "person_id": str(uuid4())}, "body.person_id", "such"),
                ):
                    refused = await ask("POST", "", wanted | change)
                    (fault,) = refused.json()["errors"]
                    assert (refused.status, fault["field"]) == (422, field), refused.text
                    assert words in fault["message"]
                disabled = {"name": "Ann B", "role": "auditor", "disabled": True}
                reply = await ask("PUT", f"/{account['id']}", disabled)
                assert (reply.json()["role"], reply.json()["disabled"]) == ("auditor", True)
                assert (await ann.get("/calls")).status == 303
            owner = tenant.account_ids[Role.OWNER]
            assert (await ask("PUT", f"/{owner}", disabled)).status == 403
            assert (await ask("POST", f"/{owner}/reset")).status == 403
            reset = (await ask("POST", f"/{account['id']}/reset")).json()
            assert reset["password"] not in ("", account["password"])
            listed = (await ask("GET", "?limit=1")).json()
            assert [item["email"] for item in listed["items"]] == [email]
            assert "password" not in listed["items"][0]
            following = await ask("GET", f"?limit=50&cursor={listed['next_cursor']}")
            assert len(following.json()["items"]) == len(Role)

    on_site(check)
    with database.session(tenant.organisation_id) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.object_kind == "account"))
        actions = [entry.action for entry in entries if entry.action.startswith("account.")]
    assert actions == ["account.added", "account.changed", "account.password_reset"]


def test_the_last_owner_stays_for_programs_too(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            reply = await browser.send(
                "PUT", f"/api/v1/accounts/{tenant.account_ids[Role.OWNER]}",
                json={"name": "Me", "role": "auditor"}, headers={"X-CSRF-Token": browser.csrf},
            )  # fmt: skip
            assert (reply.status, "make another one first" in reply.text) == (422, True)

    on_site(check)


def test_programs_read_the_audit_log_in_pages(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.AUDITOR]) as browser:
            for _ in range(3):
                await browser.get("/live")
            await browser.get("/audit")
            address, seen = "/api/v1/audit?limit=1", []
            while True:
                page = (await browser.get(address)).json()
                seen += page["items"]
                if page["next_cursor"] is None:
                    break
                address = f"/api/v1/audit?limit=1&cursor={page['next_cursor']}"
            assert "sign_in" in {entry["action"] for entry in seen}
            assert len({entry["id"] for entry in seen}) == len(seen)
            some = (await browser.get("/api/v1/audit?action=sign_in")).json()["items"]
            assert some
            assert {entry["action"] for entry in some} == {"sign_in"}
            for cursor in ("x", "WyIyMDI2IiwgInh4Il0"):
                assert (await browser.get(f"/api/v1/audit?cursor={cursor}")).status == 422

    on_site(check)


def test_the_first_page_is_live_for_those_who_may_see_it(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        for role, place in ((Role.RECEPTIONIST, "/live"), (Role.AUDITOR, "/calls")):
            async with site.signed_in(tenant.emails[role]) as browser:
                reply = await browser.get("/")
                assert (reply.status, reply.headers["Location"]) == (303, place)

    on_site(check)
