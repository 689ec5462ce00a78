"""Every page that the table of routes has: usable by everybody, light to load, and all our own."""

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from appliance.admin.route_table import all_routes
from appliance.admin.routing import Kind, Route, Who
from tests.browser.filled import Filled, store_calls
from tests.browser.windows import NARROW, Watched, window
from tests.integration.admin.route_samples import path_of

pytestmark = [pytest.mark.browser, pytest.mark.postgres]
_MOST_BYTES = 100_000
_GRAVE = ("serious", "critical")
PAGES = [route for route in all_routes() if route.kind is Kind.PAGE and route.method == "GET"]
_MORE = {
    "a call with a recording": "/calls/{recorded}",
    "a call in two parts": "/calls/{taken_over}",
    "live as rows": "/live?view=rows",
    "a search": "/calls?words=sales",
    "nothing found": "/calls?words=zebra",
    "figures of a month": "/figures?span=30d",
    "figures of no span": "/figures?span=month",
    "no such page": "/calls/none",
}


def grave_faults(page: Page) -> list[str]:
    """What axe finds serious or critical, and whether the page is wider than its window."""
    page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = page.evaluate(
        "() => axe.run({resultTypes: ['violations']}).then((it) => it.violations)"
    )
    faults = [
        f"{it['id']}: {node['target']} {node['html'][:200]}"
        for it in found if it["impact"] in _GRAVE for node in it["nodes"]
    ]  # fmt: skip
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        faults.append("the page scrolls sideways")
    return faults


def weight(watched: Watched) -> int:
    """Bytes that came over the wire for everything that was loaded so far."""
    sizes = [request.sizes() for request in watched.loaded]
    return sum(it["responseBodySize"] + it["responseHeadersSize"] for it in sizes)


def _look_at(site: Filled, chromium: Browser, path: str, *, signed_in: bool = True) -> None:
    """Load, weigh, and examine it; colours hang on the scheme and the rest on the width."""
    cookies = site.owner if signed_in else None
    with window(chromium, site.url, storage_state=cookies) as watched:
        page = watched.page
        page.goto(path, wait_until="load")
        assert 0 < weight(watched) < _MOST_BYTES
        assert not grave_faults(page)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size(NARROW)
        assert not grave_faults(page)


@pytest.mark.parametrize("route", PAGES, ids=[route.name for route in PAGES])
def test_page(site: Filled, chromium: Browser, route: Route) -> None:
    signed_in = route.rule.who is not Who.ANYONE
    _look_at(site, chromium, path_of(route, site.samples), signed_in=signed_in)


@pytest.mark.parametrize("path", _MORE.values(), ids=_MORE)
def test_page_in_another_state(site: Filled, chromium: Browser, path: str) -> None:
    _look_at(site, chromium, path.format(**site.samples))


@pytest.mark.parametrize("path", ["/live", "/calls"])
def test_a_busy_day_is_as_light(site: Filled, chromium: Browser, path: str) -> None:
    store_calls(site.database, site.tenant, over=60, going_on=20, turns=20)
    with window(chromium, site.url, storage_state=site.owner) as watched:
        watched.page.goto(path, wait_until="load")
        expect(watched.page.locator("main")).to_contain_text("Caller 19")
        assert weight(watched) < _MOST_BYTES


def test_windows_notice_what_no_page_may_do(site: Filled, chromium: Browser) -> None:
    with window(chromium, site.url) as watched:
        page = watched.page
        page.goto("/sign-in")
        page.evaluate("document.body.append(document.createElement('script'))")
        page.evaluate("document.querySelector('body > script').textContent = 'window.taken = 1'")
        assert page.evaluate("window.taken") is None
        page.set_content("<img src='http://127.0.0.1:9/elsewhere.png'>")
        assert "Content Security Policy" in watched.troubles[0]
        assert "asked elsewhere: http://127.0.0.1:9/elsewhere.png" in watched.troubles
        watched.troubles.clear()
