"""``appliance demo``: several calls in real time, told as they happen, and their records."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from appliance.calls.errors import ConfigurationError, StorageError
from appliance.cli.kept_demo import keep_up
from appliance.cli.lab import keep_folder, play_on
from appliance.cli.tables import calls_table
from appliance.events.reader import recent_calls
from appliance.lab.report import print_summary
from appliance.lab.results import ScenarioResult
from appliance.lab.scenario import load_scenarios
from appliance.lab.stack import Stack
from appliance.storage.database import Database
from appliance.storage.directory_store import load_directories

_SCENARIOS = Path(__file__).resolve().parents[2] / "tests" / "scenarios"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("demo", help="play the demonstration calls on the bench")
    parser.add_argument("--json", action="store_true", help="account as JSON, on stdout")
    parser.add_argument(
        "--keep", action="store_true",
        help="then leave the operators' page up, with calls coming in, until Ctrl-C",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play them; 0 when all went as expected."""
    console = Console(stderr=arguments.json)
    files = sorted(_SCENARIOS.glob("demo-*.yaml"))
    if not files:
        raise ConfigurationError(f"{_SCENARIOS}: no demo-*.yaml; run the demo from a checkout")
    scenarios = load_scenarios(files)
    with keep_folder(None) as work, play_on("bench", console, 1, work) as (stack, play):
        results = [play(scenario) for scenario in scenarios]
        _report(console, stack, results, as_json=arguments.json)
        if arguments.keep:
            keep_up(stack, play, scenarios, console)
    return 0 if all(result.passed for result in results) else 1


def _report(
    console: Console, stack: Stack, results: Sequence[ScenarioResult], *, as_json: bool
) -> None:
    """What came of the calls, as the database has it.

    Raises:
        StorageError: a call has no record.
    """
    database = Database(stack.database_url)
    calls = [
        call
        for directory in load_directories(database)
        for call in recent_calls(database, directory.organisation_id, limit=50)
    ]
    database.close()
    ours = {call.call_id for result in results for call in result.calls}
    recorded = sorted((c for c in calls if c.call_id in ours), key=lambda c: c.first_event_at)
    console.print(calls_table("The calls, as the database has them", recorded))
    print_summary(console, results)
    if as_json:
        json.dump([result.as_dict() for result in results], sys.stdout, indent=2)
        sys.stdout.write("\n")
    if len(recorded) != len(ours):
        raise StorageError(f"{len(ours) - len(recorded)} of the calls have no record")
