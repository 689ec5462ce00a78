"""Signing in with a browser, and being kept out."""

import time

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from appliance.admin.roles import Role
from tests.browser.filled import Filled
from tests.browser.test_every_page import grave_faults
from tests.browser.windows import window
from tests.integration.admin.admin_site import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.postgres]
_STEP_S = 30


def _give_code(page: Page, secret: str, later_s: int = 0) -> None:
    """Type the code of the moment, or the next: each works once, and the next works already."""
    page.locator("[name=code]").fill(pyotp.TOTP(secret).at(int(time.time()) + later_s))


def test_password_and_second_factor(site: Filled, chromium: Browser) -> None:
    email = site.tenant.emails[Role.SUPERVISOR]
    with window(chromium, site.url) as watched:
        page = watched.page
        page.goto("/figures")
        watched.sign_in(email, "not the password")
        expect(page.get_by_role("alert")).to_have_text("That address or password is wrong.")
        watched.sign_in(email)
        page.goto("/account")
        secret = "".join(page.locator(".secret code").inner_text().split())
        _give_code(page, secret)
        page.locator("form", has_text="Turn it on").get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Turn it on").click()
        expect(page.get_by_role("button", name="Turn it off")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        watched.sign_in(email)
        expect(page.get_by_role("heading", name="Your code")).to_be_visible()
        assert not grave_faults(page)
        page.goto("/calls")
        expect(page.get_by_role("heading", name="Your code")).to_be_visible()
        _give_code(page, secret, later_s=_STEP_S)
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", name="Calls", exact=True)).to_be_visible()


def test_a_receptionist_is_kept_out_of_the_set_up(site: Filled, chromium: Browser) -> None:
    with window(chromium, site.url) as watched:
        page = watched.page
        watched.sign_in(site.tenant.emails[Role.RECEPTIONIST])
        menu = page.get_by_role("navigation", name="Pages")
        expect(menu.get_by_role("link")).to_have_text(["Live", "Calls", "API"])
        for path in ("/setup", "/setup/people/new", "/accounts", "/audit", "/tokens", "/figures"):
            answer = page.goto(path)
            assert answer is not None
            assert answer.status == 403
            expect(page.get_by_text("You may not do this.")).to_be_visible()
        page.goto(f"/calls/{site.samples['recorded']}")
        expect(page.get_by_text("sales please").first).to_be_visible()
        expect(page.locator("audio")).to_have_count(0)
