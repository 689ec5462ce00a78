"""The set-up's pages: forms and what is wrong with them, two operators at once, hostile text."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from appliance.admin.roles import Role
from appliance.admin.setup.forms import FORMS
from appliance.admin.setup.kinds import KINDS
from appliance.admin.switch_link import SwitchLink
from appliance.storage import models
from appliance.storage.database import Database
from appliance.storage.directory_store import load_directory
from tests.integration.admin.admin_site import Browser, Reply, Site, Tenant, TestClock
from tests.integration.admin.setup_rows import SetUp
from tests.integration.admin.test_hostile_text import HOSTILE
from tests.integration.admin.test_setup_api import did, own_domain

pytestmark = pytest.mark.postgres
OnSite = Callable[..., None]


@pytest.fixture
def set_up(database: Database, tenant: Tenant, clock: TestClock) -> SetUp:
    return SetUp(database, tenant, clock)


def fault_at(reply: Reply, field: str) -> str:
    found = re.search(rf'id="{field}-fault">(.*?)</p>', reply.text)
    return html.unescape(found[1]) if found else ""


def version_of(reply: Reply) -> str:
    found = re.search(r'name="version" value="([0-9a-f]+)"', reply.text)
    assert found
    return found[1]


async def fill(browser: Browser, path: str, **fields: Any) -> Reply:
    await browser.get("/setup")
    return await browser.form(path, **fields)


def test_a_person_is_added_changed_and_removed(on_site: OnSite, tenant: Tenant) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.ADMINISTRATOR]) as browser:
            fields = {
                "name": "Anna Jones", "extension": "211", "aliases": "Doctor Jones\nAnnie",
                "transfer_mode": "attended", "ring_timeout_s": "25",
            }  # fmt: skip
            reply = await fill(browser, "/setup/people/new", **fields)
            assert (reply.status, reply.headers["Location"]) == (303, "/setup/people")
            listed = await browser.get("/setup/people")
            assert "Anna Jones is added." in listed.text
            assert "Extension 211 has no password yet" in listed.text
            assert "Doctor Jones and Annie" in listed.text
            place = re.search(r"/setup/people/[0-9a-f-]{36}", listed.text)
            assert place
            shown = await browser.get(place[0])
            fields["name"] = "Anna Lee"
            saved = await browser.form(place[0], version=version_of(shown), **fields)
            assert saved.status == 303
            changed = await browser.get(place[0])
            assert "<del><bdi>Anna Jones</bdi></del>" in changed.text
            assert "<ins><bdi>Anna Lee</bdi></ins>" in changed.text
            assert (await browser.form(f"{place[0]}/remove")).status == 303
            assert "Anna Lee is removed" in (await browser.get("/setup/people")).text
            history = await browser.get("/setup/history")
            undo = re.search(r"/setup/history/\d+/undo", history.text)
            assert undo
            assert (await browser.form(undo[0])).status == 303
            assert "Undone: Anna Lee" in (await browser.get("/setup/history")).text
            assert (await browser.get(place[0])).status == 200

    on_site(check, domain=own_domain())


def test_what_is_wrong_stands_at_its_field_and_nothing_typed_is_lost(
    on_site: OnSite, tenant: Tenant, set_up: SetUp
) -> None:
    set_up.add("person", name="Anna Jones", extension="211")
    cases: list[tuple[str, dict[str, Any], str, str]] = [
        ("/setup/people/new", {"name": "", "extension": "212"}, "name", "This is missing."),
        ("/setup/people/new", {"name": "Bob", "extension": "211"}, "extension",
         "Extension 211 belongs to Anna Jones already."),
        ("/setup/people/new", {"name": "Bob", "extension": "212", "ring_timeout_s": "x"},
         "ring_timeout_s", "It should be a whole number."),
        ("/setup/people/new", {"name": "x" * 101, "extension": "212"}, "name",
         "Write at most 100 characters."),
        ("/setup/departments/new", {"name": "Sales"}, "members",
         "A department needs at least one member."),
        ("/setup/numbers/new", {"number": "030 123"}, "number", "dialled from abroad"),
        ("/setup/trunks/new", {"name": "t", "proxy": "not a host"}, "proxy", "Write a host"),
        (f"/setup/hours/{tenant.organisation_id}", {"own": "yes", "tuesday": "9-17"}, "tuesday",
         "09:00-17:30"),
        (f"/setup/hours/{tenant.organisation_id}", {"own": "yes"}, "monday", "never opens"),
        (f"/setup/hours/{tenant.organisation_id}",
         {"own": "yes", "monday": "09:00-12:00", "exceptions": "soon closed"}, "exceptions",
         "date"),
        ("/setup/personas/new", {"name": "Desk"}, "greeting", "missing"),
        ("/setup/personas/new", {"name": "D", "greeting": "G", "voice": "../x"}, "voice", "list"),
        ("/setup/organisation", {"name": "C", "timezone": "Mars"}, "timezone",
         "Europe/Berlin"),
    ]  # fmt: skip
    base = {"transfer_mode": "attended", "ring_timeout_s": "20", "position": "0", "language": "en"}

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            for path, fields, field, words in cases:
                kind = next(kind for kind in KINDS.values() if f"/{kind.plural}" in path)
                names = {item.name for item in FORMS[kind.name]}
                sent = {name: value for name, value in base.items() if name in names} | fields
                reply = await fill(browser, path, **sent)
                assert reply.status == 422, (path, fields)
                assert words in fault_at(reply, field), (fields, field, fault_at(reply, field))
                assert 'aria-invalid="true"' in reply.text
                for value in fields.values():
                    assert html.escape(value) in reply.text

    on_site(check, domain=own_domain())


def test_two_operators_at_one_form_lose_nothing(
    on_site: OnSite, tenant: Tenant, set_up: SetUp
) -> None:
    row = set_up.add("person", name="Anna Jones", extension="211")
    path = f"/setup/people/{row.key}"
    base = {"extension": "211", "transfer_mode": "attended", "ring_timeout_s": "20"}

    async def check(site: Site) -> None:
        async with (
            site.signed_in(tenant.emails[Role.OWNER]) as first,
            site.signed_in(tenant.emails[Role.ADMINISTRATOR]) as second,
        ):
            mine, theirs = await first.get(path), await second.get(path)
            saved = await second.form(
                path, version=version_of(theirs), **base, name="Anna Lee", aliases=""
            )
            assert saved.status == 303
            told = await first.form(
                path, version=version_of(mine), **base, name="Anna Jones", aliases="Annie"
            )
            assert told.status == 409
            assert f"<bdi>{tenant.emails[Role.ADMINISTRATOR]}</bdi> changed this" in told.text
            assert "<bdi>Anna Lee</bdi>" in told.text
            assert "Annie</textarea>" in told.text
            assert "Anna Lee" in (await first.get(path)).text
            knowingly = await first.form(
                path, version=version_of(told), **base, name="Anna Lee", aliases="Annie"
            )
            assert knowingly.status == 303

    on_site(check, domain=own_domain())


def test_it_is_said_that_another_language_is_only_listened_for(
    on_site: OnSite, tenant: Tenant
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            assert "do not follow this choice" in (await browser.get("/setup/personas/new")).text
            path = "/setup/personas/new"
            await fill(browser, path, name="Empfang", greeting="Guten Tag.", language="de")
            await fill(browser, path, name="Front desk", greeting="Hello.", language="en")
            page = await browser.get("/setup")
            assert "Empfang listens for a language that the rules do not know." in page.text
            assert "Front desk listens for" not in page.text

    on_site(check)


def test_what_is_typed_into_a_phone_is_asked_of_freeswitch(
    on_site: OnSite, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"global_getvar sip_ip": "192.0.2.5", "global_getvar internal_port": "5070"}

    async def api(_link: SwitchLink, command: str, _timeout_s: float = 5.0) -> str:
        return known.get(command, "")

    monkeypatch.setattr(SwitchLink, "api", api)
    domain = own_domain()

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            alone = await fill(browser, "/setup/extensions/new", number="211")
            await browser.get("/setup/first/people")
            several = await browser.form("/setup/first/people", lines="Bob Lee, 212")
            for page in (alone, several):
                for text in ("192.0.2.5", "5070", domain):
                    assert f"<dd><code>{text}</code>" in page.text
                assert "<dd>UDP</dd>" in page.text

    on_site(check, domain=domain)


def test_a_password_stands_on_the_page_that_answers_and_on_no_other(
    on_site: OnSite, tenant: Tenant
) -> None:
    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            made = await fill(browser, "/setup/extensions/new", number="211")
            assert made.status == 200
            assert made.headers["Cache-Control"] == "no-store"
            first = re.search(r'class="password">(\w{16})<', made.text)
            again = await browser.form("/setup/extensions/211/password")
            second = re.search(r'class="password">(\w{16})<', again.text)
            assert first
            assert second
            assert first[1] != second[1]
            for path in ("/setup/extensions", "/setup/extensions/211", "/setup/history", "/audit"):
                shown = await browser.get(path)
                assert first[1] not in shown.text
                assert second[1] not in shown.text

    on_site(check, domain=own_domain())


def test_who_may_only_look_gets_no_buttons(on_site: OnSite, tenant: Tenant, set_up: SetUp) -> None:
    samples = set_up.samples()

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.SUPERVISOR]) as browser:
            for kind in KINDS.values():
                key = samples.get(kind.param, "")
                path = f"/setup/{kind.plural}{f'/{key}' if key else ''}"
                reply = await browser.get(path)
                assert reply.status == 200, path
                assert "disabled" in reply.text
                inside = reply.text.split("<main")[1]
                assert 'method="post"' not in inside.replace('class="setup-form"', "") or (
                    inside.count('method="post"') == 1
                )
                assert ">Save<" not in inside
                assert ">Remove<" not in inside
            assert "Undo" not in (await browser.get("/setup/history")).text
        async with site.signed_in(tenant.emails[Role.RECEPTIONIST]) as browser:
            assert (await browser.get("/setup")).status == 403
            assert "Set-up" not in (await browser.get("/account")).text

    on_site(check)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_every_field_does_nothing(
    on_site: OnSite, database: Database, tenant: Tenant, set_up: SetUp, text: str
) -> None:
    samples = set_up.samples()
    tags = ("<script>", "<img src=x", "<h1>taken")

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            for kind in KINDS.values():
                paths = [] if kind.single else [f"/setup/{kind.plural}/new"]
                key = samples.get(kind.param, "")
                paths.append(f"/setup/{kind.plural}{f'/{key}' if key else ''}")
                for path in paths:
                    for item in FORMS[kind.name]:
                        fields = {**_harmless(kind.name), item.name: text, "version": ""}
                        reply = await fill(browser, path, **fields)
                        assert reply.status in (200, 303, 404, 422), (path, item.name)
                        assert not any(tag in reply.text for tag in tags), (path, item.name)
                    everything = {item.name: text for item in FORMS[kind.name]}
                    reply = await fill(browser, path, **everything, version=text)
                    assert reply.status in (200, 303, 409, 422)
                    assert not any(tag in reply.text for tag in tags)
            for say in ({"say": text}, {"say": "hello", "at": text}):
                reply = await fill(browser, "/setup/try", **say)
                assert reply.status in (200, 422)
                assert not any(tag in reply.text for tag in tags)
            for path in _PAGES:
                reply = await browser.get(path)
                assert reply.status == 200, path
                assert not any(tag in reply.text for tag in tags), path
                assert "49" not in text or "{{" in text
                assert len(reply.text) < 100_000

    on_site(check, domain=own_domain())
    with database.session(tenant.organisation_id) as session:
        assert session.scalar(select(func.count()).select_from(models.Organisation)) == 1


_PAGES = (
    "/setup", "/setup/history", "/setup/numbers", "/setup/people", "/setup/extensions",
    "/setup/departments", "/setup/hours", "/setup/trunks", "/setup/organisation", "/audit",
)  # fmt: skip


def _harmless(kind: str) -> dict[str, Any]:
    """Fields that would do, so that the hostile one is not refused for its neighbours' sake."""
    number = did()
    return {
        "number": {"number": number},
        "person": {"name": f"N {number}", "extension": number[-8:], "ring_timeout_s": "20",
                   "transfer_mode": "attended"},
        "extension": {"number": number[-8:]},
        "department": {"name": f"N {number}", "ring_timeout_s": "20", "transfer_mode": "attended"},
        "hours": {"own": "yes", "monday": "09:00-12:00"},
        "trunk": {"name": f"t{number[1:]}", "proxy": "sip.example.org", "position": "0"},
        "persona": {"name": f"N {number}", "greeting": "Hello.", "language": "en"},
        "organisation": {"name": "Harbour Clinic", "timezone": "UTC"},
    }[kind]  # fmt: skip


