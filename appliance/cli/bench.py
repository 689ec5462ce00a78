"""``appliance bench``: what the appliance adds to its engines, measured."""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from appliance.cli.arguments import at_least_one
from appliance.cli.controller import serve
from appliance.cli.lab import keep_folder
from appliance.lab.benchmarks import bare_loop, null_controller
from appliance.lab.benchmarks.engines import InstantRecognizer, InstantVoice
from appliance.lab.benchmarks.report import as_json, print_report, write_json
from appliance.lab.benchmarks.suite import FULL, NAMES, QUICK, measure
from appliance.settings import load_settings
from appliance.wiring import Engines

_RESULTS = Path("build/bench.json")


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command, and the roles of its own processes."""
    parser = subparsers.add_parser("bench", help="measure delays, load and throughput")
    parser.add_argument("--only", action="append", choices=NAMES, help="may be given repeatedly")
    parser.add_argument("--quick", action="store_true", help="in less than a minute, less exactly")
    parser.add_argument(
        "--recorded", type=at_least_one, metavar="CALLS", help="that operators look through"
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON, on stdout")
    parser.add_argument("--output", type=Path, default=_RESULTS, help=f"default {_RESULTS}")
    parser.add_argument("--keep", type=Path, help="folder for logs, recordings and database")
    parser.add_argument("--controller", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--bare-loop", metavar="PORTS", help=argparse.SUPPRESS)
    parser.add_argument("--null-controller", metavar="PORT", type=int, help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure; 0 when it ran to its end, whether the goals hold or not."""
    if arguments.controller:
        return serve(Engines(InstantRecognizer(), InstantVoice(), model=None))
    if arguments.bare_loop:
        bare_loop.serve([int(port) for port in arguments.bare_loop.split(",")])
        return 0
    if arguments.null_controller:
        null_controller.serve(arguments.null_controller)
        return 0
    return _measure(arguments)


def _measure(arguments: argparse.Namespace) -> int:
    console = Console(stderr=arguments.json)
    pause_ms = load_settings().speech.pause_finished_ms
    began_at = time.perf_counter()

    def tell(what: str) -> None:
        console.print(f"[dim]{time.perf_counter() - began_at:6.1f} s  {what}[/dim]")

    extent = QUICK if arguments.quick else FULL
    if arguments.recorded:
        extent = replace(extent, recorded=arguments.recorded)
    found = []
    with keep_folder(arguments.keep) as work:
        for one in measure(work, arguments.only or (), extent, pause_ms, tell):
            found.append(one)
            console.print(f"          {one.name}: {one.value:.4g} {one.unit}")
    tell("done")
    print_report(console, found, pause_ms)
    write_json(arguments.output, found)
    if arguments.json:
        sys.stdout.write(as_json(found) + "\n")
    return 0
