"""Listening to a call that a second controller took up."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.filled import Filled
from tests.browser.windows import window

pytestmark = [pytest.mark.browser, pytest.mark.postgres]


def test_each_part_of_a_call_plays_with_its_own_turns(site: Filled, chromium: Browser) -> None:
    """From a turn of the second, which stops the first; and after the first comes the second."""
    playing = re.compile(r"\bplaying\b")
    with window(chromium, site.url, storage_state=site.owner) as watched:
        page = watched.page
        page.goto(f"/calls/{site.samples['taken_over']}")
        first, second = page.locator(".player").all()
        turns = page.locator("li.turn")
        expect(turns).to_have_count(12)
        turns.nth(2).get_by_role("button", name="Play from here").click()
        expect(turns.nth(2)).to_have_class(playing)
        turns.nth(8).get_by_role("button", name="Play from here").click()
        expect(turns.nth(8)).to_have_class(playing)
        expect(page.locator("li.turn.playing")).to_have_count(1)
        assert first.locator("audio").evaluate("it => it.paused")
        assert second.locator("audio").evaluate("it => it.currentTime") >= 1.0
        first.locator("svg").click(position={"x": 5, "y": 5})
        expect(turns.first).to_have_class(playing)
        first.locator("audio").evaluate("it => { it.currentTime = it.duration - 0.2; }")
        expect(turns.nth(6)).to_have_class(playing)