def test_five_screens_lead_from_nothing_to_a_call(
    on_site: OnSite, database: Database, tenant: Tenant
) -> None:
    number = did()

    async def check(site: Site) -> None:
        async with site.signed_in(tenant.emails[Role.OWNER]) as browser:
            assert "/setup/first" in (await browser.get("/setup")).text
            fields = {"name": "Quay Clinic", "greeting": "Quay Clinic, hello.", "timezone": "UTC"}
            fields["voice"] = "en-gb"
            wrong = await fill(browser, "/setup/first", **(fields | {"greeting": " "}))
            assert fault_at(wrong, "greeting") == "This is missing."
            reply = await fill(browser, "/setup/first", **fields)
            assert (reply.status, reply.headers["Location"]) == (303, "/setup/first/numbers")
            wrong = await browser.form("/setup/first/numbers", lines=f"{number}\n030 1")
            assert wrong.status == 422
            assert fault_at(wrong, "lines").startswith("Line 2: Write it as it is dialled")
            spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
            assert (await browser.form("/setup/first/numbers", lines=spaced)).status == 303
            assert number in (await browser.get("/setup/first/numbers")).text
            wrong = await browser.form("/setup/first/people", lines="Anna Jones, 211\nBob Lee, 211")
            assert "Line 2: Extension 211 belongs to Anna Jones" in fault_at(wrong, "lines")
            told = await browser.form("/setup/first/people", lines="Anna Jones, 211\nBob Lee,212")
            assert told.status == 200
            assert len(re.findall(r'class="password">\w{16}<', told.text)) == 2
            assert "the address of the machine that FreeSWITCH runs on" in told.text
            week = {"own": "yes", "monday": "09:00-17:00"}
            reply = await browser.form("/setup/first/hours", **week)
            assert reply.headers["Location"] == "/setup/first/call"
            assert number in (await browser.get("/setup/first/call")).text
            assert "/setup/first" not in (await browser.get("/setup")).text

    on_site(check, domain=own_domain())
    directory = load_directory(database, str(tenant.organisation_id))
    assert directory is not None
    assert (directory.name, directory.dids[0].number) == ("Quay Clinic", number)
    persona = directory.persona_of(directory.dids[0])
    assert (persona.greeting, persona.voice) == ("Quay Clinic, hello.", "en-gb")
    assert [person.name for person in directory.people] == ["Anna Jones", "Bob Lee"]
