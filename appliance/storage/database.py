"""The application's way into PostgreSQL: as ``appliance_app``, one organisation at a time.

Errors are converted here and nowhere else: what PostgreSQL refuses for what a row holds becomes
:class:`RefusedRowError`, everything else :class:`StorageError`.
"""

import contextlib
import select
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
from gevent import monkey
from psycopg import sql
from psycopg.rows import TupleRow
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from appliance.calls.errors import StorageError
from appliance.storage.migrate import APP_ROLE
from appliance.storage.urls import sqlalchemy_url

# Data exceptions, integrity constraints, program limits (a value too long for an index).
_REFUSED = ("22", "23", "54")
# Undefined columns, functions and tables: the program has come on, and the database has not.
_UNKNOWN_NAME = ("42703", "42883", "42P01")
_OLDER = "; the database is of another version than this program: run `appliance migrate`"


class RefusedRowError(StorageError):
    """PostgreSQL refused what a row holds; it will refuse it every time."""

    code = "storage.refused"
    retryable = False


class Database:
    """A pool of connections for the application's role.

    Args:
        url: of ``appliance_app``, or of a role that may act as it (the owner): every connection
            then changes to ``appliance_app``, so that row-level security is in force either way.
        pool_size: connections kept; as many again are opened when these are in use.
        connect_timeout_s: for opening a connection, and for waiting for a free one.
        statement_timeout_s: for one statement.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 5,
        connect_timeout_s: int = 3,
        statement_timeout_s: float = 5.0,
    ) -> None:
        timeout_ms = int(statement_timeout_s * 1000)
        self._engine = create_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_timeout=connect_timeout_s,
            pool_use_lifo=True,
            connect_args={
                "connect_timeout": connect_timeout_s,
                "options": (
                    f"-c statement_timeout={timeout_ms} -c lock_timeout={timeout_ms} "
                    f"-c idle_in_transaction_session_timeout={4 * timeout_ms} "
                    # Compiling our short statements costs more than running them.
                    "-c timezone=UTC -c jit=off"
                ),
                "application_name": "appliance",
                # A server that vanished from the network is noticed, not waited for.
                "tcp_user_timeout": 2 * timeout_ms,
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
            },
        )
        event.listen(self._engine, "connect", _become_application)
        event.listen(self._engine, "checkout", _see_that_it_is_up)

    @contextlib.contextmanager
    def session(self, organisation_id: str | UUID) -> Iterator[Session]:
        """A transaction that sees one organisation; committed at the end, else rolled back.

        Raises:
            RefusedRowError: a constraint was broken or a value cannot be stored.
            StorageError: the database is out of reach, busy, or refused for another reason.
        """
        with (
            _converted(),
            Session(self._engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            session.execute(_SET_ORGANISATION, {"id": str(organisation_id)})
            yield session

    @contextlib.contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """A transaction on psycopg's own connection, without an organisation set.

        For bulk work and for what concerns all organisations; see :func:`set_organisation`.

        Raises:
            RefusedRowError, StorageError: as :meth:`session`.
        """
        with _converted(), self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            try:
                with driver.transaction():
                    yield driver
            finally:
                if driver.broken:
                    connection.invalidate()

    @contextlib.contextmanager
    def listening(self, *channels: str) -> Iterator[psycopg.Connection[TupleRow]]:
        """A connection of its own that is told what is sent to ``channels`` (``NOTIFY``).

        Raises:
            StorageError: the database is out of reach, also when it goes away meanwhile.
        """
        with _converted(), self._engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            connection.detach()  # it is kept long, and leaves the pool to the others
            driver.rollback()
            driver.autocommit = True
            for channel in channels:
                driver.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            yield driver

    def directory_index(self) -> dict[str, int]:
        """Every organisation's id and the revision of its directory.

        Raises:
            StorageError: the database is out of reach.
        """
        with self.transaction() as connection:
            rows = connection.execute("SELECT * FROM appliance_directory_index()").fetchall()
        return {str(organisation): revision for organisation, revision in rows}

    def check(self) -> None:
        """See that the database answers, is migrated, and keeps organisations apart.

        Raises:
            StorageError: naming what is wrong and the mend.
        """
        with self.transaction() as connection:
            row = connection.execute(
                "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            if row is None or row[0]:
                raise StorageError(
                    f"the database role gets round row-level security: sign in as {APP_ROLE}"
                )
            found = connection.execute("SELECT to_regclass('public.events')").fetchone()
            if found is None or found[0] is None:
                raise StorageError("the database has no tables yet: run `appliance migrate`")

    def close(self) -> None:
        """Close every idle connection; those in use are closed when they come back."""
        self._engine.dispose()


_SET_ORGANISATION = text("SELECT set_config('appliance.organisation_id', :id, true)")


def set_organisation(connection: psycopg.Connection[TupleRow], organisation_id: str) -> None:
    """Choose the organisation for the rest of the transaction."""
    connection.execute(
        "SELECT set_config('appliance.organisation_id', %s, true)", [organisation_id]
    )


def _become_application(connection: psycopg.Connection[TupleRow], _record: object) -> None:
    if connection.info.user != APP_ROLE:
        connection.execute(f"SET ROLE {APP_ROLE}")
        connection.commit()


# The real one, also in a process that is monkey-patched: it does not wait.
_poll = monkey.get_original("select", "poll")


def _see_that_it_is_up(
    connection: psycopg.Connection[TupleRow], kept: ConnectionPoolEntry, _use: object
) -> None:
    """Find a connection that was kept while the server was restarted, and then drop them all.

    On an idle one nothing arrives but its end. To ask the server would cost as much as a statement.
    """
    opened_just_now = not kept.info.get("used")
    kept.info["used"] = True
    if not opened_just_now and (connection.closed or _has_arrived(connection.fileno())):
        raise InvalidatePoolError


def _has_arrived(handle: int) -> bool:
    arriving = _poll()
    arriving.register(handle, select.POLLIN)
    return bool(arriving.poll(0))


@contextlib.contextmanager
def _converted() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeoutError, psycopg.Error) as error:
        original = getattr(error, "orig", None) or error
        state = getattr(original, "sqlstate", None) or ""
        kind = RefusedRowError if state[:2] in _REFUSED else StorageError
        mend = _OLDER if state in _UNKNOWN_NAME else ""
        raise kind(f"database: {_first_line(original)}{mend}") from error


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
