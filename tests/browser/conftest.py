"""One Chromium, one filled application and one exchange for all tests in a browser.

They end with the tests of this folder, not with the session: while Playwright lasts it keeps an
event loop in the thread, in which no other test could run one of its own.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from appliance.storage.database import Database
from tests.browser.exchange import Exchange, exchange
from tests.browser.filled import Filled, filled
from tests.browser.windows import PATIENCE_MS

_SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)  # fmt: skip


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium, as scripts/setup.sh tests does")
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=found, args=_SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def site(
    postgres_url: str, chromium: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    """The application without the rest of the appliance; there is something on every page."""
    database = Database(postgres_url)
    with filled(database, chromium, tmp_path_factory.mktemp("pages")) as running:
        yield running
    database.close()


@pytest.fixture(scope="package")
def appliance(chromium: Browser) -> Iterator[Exchange]:
    """The whole appliance. PostgreSQL's user must be able to enter its folder."""
    work = Path(tempfile.mkdtemp(prefix="appliance-browser-"))
    work.chmod(0o755)
    try:
        with exchange(work) as running:
            yield running
    finally:
        shutil.rmtree(work, ignore_errors=True)
