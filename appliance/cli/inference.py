"""``appliance inference``: serve the models."""

import argparse
import sys

from appliance import wiring
from appliance.cli.logs import configure_logs
from appliance.settings import load_settings


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("inference", help="serve the models (OpenAI's endpoints)")
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    settings = load_settings()
    configure_logs(settings.log_level)

    def ready() -> None:
        sys.stdout.write("ready\n")
        sys.stdout.flush()

    wiring.serve_inference(settings, ready)
    return 0
