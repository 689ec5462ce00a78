"""``appliance demo --keep``: the operators' page left up, with bench calls coming in."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import cycle
from uuid import UUID

import gevent
from rich.console import Console

from appliance.admin import accounts, passwords
from appliance.admin.signing_in import make_link
from appliance.lab.results import ScenarioResult
from appliance.lab.scenario import Scenario
from appliance.lab.stack import Stack
from appliance.storage.database import Database

_EMAIL = "owner@demo.example"
_BETWEEN_CALLS_S = 3.0


def keep_up(
    stack: Stack, play: Callable[[Scenario], ScenarioResult], scenarios: Sequence[Scenario],
    console: Console,
) -> None:  # fmt: skip
    """Serve the page and play the scenarios over and over, until Ctrl-C."""
    url = stack.start_admin()
    database = Database(stack.database_url)
    try:
        password = _owner(database, stack.organisation_id)
        link = make_link(database, _EMAIL, datetime.now(UTC))
    finally:
        database.close()
    console.rule("The operators' page")
    console.print(f"Signed in by this link, once, within ten minutes:\n{url}{link}", soft_wrap=True)
    if password:
        console.print(f"After that: {url}, as {_EMAIL}, password {password}", soft_wrap=True)
    console.print("Calls come in until Ctrl-C.\n")
    with suppress(KeyboardInterrupt):
        for scenario in cycle(scenarios):
            play(scenario)
            gevent.sleep(_BETWEEN_CALLS_S)


def _owner(database: Database, organisation_id: str) -> str:
    """The account's password, made up; nothing when a database that is kept has the account."""
    if accounts.find(database, _EMAIL) is not None:
        return ""
    password = passwords.generated()
    accounts.add_owner(
        database, UUID(organisation_id), email=_EMAIL, name="Demo",
        password_hash=passwords.Passwords().hash(password), now=datetime.now(UTC),
    )  # fmt: skip
    return password
