"""``appliance lab run FILE...``: play scenarios on the bench or on a real FreeSWITCH."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from appliance.cli.arguments import at_least_one
from appliance.lab.faults import ENGINE_FAULTS
from appliance.lab.report import print_line, print_result, print_summary
from appliance.lab.results import ScenarioResult
from appliance.lab.scenario import Scenario, load_scenarios
from appliance.lab.session import SWITCHES, lab
from appliance.lab.stack import Stack
from appliance.settings import load_settings


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("lab", help="play calls from scenario files")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    run_parser = verbs.add_parser("run", help="play scenarios and check what they expect")
    run_parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    run_parser.add_argument("--switch", choices=SWITCHES, default="bench")
    run_parser.add_argument("--json", action="store_true", help="account as JSON, on stdout")
    run_parser.add_argument("--controllers", type=at_least_one, default=2)
    run_parser.add_argument("--keep", type=Path, help="folder for logs, recordings and database")
    run_parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Play them; 0 when all went as expected."""
    scenarios = load_scenarios(arguments.files)
    console = Console(stderr=arguments.json)
    with (
        keep_folder(arguments.keep) as work,
        play_on(
            arguments.switch,
            console,
            arguments.controllers,
            work,
            breakable=any(scenario.hooks & ENGINE_FAULTS for scenario in scenarios),
        ) as (_, play),  # fmt: skip
    ):
        results = [play(scenario) for scenario in scenarios]
    if arguments.json:
        json.dump([result.as_dict() for result in results], sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        print_summary(console, results)
    return 0 if all(result.passed or result.skipped for result in results) else 1


@contextmanager
def keep_folder(keep: Path | None) -> Iterator[Path]:
    """The folder to keep things in, or one that is gone afterwards."""
    if keep is not None:
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="appliance-lab-") as temporary:
        Path(temporary).chmod(0o755)  # PostgreSQL runs as a user of its own in there
        yield Path(temporary)


@contextmanager
def play_on(
    switch: str, console: Console, controllers: int, work: Path, breakable: bool = False
) -> Iterator[tuple[Stack, Callable[[Scenario], ScenarioResult]]]:
    """Everything started; gives the stack and what plays one scenario and tells its story.

    Args:
        breakable: whether scenarios may break single engines.
    """
    stack = Stack(
        work, controllers=controllers, database_url=load_settings().database_url,
        breakable=breakable,
        tell=lambda what: console.print(f"[dim]starting {what}[/dim]"),
    )  # fmt: skip
    with lab(
        stack, switch, say=lambda line: print_line(console, line),
        started=lambda: console.print("[dim]everything is up[/dim]\n"),
    ) as running:  # fmt: skip

        def play(scenario: Scenario) -> ScenarioResult:
            console.rule(scenario.name)
            console.print(f"[dim]{scenario.about}[/dim]")
            result = running.runner.run(scenario)
            print_result(console, result)
            return result

        yield stack, play
