"""``appliance admin``: serve the operators' page and the API, and make the first owner."""

import argparse
import getpass
import sys
from datetime import UTC, datetime
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from appliance import wiring
from appliance.admin import accounts, passwords
from appliance.admin.fields import Email
from appliance.admin.signing_in import make_link
from appliance.calls.errors import ConfigurationError
from appliance.cli.logs import configure_logs
from appliance.settings import load_settings
from appliance.storage.database import Database
from appliance.storage.directory_import import organisation_id_of
from appliance.storage.models import Organisation
from appliance.wiring.admin import serve_admin

_LONGEST_NAME = 100


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its own commands."""
    parser = subparsers.add_parser("admin", help="serve the operators' page and the API")
    parser.set_defaults(run=run)
    own = parser.add_subparsers(dest="admin_command", metavar="COMMAND")
    adding = own.add_parser("add-administrator", help="make an owner's account")
    adding.add_argument("email")
    adding.add_argument("--name", default="", help="shown on pages; the address when left out")
    adding.add_argument("--organisation", default="", help="name or id, where there are several")
    adding.add_argument(
        "--new-organisation", default="", metavar="NAME", help="make the organisation too"
    )
    adding.add_argument(
        "--generate", action="store_true", help="make a password up and show it, do not ask"
    )
    adding.set_defaults(run=run_add)
    linking = own.add_parser("sign-in-link", help="make a link that signs in once")
    linking.add_argument("email")
    linking.add_argument("--url", default="", help="of the page, where it is not the settings' one")
    linking.set_defaults(run=run_link)


def run(_arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    settings = load_settings()
    configure_logs(settings.log_level)

    def ready(url: str) -> None:
        sys.stdout.write(f"ready {url}\n")
        sys.stdout.flush()

    serve_admin(settings, ready)
    return 0


def run_add(arguments: argparse.Namespace) -> int:
    """Make the account; a password that is made up is shown this once."""
    database = wiring.database(load_settings())
    email = _checked_email(arguments.email)
    new = arguments.new_organisation.strip()
    organisation = (
        organisation_id_of(new) if new else _organisation(database, arguments.organisation)
    )
    generate = arguments.generate or not sys.stdin.isatty()
    password = passwords.generated() if generate else _asked(email)
    hashed = passwords.Passwords().hash(password)
    if new:
        _make(database, organisation, new)
    accounts.add_owner(
        database, organisation, email=email, name=arguments.name or email, password_hash=hashed,
        now=datetime.now(UTC),
    )  # fmt: skip
    sys.stdout.write(f"{email} may sign in as an owner.\n")
    if generate:
        sys.stdout.write(f"Password, shown this once: {password}\n")
    return 0


def run_link(arguments: argparse.Namespace) -> int:
    """Print a link; whoever opens it first within ten minutes is signed in."""
    settings = load_settings()
    path = make_link(wiring.database(settings), arguments.email, datetime.now(UTC))
    own = settings.admin
    scheme = "https" if own.tls_certificate else "http"
    url = arguments.url or f"{scheme}://{own.host}:{own.port}"
    sys.stdout.write(f"{url.rstrip('/')}{path}\n")
    return 0


def _checked_email(text: str) -> str:
    try:
        return str(TypeAdapter(Email).validate_python(text.strip()))
    except ValidationError:
        raise ConfigurationError(
            f"{text[:60]!r}: write an e-mail address such as name@example.org"
        ) from None


def _organisation(database: Database, wanted: str) -> UUID:
    found: dict[UUID, str] = {}
    for organisation_id in database.directory_index():
        with database.session(organisation_id) as session:
            row = session.get(Organisation, UUID(organisation_id))
            if row is not None:
                found[row.organisation_id] = row.name
    chosen = [key for key, name in found.items() if not wanted or wanted in (name, str(key))]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(sorted(found.values())) or "none"
    if not found:
        raise ConfigurationError(
            "there is no organisation yet: name one with --new-organisation, or read one in with "
            "`appliance import-directory FILE`"
        )
    raise ConfigurationError(f"name one of the organisations with --organisation: {names}")


def _make(database: Database, organisation_id: UUID, name: str) -> None:
    """Add an empty organisation; the operators' page leads through the rest."""
    if not name.isprintable() or len(name) > _LONGEST_NAME:
        raise ConfigurationError(f"--new-organisation: at most {_LONGEST_NAME} plain characters")
    with database.session(organisation_id) as session:
        if session.get(Organisation, organisation_id) is not None:
            raise ConfigurationError(
                f"there is an organisation {name!r} already: use --organisation for it"
            )
        session.add(Organisation(organisation_id=organisation_id, name=name))


def _asked(email: str) -> str:
    while True:
        password = getpass.getpass("Password: ")
        fault = passwords.fault_of(password, email)
        if fault:
            sys.stderr.write(f"{fault}\n")
        elif getpass.getpass("Again: ") == password:
            return password
        else:
            sys.stderr.write("The two are not the same.\n")
