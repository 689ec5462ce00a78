"""The commands, one file each. A command is a function from parsed arguments to an exit status."""

import argparse
import signal
import sys
from collections.abc import Sequence

from appliance.calls.errors import ApplianceError
from appliance.cli import admin, bench, controller, database, demo, inference, lab, models, render

COMMANDS = (controller, inference, admin, database, render, models, lab, demo, bench)


def run(arguments: Sequence[str]) -> int:
    """Parse and carry out; an error of ours is one line that names the thing and the mend."""
    parser = argparse.ArgumentParser(
        prog="appliance", description="A self-hosted telephone appliance on FreeSWITCH."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.register(subparsers)
    parsed = parser.parse_args(arguments)
    # Whatever a command has started is stopped on the way out; the default would just end us.
    signal.signal(signal.SIGTERM, _terminated)
    try:
        return int(parsed.run(parsed))
    except ApplianceError as error:
        sys.stderr.write(f"appliance: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _terminated(_number: int, _frame: object) -> None:
    raise SystemExit(143)
