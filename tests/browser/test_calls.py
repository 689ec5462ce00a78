"""Calls of the bench, played against the whole appliance, as operators see and steer them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select

from appliance.admin import accounts
from appliance.admin.passwords import Passwords
from appliance.admin.roles import Role
from appliance.admin.signing_in import make_link
from appliance.lab.stack import DEMO_DIRECTORY
from appliance.storage.database import Database
from appliance.storage.directory_import import import_directory
from appliance.storage.models import Person
from tests.browser.exchange import Exchange
from tests.browser.windows import Watched, window

pytestmark = [pytest.mark.browser, pytest.mark.models, pytest.mark.timeout(300)]
_DID = "+15551000"
_ANNA = "212"
_PASSWORD = "correct horse battery staple"


@pytest.fixture
def database(appliance: Exchange) -> Database:
    """An empty one, whatever the test before has left."""
    with psycopg.connect(appliance.lab.stack.database_url) as connection:
        connection.execute("TRUNCATE organisations CASCADE")
    return appliance.lab.database


@pytest.fixture
def clinic(database: Database) -> UUID:
    """The organisation of the demo."""
    return UUID(import_directory(database, DEMO_DIRECTORY))


@pytest.fixture
def owner(
    appliance: Exchange, chromium: Browser, database: Database, clinic: UUID
) -> Iterator[Watched]:
    """The window of an owner, who is signed in."""
    with window(chromium, appliance.url) as watched:
        email = _add(database, clinic, Role.OWNER)
        watched.page.goto(make_link(database, email, datetime.now(UTC)))
        yield watched


def _add(database: Database, clinic: UUID, role: Role, person: str = "") -> str:
    """An account; its e-mail address."""
    email = f"{role}@clinic.example"
    with database.session(clinic) as db:
        person_id = db.scalar(select(Person.id).where(Person.name == person))
        accounts.add(
            db, clinic, email=email, name=role.title(), role=role, person_id=person_id,
            password_hash=Passwords().hash(_PASSWORD),
        )  # fmt: skip
    return email


def _card(page: Page, call_id: str) -> Locator:
    return page.locator(f'.live-call[data-call="{call_id}"]')


@pytest.fixture
def anna(
    appliance: Exchange, chromium: Browser, database: Database, clinic: UUID
) -> Iterator[Watched]:
    """The live page of a receptionist, who takes calls as Anna Jones."""
    with window(chromium, appliance.url) as watched:
        watched.sign_in(_add(database, clinic, Role.RECEPTIONIST, "Anna Jones"), _PASSWORD)
        watched.page.get_by_role("link", name="Live").click()
        _is_up_to_date(watched.page)
        yield watched


def _is_up_to_date(page: Page) -> None:
    expect(page.locator("#live-state")).to_have_text("Up to date.")


def test_a_call_is_watched_turn_by_turn_taken_and_played_back(
    appliance: Exchange, owner: Watched, anna: Watched
) -> None:
    owner.page.goto("/live")
    _is_up_to_date(owner.page)
    caller, desk = appliance.caller(name="Thomas"), appliance.desk(_ANNA)
    caller.dial(_DID)
    card, offered = _card(owner.page, caller.call_id), _card(anna.page, caller.call_id)
    turns = card.locator('[data-part="turns"] > li')
    expect(card.get_by_role("heading")).to_have_text("Thomas")
    expect(turns.first).to_contain_text("you have reached the Harbour Clinic")
    caller.hear_out()
    caller.say("i would like to speak to anna jones")
    expect(turns.and_(card.locator(".caller"))).to_contain_text("anna jones")
    expect(card.locator('[data-part="decided"]')).to_contain_text("Transfer")
    expect(card.locator('[data-part="going"]')).to_have_text(f"Ringing Anna Jones ({_ANNA})")
    expect(offered.locator('[data-part="for-me"]')).to_be_visible()
    expect(offered.locator('[data-part="wanted"]')).to_contain_text("anna jones")
    offered.get_by_role("button", name="Accept").click()
    desk.pick_up()
    for watched in (offered, card):
        expect(watched.locator('[data-part="going"]')).to_have_text("With Anna Jones")
    caller.hang_up()
    expect(card).to_have_attribute("data-state", "ended")
    said = turns.count()
    card.get_by_role("link", name="Record").click()
    expect(owner.page.locator("li.turn")).to_have_count(said)
    _plays_from_a_turn(owner.page)


def _plays_from_a_turn(page: Page) -> None:
    """The last turn's button plays the recording from there, and marks the turn."""
    turn = page.locator("li.turn").last
    turn.get_by_role("button", name="Play from here").click()
    begins_s = float(turn.get_attribute("data-from") or 0) / 1000
    assert begins_s > 0
    page.wait_for_function(
        "begins => document.querySelector('audio').currentTime > begins + 0.2", arg=begins_s
    )
    expect(turn).to_have_class(re.compile(r"\bplaying\b"))


