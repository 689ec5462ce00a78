"""Browser windows that note whatever a page must never do."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    Request,
    ViewportSize,
    WebError,
    WebSocket,
)

from tests.integration.admin.admin_site import PASSWORD

WIDE: ViewportSize = {"width": 1400, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 30_000.0


@dataclass
class Watched:
    """A window on one application.

    Attributes:
        troubles: requests that left for elsewhere, scripts that the policy stopped, errors of
            ours, alerts: nothing of it may ever be.
        loaded: requests that were answered.
    """

    page: Page
    url: str
    troubles: list[str] = field(default_factory=list)
    loaded: list[Request] = field(default_factory=list)

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Fill the form in, as people do."""
        self.page.goto("/sign-in")
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def watch(self, context: BrowserContext) -> None:
        """Note the troubles of all its pages from now on."""
        context.on("request", self._requested)
        context.on("requestfinished", self._answered)
        context.on("console", self._said)
        context.on("weberror", self._failed)
        context.on("dialog", self._asked)
        self.page.on("websocket", self._connected)

    def _requested(self, request: Request) -> None:
        self._see_host(request.url)

    def _answered(self, request: Request) -> None:
        self.loaded.append(request)

    def _connected(self, socket: WebSocket) -> None:
        self._see_host(socket.url)

    def _see_host(self, address: str) -> None:
        if urlsplit(address).netloc != urlsplit(self.url).netloc:
            self.troubles.append(f"asked elsewhere: {address}")

    def _said(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.troubles.append(message.text)

    def _failed(self, error: WebError) -> None:
        self.troubles.append(str(error.error))

    def _asked(self, dialog: Dialog) -> None:
        if dialog.type == "alert":
            self.troubles.append(f"alert: {dialog.message}")
        dialog.accept()


@contextmanager
def window(browser: Browser, url: str, **options: Any) -> Iterator[Watched]:
    """A window with cookies of its own; troubles fail the test when it is closed.

    Args:
        options: of Playwright's ``new_context``.
    """
    options.setdefault("viewport", WIDE)
    with browser.new_context(base_url=url, reduced_motion="reduce", **options) as context:
        watched = Watched(context.new_page(), url)
        context.set_default_timeout(PATIENCE_MS)
        watched.watch(context)
        yield watched
    assert not watched.troubles
