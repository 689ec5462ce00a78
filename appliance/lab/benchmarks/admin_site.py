"""The admin application in a process of its own, with an owner who is signed in."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from appliance.calls.errors import ConfigurationError
from appliance.lab.benchmarks.rig import Store
from appliance.lab.processes import ApplianceProcess
from appliance.lab.stack import free_port

HOST = "127.0.0.1"
_LINK = re.compile(r"(/sign-in/with/\S+)")
_ANSWERS_S = 60


@dataclass(frozen=True, slots=True)
class AdminSite:
    """Where it listens; ``cookie`` is a Cookie header's value."""

    process: ApplianceProcess
    port: int
    cookie: str


@contextmanager
def admin_site(store: Store, work: Path, name: str) -> Iterator[AdminSite]:
    """The application over a database, for as long as the context lasts.

    Args:
        name: of the process, its log and its account.

    Raises:
        ConfigurationError: it does not start, or lets nobody in.
    """
    port = free_port()
    environment = {
        "APPLIANCE_SETTINGS": os.devnull,  # the machine's own settings are not ours
        "APPLIANCE_LOG_LEVEL": "WARNING",
        "DATABASE_URL": store.url,
        "APPLIANCE_ADMIN__PORT": str(port),
        "APPLIANCE_ADMIN__REQUESTS_PER_S": "1000",
        "APPLIANCE_ADMIN__ACCOUNT_REQUESTS_PER_S": "1000",
        "APPLIANCE_STORAGE__DIRECTORY": str(work / f"{name}-state"),
    }
    process = ApplianceProcess(name, ["admin"], environment, work / "logs")
    process.start()
    try:
        process.wait_ready()
        email = f"{name}@bench.example"
        _run(environment, "add-administrator", email, "--generate")
        link = _LINK.search(_run(environment, "sign-in-link", email))
        if link is None:
            raise ConfigurationError("no link to sign in with")
        yield AdminSite(process, port, _signed_in(port, link[1]))
    finally:
        process.stop()


def _signed_in(port: int, link: str) -> str:
    """Follow the link; the cookies that come of it."""
    connection = HTTPConnection(HOST, port, timeout=_ANSWERS_S)
    try:
        connection.request("GET", link)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    cookies = [value.split(";")[0] for value in answer.headers.get_all("Set-Cookie") or []]
    if answer.status != 303 or not cookies:
        raise ConfigurationError(f"the link does not sign in ({answer.status})")
    return "; ".join(cookies)


def _run(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(  # noqa: S603 - our own interpreter and module
        (sys.executable, "-m", "appliance", "admin", *arguments), capture_output=True, text=True,
        env={**os.environ, **environment}, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        raise ConfigurationError(f"appliance admin {arguments[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout
