"""``appliance render``: write people, trunks and DIDs into the files that FreeSWITCH includes."""

import argparse
from pathlib import Path

import structlog

from appliance import wiring
from appliance.admin.setup.phone_files import phone_files
from appliance.calls.errors import ConfigurationError, SwitchTimeoutError
from appliance.settings import load_settings
from appliance.switch.rendering import checked_root, reload_commands, write

_CONNECTS_WITHIN_S = 5.0

log = structlog.get_logger()


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "render", help="write phones, trunks and DIDs as FreeSWITCH's configuration"
    )
    parser.add_argument("root", type=Path, help="FreeSWITCH's configuration directory")
    parser.add_argument(
        "--reload", action="store_true", help="tell a running FreeSWITCH over the control link"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write what has changed; with ``--reload`` FreeSWITCH takes it up at once."""
    root = checked_root(arguments.root)
    files = rendered_files()
    try:
        written = write(files, root)
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename}: {error.strerror}: run this as the user who may write there, "
            "the one that the operators' page runs as"
        ) from error
    for path in (*written.changed, *written.removed):
        log.info("rendered", file=path)
    if arguments.reload and written:
        settings = load_settings()
        link = wiring.control_link(settings)
        link.start()
        try:
            if not link.wait_connected(_CONNECTS_WITHIN_S):
                where = f"{settings.switch.host}:{settings.switch.port}"
                raise SwitchTimeoutError(
                    f"the files are written, but no Event Socket answers at {where}: start "
                    "FreeSWITCH, which then reads them, or run this again"
                )
            for command in reload_commands(written):
                log.info("reloaded", command=command, reply=link.api(command))
        finally:
            link.stop()
    return 0


def rendered_files() -> dict[str, str]:
    """What the database says, as files: path below the configuration's root to text."""
    settings = load_settings()
    database = wiring.database(settings)
    try:
        return phone_files(database, settings.switch.domain)
    finally:
        database.close()
