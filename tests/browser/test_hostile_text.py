"""Hostile text is text: whatever callers say and operators type, pages show it and do no more."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.filled import Filled
from tests.browser.test_every_page import PAGES, grave_faults
from tests.browser.windows import NARROW, window
from tests.integration.admin.admin_site import TestClock
from tests.integration.admin.made_calls import Made, store
from tests.integration.admin.route_samples import path_of

pytestmark = [pytest.mark.browser, pytest.mark.postgres, pytest.mark.timeout(300)]
_MARKUP = "<script>window.taken = 1</script>\"'><img src=x onerror='window.taken = 1'>"
_QUERY = "'; DROP TABLE calls; --"
_TEMPLATE = "{{ 7 * 7 }}{% raw %}${7*7}"
_LONGEST_NAME = 60
HOSTILE = {
    "in a few characters": "</title><img src=x onerror=alert(1)>{{ 7 * 7 }}';--",
    "right to left": "\u202egnirts\u2066x <b>y",
    "everything, at length": (_MARKUP + _QUERY + _TEMPLATE + "\u202e").ljust(10_000, "x"),
}
_FORMS = """() => [...document.forms].filter((form) => form.method === "post").map((form) =>
  [...form.elements].filter((it) => it.matches("input:not([type=hidden]):not([type=checkbox])" +
    ":not([type=radio]), textarea")).map((it) => it.name).join(" "))"""
_FILL_AND_SEND = """([number, text]) => {
  const forms = [...document.forms].filter((form) => form.method === "post");
  const form = forms[number];
  for (const it of form.elements) {
    if (it.matches("input:not([type=hidden]):not([type=checkbox]):not([type=radio]), textarea")) {
      if (it.type !== "textarea") it.type = "text";
      it.value = text;
    }
  }
  form.noValidate = true;
  form.requestSubmit();
}"""


def _is_only_text(page: Page) -> None:
    """Nothing of it became a part of the page, ran, or was worked out."""
    assert page.evaluate("window.taken") is None
    made = "img[src='x'], main script, b, [onerror], [onmouseover]"
    expect(page.locator(made)).to_have_count(0)
    assert "Appliance" in page.title()


def _answers_of_forms(site: Filled, page: Page, text: str) -> Iterator[None]:
    """Fill each form that has fields, of each page, and send it; the page shows the answer."""
    for route in PAGES:
        path = path_of(route, site.samples)
        page.goto(path)
        for sent, names in enumerate(dict.fromkeys(filter(None, page.evaluate(_FORMS)))):
            if sent:
                page.goto(path)
            number = page.evaluate(_FORMS).index(names)  # of live calls some may have gone
            by_script = page.url.endswith("/live")  # the first page leads there too
            answer = page.expect_response("**/live/*/*") if by_script else page.expect_navigation()
            with answer as info:
                page.evaluate(_FILL_AND_SEND, [number, text])
            assert info.value.status < 500, f"{path}: {names}"
            yield


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_typed_into_forms(site: Filled, chromium: Browser, text: str) -> None:
    with window(chromium, site.url, storage_state=site.owner) as watched:
        for _ in _answers_of_forms(site, watched.page, text):
            _is_only_text(watched.page)


def test_what_forms_answer_is_usable_by_everybody(site: Filled, chromium: Browser) -> None:
    with window(chromium, site.url, storage_state=site.owner, viewport=NARROW) as watched:
        for _ in _answers_of_forms(site, watched.page, "sales please"):
            assert not grave_faults(watched.page), watched.page.url


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_callers_say_and_are_called(site: Filled, chromium: Browser, text: str) -> None:
    with window(chromium, site.url, storage_state=site.owner, viewport=NARROW) as watched:
        page = watched.page
        page.goto("/live")
        expect(page.locator("#live-state")).to_have_text("Up to date.")
        made = Made(
            at=TestClock()() - timedelta(seconds=5), name=text, number=text[:_LONGEST_NAME],
            said=[text], labels=(text[:_LONGEST_NAME],), outcome=None,
        )  # fmt: skip
        [call_id] = store(site.database, site.tenant.organisation_id, made)
        card = page.locator(f'.live-call[data-call="{call_id}"]')
        said = card.locator('[data-part="turns"] > li.caller p')
        expect(said).to_contain_text(text[:_LONGEST_NAME])
        _is_only_text(page)
        for path in (f"/calls/{call_id}", *(path_of(route, site.samples) for route in PAGES)):
            page.goto(path)
            _is_only_text(page)
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
