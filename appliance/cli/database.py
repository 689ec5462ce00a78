"""``appliance migrate``, ``import-directory``, ``calls`` and ``database seed``."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from appliance import wiring
from appliance.calls.errors import ConfigurationError
from appliance.cli.arguments import at_least_one
from appliance.cli.tables import calls_table
from appliance.events.reader import recent_calls
from appliance.lab.benchmarks.seeding import seed
from appliance.settings import load_settings
from appliance.storage.directory_import import import_directory
from appliance.storage.directory_store import load_directories
from appliance.storage.migrate import migrate


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands."""
    parser = subparsers.add_parser(
        "migrate", help="bring the database to the newest schema (as its owner)"
    )
    parser.set_defaults(run=run_migrate)
    parser = subparsers.add_parser("import-directory", help="read an organisation from YAML")
    parser.add_argument("file", type=Path)
    parser.set_defaults(run=run_import)
    parser = subparsers.add_parser("calls", help="list the latest calls")
    parser.add_argument("--limit", type=at_least_one, default=20)
    parser.set_defaults(run=run_calls)
    parser = subparsers.add_parser("database", help="fill a database for trials")
    own = parser.add_subparsers(dest="database_command", metavar="COMMAND", required=True)
    seeding = own.add_parser("seed", help="make calls up, in a database that may be thrown away")
    seeding.add_argument("--calls", type=at_least_one, default=100_000)
    seeding.add_argument("--days", type=at_least_one, default=365, help="over which they spread")
    seeding.add_argument("--organisation", default="", help="id, where there are several")
    seeding.set_defaults(run=run_seed)


def run_migrate(_arguments: argparse.Namespace) -> int:
    """Migrate, and say to what; the application's password comes from APPLIANCE_APP_PASSWORD."""
    settings = load_settings()
    if not settings.database_url:
        raise ConfigurationError("no database: set DATABASE_URL to the owner's URL")
    version = migrate(settings.database_url, os.environ.get("APPLIANCE_APP_PASSWORD", ""))
    sys.stdout.write(f"The database is at version {version}.\n")
    return 0


def run_import(arguments: argparse.Namespace) -> int:
    """Read the file; doing it twice changes nothing the second time."""
    settings = load_settings()
    import_directory(wiring.database(settings), arguments.file, domain=settings.switch.domain)
    sys.stdout.write(f"{arguments.file} is read in. It holds for the next call.\n")
    if settings.switch.configuration is None:
        sys.stdout.write("FreeSWITCH learns of phones and numbers by `appliance render`.\n")
    return 0


def run_seed(arguments: argparse.Namespace) -> int:
    """Write made-up calls of ten turns each, and count them."""
    settings = load_settings()
    organisations = sorted(wiring.database(settings).directory_index())
    wanted = [one for one in organisations if arguments.organisation in ("", one)]
    if len(wanted) != 1:
        raise ConfigurationError(
            "name one organisation with --organisation; there are: "
            + (", ".join(organisations) or "none, read one in with `appliance import-directory`")
        )
    console = Console()
    seed(
        settings.database_url, wanted[0], arguments.calls, until=datetime.now(UTC),
        days=arguments.days, tell=console.print,
    )  # fmt: skip
    return 0


def run_calls(arguments: argparse.Namespace) -> int:
    """Print the latest calls of every organisation."""
    database = wiring.database(load_settings())
    console = Console()
    for directory in load_directories(database):
        calls = recent_calls(database, directory.organisation_id, limit=arguments.limit)
        console.print(calls_table(directory.name, calls))
    return 0
