"""Brings the database to the newest schema, as the owner of its tables.

Two roles share the database. The *owner* creates and changes tables; it is the role in the URL
given to :func:`migrate`. The application works as ``appliance_app``: it owns nothing, cannot
bypass row-level security, may only add events, and sees one organisation at a time.

The migrations create ``appliance_app`` where it is missing, for which the owner needs CREATEROLE.
Where the owner may not have that, a superuser does it once beforehand::

    CREATE ROLE appliance_app LOGIN NOSUPERUSER NOBYPASSRLS;
    GRANT appliance_app TO the_owner;

How the application signs in is a matter of its URL: with a password (``migrate(url,
app_password=...)`` sets it), by peer authentication over the Unix socket (map the system user to
``appliance_app`` in pg_ident.conf, no password anywhere), or with the owner's URL in
demonstrations: ``Database`` then changes to ``appliance_app`` itself.
"""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg import sql
from sqlalchemy.exc import DBAPIError

from appliance.calls.errors import StorageError
from appliance.storage.urls import libpq_url, sqlalchemy_url

APP_ROLE = "appliance_app"


def alembic_config(database_url: str) -> Config:
    """Alembic's configuration for the packaged migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = sqlalchemy_url(database_url)
    return config


def migrate(database_url: str, app_password: str = "") -> str:
    """Bring the database to the newest schema. Doing it twice, or from two processes, is safe.

    Args:
        database_url: of the owner role.
        app_password: set for ``appliance_app`` (hashed before it is sent); unchanged when empty.

    Returns:
        The version that the database now has.

    Raises:
        StorageError: the database is out of reach, the role may not do this, or the database is
            newer than this program.
    """
    config = alembic_config(database_url)
    try:
        command.upgrade(config, "head")
        if app_password:
            _set_password(database_url, app_password)
    except CommandError as error:  # a version that no migration here leads to
        raise StorageError(
            f"migrating the database: {error}; a newer appliance has worked with it: install "
            "that one, or restore an older backup"
        ) from error
    except (DBAPIError, psycopg.Error) as error:
        raise StorageError(f"migrating the database: {_told(error)}") from error
    return ScriptDirectory.from_config(config).get_current_head() or ""


def _told(error: DBAPIError | psycopg.Error) -> str:
    """PostgreSQL's own line, without SQLAlchemy's around it."""
    original = (error.orig if isinstance(error, DBAPIError) else None) or error
    line = (str(original).strip().splitlines() or [type(original).__name__])[0]
    if isinstance(original, psycopg.errors.InsufficientPrivilege):
        return f"{line}; give the URL of the database's owner, who may also create roles"
    if isinstance(original, psycopg.errors.UndefinedObject) and APP_ROLE in line:
        return (
            f"{line}; a backup is restored into a cluster that has it: CREATE ROLE {APP_ROLE} LOGIN"
        )
    return line


def _set_password(database_url: str, password: str) -> None:
    with psycopg.connect(libpq_url(database_url), autocommit=True) as connection:
        # Hashed here, so that the password itself is in no server log.
        hashed = connection.pgconn.encrypt_password(
            password.encode(), APP_ROLE.encode(), b"scram-sha-256"
        )
        statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(APP_ROLE), sql.Literal(hashed.decode())))