def test_a_changed_greeting_is_heard_in_the_next_call(appliance: Exchange, owner: Watched) -> None:
    page = owner.page
    page.goto("/setup/personas")
    page.get_by_role("link", name="Front desk").click()
    page.get_by_label("Greeting", exact=True).fill(
        "Good morning, this is the pharmacy. How can I help you?"
    )
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("It holds from the next call on.")).to_be_visible()
    page.goto("/live")
    caller = appliance.caller()
    caller.dial(_DID)
    expect(_card(page, caller.call_id)).to_contain_text("Good morning, this is the pharmacy.")
    caller.hear_out()
    caller.hang_up()
    assert "pharmacy" in caller.heard()


def test_a_broken_connection_misses_nothing_and_repeats_nothing(
    appliance: Exchange, owner: Watched
) -> None:
    page, server = owner.page, appliance.lab.stack.admin
    page.goto("/live")
    _is_up_to_date(page)
    caller = appliance.caller()
    caller.dial(_DID)
    turns = _card(page, caller.call_id).locator('[data-part="turns"] > li')
    expect(turns).to_have_count(1)
    caller.hear_out()
    server.kill()
    expect(page.locator("#live-state")).not_to_have_text("Up to date.")
    caller.say("billing please")
    caller.hear_out()
    server.revive()
    _is_up_to_date(page)
    expect(turns.and_(page.locator(".caller"))).to_contain_text("billing please")
    caller.hang_up()
    expect(_card(page, caller.call_id)).to_have_attribute("data-state", "ended")
    seen = turns.all_inner_texts()
    page.reload()
    assert turns.all_inner_texts() == seen
    assert len({turn.get_attribute("data-seq") for turn in turns.all()}) == len(seen)


def test_from_an_empty_database_to_the_first_call(
    appliance: Exchange, chromium: Browser, database: Database
) -> None:
    with window(chromium, appliance.url) as watched:
        watched.sign_in(*_first_owner(appliance.lab.stack.database_url))
        page = watched.page
        page.get_by_role("link", name="Set-up").click()
        page.get_by_role("link", name="Set up in five screens").click()
        go_on = page.get_by_role("button", name="Go on")
        page.get_by_label("Greeting", exact=True).fill(
            "Hello, this is billing. How can I help you?"
        )
        go_on.click()
        page.get_by_label("The numbers that callers dial").fill("+1 555 2000")
        go_on.click()
        page.get_by_label("Names and extensions").fill("Anna Jones, 312\nDavid, 313")
        go_on.click()
        expect(page.locator("code.password")).to_have_count(2)
        page.get_by_role("link", name="I have them; go on").click()
        page.get_by_label("Always open").check()
        go_on.click()
        expect(page.get_by_text("Waiting for a call")).to_be_visible()
        caller = appliance.caller(name="Maria")
        caller.dial("+15552000")
        page.get_by_role("link", name="A call from Maria is here. Look at it.").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Call from Maria")
        caller.hear_out()
        caller.hang_up()
        assert "billing" in caller.heard()
        page.reload()
        expect(page.locator("li.turn").first).to_contain_text("Hello, this is billing.")


def _first_owner(database_url: str) -> tuple[str, str]:
    """The account and the organisation that the command line makes; address and password."""
    done = subprocess.run(
        [
            sys.executable, "-m", "appliance", "admin", "add-administrator", "owner@new.example",
            "--new-organisation", "New Clinic", "--generate",
        ],
        env={**os.environ, "DATABASE_URL": database_url}, capture_output=True, text=True,
        check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return "owner@new.example", done.stdout.split("Password, shown this once: ")[1].strip()
