"""The set-up over the API: every kind, its checks, versions, keys, pages, history and undo."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from appliance.admin.roles import Role
from appliance.storage.admin_models import AuditEntry
from appliance.storage.database import Database
from appliance.storage.directory_store import load_directory
from appliance.storage.models import Extension, Trunk
from appliance.storage.phone_store import a1_hash
from tests.integration.admin.admin_site import Browser, Reply, Site, Tenant

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]


class Program:
    """Speaks JSON as the owner."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self._browser.send(
            method,
            f"/api/v1{path}",
            json=body,
            headers={"X-CSRF-Token": self._browser.csrf, **named},
        )

    async def made(self, path: str, **body: Any) -> Any:
        reply = await self.ask("POST", path, body)
        assert reply.status == 201, reply.text
        return reply.json()

    async def refused(self, method: str, path: str, status: int, body: Any = None) -> Any:
        reply = await self.ask(method, path, body)
        assert reply.status == status, reply.text
        return reply.json()

    async def fault(self, method: str, path: str, body: Any) -> dict[str, str]:
        answer = await self.refused(method, path, 422, body)
        return {item["field"].removeprefix("body."): item["message"] for item in answer["errors"]}


@asynccontextmanager
async def owner(site: Site, tenant: Tenant, role: Role = Role.OWNER) -> AsyncIterator[Program]:
    async with site.signed_in(tenant.emails[role]) as browser:
        yield Program(browser)


def own_domain() -> str:
    """Extensions are unique in a domain, and tests share the database."""
    return f"{uuid4().hex}.example"


def did() -> str:
    return f"+49{10**11 + uuid4().int % 10**11}"


