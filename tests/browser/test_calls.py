"""Calls of the bench, played against the whole appliance, as operators see and steer them."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
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
from tests.browser.exchange import Exchange, exchange
from tests.browser.windows import Watched, window

pytestmark = [pytest.mark.browser, pytest.mark.models, pytest.mark.timeout(300)]
_DID = "+15551000"
_ANNA = "212"
_PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def appliance(chromium: Browser) -> Iterator[Exchange]:
    """One for all tests here. PostgreSQL's user must be able to enter its folder."""
    work = Path(tempfile.mkdtemp(prefix="appliance-browser-"))
    work.chmod(0o755)
    try:
        with exchange(work) as running:
            yield running
    finally:
        shutil.rmtree(work, ignore_errors=True)


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
    """A turn's button plays the recording from there; time goes on, and the turn is marked."""
    turn = page.locator("li.turn").nth(1)
    turn.get_by_role("button", name="Play from here").click()
    begun_s = float(turn.get_attribute("data-from") or 0) / 1000
    assert begun_s > 0
    page.wait_for_function(
        "from => document.querySelector('audio').currentTime > from + 0.3", arg=begun_s
    )
    expect(turn).to_have_class("turn caller playing")
    assert page.evaluate("document.querySelector('audio').duration") > begun_s + 0.3


def test_a_changed_greeting_is_heard_in_the_next_call(appliance: Exchange, owner: Watched) -> None:
    page = owner.page
    page.goto("/setup/organisation")
    page.get_by_label("Greeting").fill("Good morning, this is the pharmacy. How can I help you?")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_be_visible()
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
