"""The command line: the first owner, a link, and a served page in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from appliance.storage.database import Database
from appliance.storage.directory_import import organisation_id_of
from tests.integration.admin.admin_site import Tenant

pytestmark = pytest.mark.postgres


def _environment(url: str, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": url,
        "APPLIANCE_STORAGE__DIRECTORY": str(tmp_path),
        "APPLIANCE_ADMIN__PORT": "0",
    }


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "appliance", "admin", *arguments],
        env=environment, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip


@contextmanager
def _served(environment: dict[str, str]) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "appliance", "admin"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        word, url = process.stdout.readline().split()
        assert word == "ready"
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_the_first_owner_is_made_and_gets_in(
    postgres_url: str, tmp_path: Path, tenant: Tenant
) -> None:
    environment = _environment(postgres_url, tmp_path)
    email = f"first-{uuid4().hex[:8]}@example.org"
    organisation = ["--organisation", str(tenant.organisation_id)]
    made = _run(environment, "add-administrator", email, *organisation)
    assert made.returncode == 0, made.stderr
    assert re.search(r"shown this once: [a-z0-9]{5}(-[a-z0-9]{5}){3}\n", made.stdout)
    again = _run(environment, "add-administrator", email.upper(), *organisation)
    assert again.returncode == 1
    assert "has an account already" in again.stderr
    with _served(environment) as url:
        link = _run(environment, "sign-in-link", email, "--url", url).stdout.strip()
        cookies = urllib.request.HTTPCookieProcessor()
        opened = urllib.request.build_opener(cookies).open(link, timeout=10)
        assert opened.url == f"{url}/live"
        assert "Harbour Clinic" in opened.read().decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add-administrator", "nonsense"], "write an e-mail address"),
        (["add-administrator", "a@b.c", "--organisation", "nobody's"], "name one of"),
        (["sign-in-link", "nobody@example.org"], "nobody has the address"),
    ],
)
def test_what_will_not_do_is_said_in_one_line(
    postgres_url: str, tmp_path: Path, tenant: Tenant, arguments: list[str], words: str
) -> None:
    found = _run(_environment(postgres_url, tmp_path), *arguments)
    assert found.returncode == 1
    assert words in found.stderr
    assert found.stderr.count("\n") == 1


def test_without_a_database_the_page_is_not_served(tmp_path: Path) -> None:
    found = _run(_environment("", tmp_path))
    assert found.returncode == 1
    assert "set DATABASE_URL" in found.stderr


def test_an_empty_database_gets_its_organisation_and_its_first_owner(
    postgres_url: str, tmp_path: Path, database: Database
) -> None:
    environment = _environment(postgres_url, tmp_path)
    name, email = f"Quay {uuid4().hex[:8]}", f"first-{uuid4().hex[:8]}@example.org"
    made = _run(environment, "add-administrator", email, "--new-organisation", name)
    assert made.returncode == 0, made.stderr
    assert str(organisation_id_of(name)) in database.directory_index()
    again = _run(environment, "add-administrator", "a@b.c", "--new-organisation", name)
    assert again.returncode == 1
    assert "use --organisation for it" in again.stderr