def test_an_organisation_is_set_up_and_callers_find_it(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    number = did()

    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            anna = await program.made("/people", name="Anna Jones", extension="211")
            await program.made("/extensions", number="212")
            department = await program.made(
                "/departments", name="Reception", members=["212", "211"], topics=["appointment"]
            )
            desk = await program.made("/personas", name="Desk", greeting="Good day.")
            await program.made("/personas", name="A line", greeting="Line.")
            await program.made("/numbers", number=number, persona=desk["id"])
            hours = {"own": True, "week": {"monday": ["13:00-17:00", "09:00-12:00"]}}
            for owned in (tenant.organisation_id, department["id"]):
                reply = await program.ask("PUT", f"/hours/{owned}", hours)
                assert reply.status == 200, reply.text
            parts = {"operator": department["id"], "emergency": anna["id"]}
            reply = await program.ask("PATCH", "/organisation", parts)
            assert (reply.status, reply.json()["operator_name"]) == (200, "Reception")
            listed = (await program.ask("GET", "/departments")).json()["items"]
            assert [item["members"] for item in listed] == [["212", "211"]]

    on_site(check, domain=own_domain())
    directory = load_directory(database, str(tenant.organisation_id))
    assert directory is not None
    assert [person.name for person in directory.people] == ["Anna Jones"]
    assert directory.departments[0].extensions == ("212", "211")
    assert [(d.number, directory.persona_of(d).greeting) for d in directory.dids] == [
        (number, "Good day.")
    ]
    assert directory.persona_of(None).name == "A line"
    assert str(directory.hours.week[0][0].opens) == "09:00:00"
    assert directory.departments[0].hours is not None
    assert directory.operator_target is directory.departments[0]


def test_what_does_not_fit_is_told_at_its_field(on_site: OnSite, tenant: Tenant) -> None:
    number = did()

    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            await program.made("/people", name="Anna Jones", extension="211")
            await program.made("/departments", name="Sales", members=["211"])
            await program.made("/numbers", number=number)
            await program.made("/trunks", name="provider", proxy="sip.example.org")
            cases = [
                ("/people", {"name": "Bob Lee", "extension": "211"}, "extension",
                 "Extension 211 belongs to Anna Jones already."),
                ("/people", {"name": "anna JONES", "extension": "212"}, "name",
                 "A person is called Anna Jones already; callers need two names."),
                ("/people", {"name": "Sales", "extension": "212"}, "name", "A department"),
                ("/people", {"name": "A\u202eB", "extension": "212"}, "name", "invisible"),
                ("/people", {"name": "Bob", "extension": "2x"}, "extension", "2 to 8 digits"),
                ("/people", {"name": "Bob", "extension": "112"}, "extension", "emergency"),
                ("/departments", {"name": "Back office", "members": []}, "members",
                 "A department needs at least one member."),
                ("/departments", {"name": "Back office", "members": ["999"]}, "members",
                 "There is no extension 999; add it first."),
                ("/departments", {"name": "B", "members": ["211", "211"]}, "members", "twice"),
                ("/extensions", {"number": "211"}, "number", "There is an extension 211 already."),
                ("/numbers", {"number": number}, "number", f"{number} is here already."),
                ("/numbers", {"number": number.lstrip("+")}, "number", "dialled from abroad"),
                ("/numbers", {"number": "030 1234"}, "number", "digits"),
                ("/trunks", {"name": "b", "proxy": "sip example"}, "proxy", "host:port"),
                ("/trunks", {"name": "b", "proxy": "10.0.0.300"}, "proxy", "host:port"),
                ("/trunks", {"name": "b", "proxy": "a.b:70000"}, "proxy", "host:port"),
                ("/trunks", {"name": "provider", "proxy": "a.b"}, "name", "already"),
                ("/trunks", {"name": "b", "proxy": "a.b", "register": True}, "password", "needs"),
                ("/trunks", {"name": "b", "proxy": "a.b", "addresses": ["0.0.0.0/0"]},
                 "addresses.0", "anybody"),
            ]  # fmt: skip
            for path, body, field, words in cases:
                faults = await program.fault("POST", path, body)
                assert words in faults.get(field, ""), (body, faults)

    on_site(check, domain=own_domain())


@pytest.mark.parametrize(
    ("hours", "field", "words"),
    [
        ({"week": {"monday": ["09:00-12:00", "11:00-13:00"]}}, "week.monday", "overlap"),
        ({"week": {"friday": ["17:00-09:00"]}}, "week.friday.0", "ends before it begins"),
        ({"week": {"friday": ["9-17"]}}, "week.friday.0", "09:00-17:30"),
        ({"week": {}}, "week", "never opens"),
        ({"week": {"monday": ["09:00-24:00"]}, "exceptions": {"2026-02-30": []}}, "exceptions",
         "date"),
    ],
)  # fmt: skip
def test_hours_that_cannot_be_are_told_at_their_day(
    on_site: OnSite, tenant: Tenant, hours: dict[str, Any], field: str, words: str
) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            path = f"/hours/{tenant.organisation_id}"
            faults = await program.fault("PUT", path, {"own": True, **hours})
            assert any(name.startswith(field) and words in text for name, text in faults.items()), (
                faults
            )

    on_site(check)


def test_nothing_goes_that_something_needs(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            anna = await program.made("/people", name="Anna Jones", extension="211")
            sales = await program.made("/departments", name="Sales", members=["211"])
            await program.ask("PATCH", "/organisation", {"operator": anna["id"]})
            kept = await program.refused("DELETE", "/extensions/211", 409)
            assert kept["type"].endswith("in-use")
            assert "Anna Jones's" in kept["detail"]
            assert "Sales rings it" in kept["detail"]
            kept = await program.refused("DELETE", f"/people/{anna['id']}", 409)
            assert "operator" in kept["detail"]
            await program.ask("PATCH", "/organisation", {"operator": None})
            for path in (f"/people/{anna['id']}", f"/departments/{sales['id']}", "/extensions/211"):
                assert (await program.ask("DELETE", path)).status == 204
                assert (await program.ask("GET", path)).status == 404

    on_site(check, domain=own_domain())


def test_a_persona_stays_while_it_answers_and_its_change_is_undone(
    on_site: OnSite, tenant: Tenant
) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            desk = await program.made("/personas", name="Desk", greeting="Good day.")
            number = await program.made("/numbers", number=did(), persona=desk["id"])
            assert number["persona_name"] == "Desk"
            await program.ask("PATCH", "/organisation", {"persona": desk["id"]})
            path = f"/personas/{desk['id']}"
            kept = await program.refused("DELETE", path, 409)
            assert "organisation's persona" in kept["detail"]
            assert f"It answers {number['number']}" in kept["detail"]
            parts = {"greeting": "Good evening.", "voice": "en-gb+f2", "language": "de"}
            assert (await program.ask("PATCH", path, parts)).json()["voice"] == "en-gb+f2"
            listed = (await program.ask("GET", "/history?kind=persona")).json()["items"]
            reply = await program.ask("POST", f"/history/{listed[0]['id']}/undo")
            assert reply.status == 204, reply.text
            back = (await program.ask("GET", path)).json()
            assert (back["greeting"], back["voice"], back["language"]) == ("Good day.", "", "en")
            faults = await program.fault("POST", "/personas", {"name": "desk", "greeting": "G"})
            assert "already" in faults["name"]
            gone = {"persona": str(uuid4())}
            for wrong in ("/organisation", f"/numbers/{number['number']}"):
                assert "no such persona" in (await program.fault("PATCH", wrong, gone))["persona"]

    on_site(check)


def test_the_second_of_two_is_told_and_changes_nothing(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            anna = await program.made("/people", name="Anna Jones", extension="211")
            path, read = f"/people/{anna['id']}", anna["version"]
            first = await program.ask("PATCH", path, {"ring_timeout_s": 30, "version": read})
            assert first.json()["ring_timeout_s"] == 30
            second = {"name": "Anna Lee", "extension": "211", "version": read}
            told = await program.refused("PUT", path, 409, second)
            assert told["type"].endswith("changed-meanwhile")
            assert tenant.emails[Role.OWNER] in told["detail"]
            assert first.json()["version"] in told["detail"]
            assert (await program.refused("DELETE", f"{path}?version={read}", 409))["errors"] == []
            assert (await program.ask("GET", path)).json()["name"] == "Anna Jones"
            second["version"] = first.json()["version"]
            assert (await program.ask("PUT", path, second)).status == 200

    on_site(check, domain=own_domain())


def test_of_many_at_once_one_gets_the_extension(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            bodies = [{"name": f"Person {count}", "extension": "211"} for count in range(6)]
            replies = await asyncio.gather(
                *(program.ask("POST", "/people", body) for body in bodies)
            )
            assert sorted(reply.status for reply in replies) == [201] + [422] * 5
            assert len((await program.ask("GET", "/people")).json()["items"]) == 1

    on_site(check, domain=own_domain())


def test_a_password_is_shown_once_and_only_its_digest_is_kept(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    domain = own_domain()
    passwords: list[str] = []

    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            made = await program.ask("POST", "/extensions", {"number": "211"}, Idempotency_Key="k")
            passwords.append(made.json()["password"])
            again = await program.ask("POST", "/extensions", {"number": "211"}, Idempotency_Key="k")
            assert again.status == 409
            assert again.json()["type"].endswith("shown-once")
            fresh = await program.ask("POST", "/extensions/211/password")
            passwords.append(fresh.json()["password"])
            for path in ("/extensions", "/extensions/211", "/history"):
                shown = await program.ask("GET", path)
                assert not any(password in shown.text for password in passwords)

    on_site(check, domain=domain)
    assert len(set(passwords)) == 2
    assert all(len(password) == 16 for password in passwords)
    with database.session(tenant.organisation_id) as session:
        row = session.scalars(select(Extension)).one()
        assert row.a1_hash == a1_hash("211", domain, passwords[-1])
        log = " ".join(
            f"{entry.before} {entry.after}" for entry in session.scalars(select(AuditEntry))
        )
    assert not any(password in log for password in passwords)


def test_a_trunks_password_stays_unless_it_is_sent_and_is_never_shown(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            made = await program.made(
                "/trunks", name="provider", proxy="sip.example.org", username="u", register=True,
                password="kept by us",
            )  # fmt: skip
            assert made["password_set"]
            assert made["register"] is True
            reply = await program.ask("PATCH", "/trunks/provider", {"emergency": False})
            assert reply.json()["emergency"] is False
            for path in ("/trunks", "/trunks/provider", "/history"):
                assert "kept by us" not in (await program.ask("GET", path)).text

    on_site(check)
    with database.session(tenant.organisation_id) as session:
        assert session.scalars(select(Trunk)).one().password == "kept by us"


def test_a_number_or_extension_of_another_organisation_is_taken(
    on_site: OnSite, tenant: Tenant, other_tenant: Tenant
) -> None:
    number = did()

    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            await program.made("/numbers", number=number)
            await program.made("/extensions", number="211")
        async with owner(site, other_tenant) as program:
            for path, wanted in (("/numbers", number), ("/extensions", "211")):
                faults = await program.fault("POST", path, {"number": wanted})
                assert "Another organisation" in faults["number"]
            faults = await program.fault("POST", "/people", {"name": "B", "extension": "211"})
            assert "Another organisation" in faults["extension"]

    on_site(check, domain=own_domain())


def test_what_is_sent_twice_with_a_key_is_done_once(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            body = {"name": "Anna Jones", "extension": "211"}
            first = await program.ask("POST", "/people", body, Idempotency_Key="one")
            second = await program.ask("POST", "/people", body, Idempotency_Key="one")
            assert (first.status, second.status) == (201, 201)
            assert first.json() == second.json()
            assert len((await program.ask("GET", "/people")).json()["items"]) == 1

    on_site(check, domain=own_domain())


def test_lists_come_in_pages_that_miss_and_repeat_nothing(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            for count in range(7):
                await program.made("/people", name=f"Person {count}", extension=f"20{count}")
                await program.made("/departments", name=f"D {count}", members=[f"20{count}"])
            for path, expected in (("/people", 7), ("/extensions", 7), ("/hours", 8)):
                found: list[str] = []
                cursor = ""
                while True:
                    reply = (await program.ask("GET", f"{path}?limit=3&cursor={cursor}")).json()
                    found += [item.get("id") or item["number"] for item in reply["items"]]
                    cursor = reply["next_cursor"]
                    if cursor is None:
                        break
                assert len(found) == len(set(found)) == expected, path
            for cursor in ("x", "WyJhIiwgImIiXQ", "e30"):
                reply = await program.ask("GET", f"/people?cursor={cursor}")
                assert reply.status == 422

    on_site(check, domain=own_domain())


def test_lists_are_looked_through(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            await program.made("/people", name="Anna Jones", extension="211", aliases=["Annie"])
            await program.made("/people", name="Bob Lee 100%", extension="212")
            await program.made("/departments", name="Sales", members=["211"], topics=["invoice"])
            for path, found in (
                ("/people?q=ANNI", 1), ("/people?q=212", 1), ("/people?q=%25", 1),
                ("/people?q=_", 0), ("/extensions?q=jones", 1), ("/departments?q=invoi", 1),
                ("/hours?q=sal", 1), ("/hours?q=harbour", 1), ("/numbers?q=1", 0),
                ("/trunks?q=x", 0),
            ):  # fmt: skip
                listed = await program.ask("GET", path)
                assert len(listed.json()["items"]) == found, path

    on_site(check, domain=own_domain())


def test_changes_are_remembered_and_taken_back(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            anna = await program.made("/people", name="Anna Jones", extension="211")
            path = f"/people/{anna['id']}"
            await program.ask("PATCH", path, {"ring_timeout_s": 30})
            await program.ask("DELETE", path)
            listed = (await program.ask("GET", f"/history?key={anna['id']}")).json()["items"]
            assert [item["what"] for item in listed] == ["removed", "changed", "added"]
            assert listed[1]["before"]["ring_timeout_s"] == 20
            assert listed[1]["after"]["ring_timeout_s"] == 30
            assert listed[0]["actor"] == tenant.emails[Role.OWNER]
            removed, changed, added = (f"/history/{item['id']}/undo" for item in listed)
            late = await program.refused("POST", changed, 409)
            assert "no such person any more" in late["detail"]
            assert (await program.ask("POST", removed)).status == 204
            assert (await program.ask("GET", path)).json()["ring_timeout_s"] == 30
            assert "there again" in (await program.refused("POST", removed, 409))["detail"]
            assert (await program.ask("POST", changed)).status == 204
            assert (await program.ask("GET", path)).json()["ring_timeout_s"] == 20
            assert (await program.ask("POST", added)).status == 204
            assert (await program.ask("GET", path)).status == 404
            newest = (await program.ask("GET", "/history?limit=1")).json()["items"][0]
            assert (newest["what"], newest["after"]) == ("undone", None)

    on_site(check, domain=own_domain())


def test_undoing_never_loses_what_came_later(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            anna = await program.made("/people", name="Anna Jones", extension="211")
            path = f"/people/{anna['id']}"
            await program.ask("PATCH", path, {"ring_timeout_s": 30})
            await program.ask("PATCH", path, {"aliases": ["Annie"]})
            listed = (await program.ask("GET", f"/history?key={anna['id']}")).json()["items"]
            # Another value was changed since: undoing the older change leaves it alone.
            assert (await program.ask("POST", f"/history/{listed[1]['id']}/undo")).status == 204
            now = (await program.ask("GET", path)).json()
            assert (now["ring_timeout_s"], now["aliases"]) == (20, ["Annie"])
            again = await program.refused("POST", f"/history/{listed[1]['id']}/undo", 409)
            assert "changed again since" in again["detail"]
            assert "ring timeout s" in again["detail"]
            kept = await program.refused("POST", f"/history/{listed[2]['id']}/undo", 409)
            assert "aliases" in kept["detail"]
            await program.ask("DELETE", path)
            await program.made("/people", name="Bob Lee", extension="211")
            gone = (await program.ask("GET", "/history?kind=person")).json()["items"][1]
            taken = await program.refused("POST", f"/history/{gone['id']}/undo", 409)
            assert "belongs to Bob Lee" in taken["detail"]

    on_site(check, domain=own_domain())


def test_a_removed_department_comes_back_with_its_hours(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            await program.made("/extensions", number="211")
            made = await program.made("/departments", name="Sales", members=["211"])
            hours = {"own": True, "week": {"monday": ["09:00-12:00"]}, "exceptions": {}}
            await program.ask("PUT", f"/hours/{made['id']}", hours)
            await program.ask("DELETE", f"/departments/{made['id']}")
            newest = (await program.ask("GET", "/history?limit=1")).json()["items"][0]
            assert (await program.ask("POST", f"/history/{newest['id']}/undo")).status == 204
            back = (await program.ask("GET", f"/hours/{made['id']}")).json()
            assert back["own"]
            assert back["week"]["monday"] == ["09:00-12:00"]

    on_site(check, domain=own_domain())


def test_a_sentence_is_tried_without_a_call(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            anna = await program.made("/people", name="Anna Jones", extension="211")
            await program.made("/departments", name="Reception", members=["211"])
        async with owner(site, tenant, Role.AUDITOR) as program:
            reply = await program.ask("POST", "/try", {"say": "Anna Jones, please"})
            assert reply.status == 200, reply.text
            answer = reply.json()
            assert (answer["action"], answer["target_id"]) == ("transfer", anna["id"])
            assert answer["target"] == "Anna Jones"
            assert "rules decided alone" in answer["rules_alone"]
            assert len(answer["verdicts"]) > 5
            assert all(verdict["reason"] for verdict in answer["verdicts"])

    on_site(check, domain=own_domain())


def test_a_model_server_that_is_away_leaves_the_rules(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with owner(site, tenant) as program:
            await program.made("/people", name="Anna Jones", extension="211")
            await program.made("/people", name="Bob Lee", extension="212")
            say = {"say": "my thing is broken and somebody should look at it"}
            answer = (await program.ask("POST", "/try", say)).json()
            assert "language model gave no answer" in answer["rules_alone"]

    on_site(check, domain=own_domain(), inference_url="http://127.0.0.1:9")
