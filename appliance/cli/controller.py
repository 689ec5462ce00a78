"""``appliance controller``: hold calls until told to stop."""

import argparse
import gc
import signal
import sys

import gevent
import structlog
from gevent.event import Event

from appliance import wiring
from appliance.cli.logs import configure_logs, log_failed_greenlets
from appliance.settings import load_settings

# As long as a call may last; systemd ends the process after as much.
_DRAIN_S = 1750.0


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("controller", help="hold calls (FreeSWITCH dials in)")
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT; then take no new calls and let the others end."""
    return serve()


def serve(engines: wiring.Engines | None = None) -> int:
    """Serve with the engines that the settings name, or with these; see :func:`run`."""
    settings = load_settings()
    configure_logs(settings.log_level)
    log_failed_greenlets()
    told_to_stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, told_to_stop.set)
    with wiring.controller(settings, engines) as supervisor:
        # A full collection looks at every object there is, some 100 ms in which no call is heard
        # or served. What is there by now stays for good and need not be looked at again.
        gc.collect()
        gc.freeze()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        told_to_stop.wait()
        structlog.get_logger().info("draining", calls=len(supervisor.calls))
        supervisor.drain(_DRAIN_S)
    return 0
