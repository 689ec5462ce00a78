"""A private PostgreSQL in a directory of its own, made with Debian's binaries.

For the demonstration and the tests: nothing of the machine's own PostgreSQL is touched, it listens
on a Unix socket in its directory and on one loopback port with a random password, and it stops
when the process that started it ends, however that happens. Making it and starting it takes about
a second.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from appliance.calls.errors import ConfigurationError, StorageError
from appliance.storage.child import start_child

_START_TIMEOUT_S = 30.0
_FAST, _AT_ONCE = signal.SIGINT, signal.SIGQUIT  # how PostgreSQL is told to shut down
_DATABASE = "appliance"
_OWNER = "appliance_owner"


def find_binaries() -> Path:
    """The directory with ``initdb`` and ``postgres``, the newest that Debian installed.

    Raises:
        ConfigurationError: there is none.
    """
    installed = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    versions = sorted(installed, key=lambda path: int(path.parent.parent.name))
    if versions:
        return versions[-1].parent
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).resolve().parent
    raise ConfigurationError("PostgreSQL is not installed: apt-get install postgresql")


class PrivateCluster:
    """One private server with one empty database, owned by a role that is no superuser.

    Args:
        directory: where everything is kept; made when missing. Started by root, the server runs
            as the ``postgres`` user (or ``nobody``), who must be able to reach the directory.
        durable: False leaves out fsync; for tests only.
    """

    def __init__(self, directory: Path, *, durable: bool = True) -> None:
        self.directory = directory.absolute()
        self._data = self.directory / "data"
        self._durable = durable
        self._bin = find_binaries()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._user = _server_user()

    @property
    def url(self) -> str:
        """URL of the database as its owner, over the loopback port."""
        password = (self.directory / "password").read_text().strip()
        return f"postgresql://{_OWNER}:{password}@127.0.0.1:{self._port}/{_DATABASE}"

    @property
    def admin_url(self) -> str:
        """URL of the maintenance database as superuser, over the Unix socket."""
        return f"postgresql://postgres@/postgres?host={self._socket_directory}&port={self._port}"

    @property
    def _socket_directory(self) -> Path:
        return self.directory / "socket"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> str:
        """Make the cluster where there is none, start it, and return :attr:`url`.

        A second start after :meth:`stop` keeps the port, so that URLs stay good.

        Raises:
            ConfigurationError: the server's user cannot reach the directory.
            StorageError: it did not start; the message holds the end of the server's log.
        """
        if self._process is not None:
            return self.url
        self._prepare()
        self._stop_left_over()
        for attempt in range(3):
            if self._port == 0 or attempt:
                self._port = _free_port()
            if self._try_start():
                self._create_database()
                return self.url
        raise StorageError(f"PostgreSQL did not start: {self._log_tail()}")

    def stop(self, *, immediately: bool = False) -> None:
        """Stop the server and wait for it; ``immediately`` is a crash. Stopping twice is fine."""
        process = self._process
        if process is None:
            return
        process.send_signal(_AT_ONCE if immediately else _FAST)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.send_signal(_AT_ONCE)
            process.wait(timeout=10)
        self._process = None

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._socket_directory.mkdir(exist_ok=True)
        if self._user is not None:
            _require_reachable(self.directory, self._user)
            for path in (self.directory, self._socket_directory):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        for path in (self.directory, self._socket_directory):
            path.chmod(0o700)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()

    def _initialise(self) -> None:
        shutil.rmtree(self._data, ignore_errors=True)
        password = self.directory / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        if self._user is not None:
            os.chown(password, self._user.pw_uid, self._user.pw_gid)
        command = [
            str(self._bin / "initdb"), f"--pgdata={self._data}", "--username=postgres",
            "--encoding=UTF8", "--locale=C.UTF-8", "--auth-local=trust",
            "--auth-host=scram-sha-256", f"--pwfile={password}",
        ]  # fmt: skip
        if not self._durable:
            command.append("--no-sync")
        done = self._run(command)
        if done.returncode:
            raise StorageError(f"initdb: {done.stdout.decode(errors='replace')[-2000:]}")

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603  (our own binaries and paths)
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.directory,
            check=False,
            user=self._user.pw_uid if self._user else None,
            group=self._user.pw_gid if self._user else None,
            extra_groups=[] if self._user else None,
        )

    def _try_start(self) -> bool:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": str(self._socket_directory),
        }
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off"}
        server = [str(self._bin / "postgres"), "-D", str(self._data)]
        for name, value in options.items():
            server += ["-c", f"{name}={value}"]
        with (self.directory / "server.log").open("ab") as log:
            self._process = start_child(
                server,
                _FAST,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.directory,
                start_new_session=True,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
            )
        return self._wait_until_ready(self._process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        for _ in range(int(_START_TIMEOUT_S / 0.05)):
            try:
                psycopg.connect(self.admin_url, connect_timeout=2).close()
            except psycopg.OperationalError:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.05)
                    break
            else:
                return True
        self.stop(immediately=True)
        return False

    def _create_database(self) -> None:
        password = (self.directory / "password").read_text().strip()
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_OWNER])
            if found.fetchone() is None:
                connection.execute(
                    f"CREATE ROLE {_OWNER} LOGIN CREATEROLE CREATEDB PASSWORD '{password}'"
                )
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_DATABASE])
            if found.fetchone() is None:
                connection.execute(f"CREATE DATABASE {_DATABASE} OWNER {_OWNER}")

    def _stop_left_over(self) -> None:
        """Stop a server that an earlier process lost in this directory."""
        if (self._data / "postmaster.pid").exists():
            self._run([str(self._bin / "pg_ctl"), "stop", "-D", str(self._data), "-m", "fast"])

    def _log_tail(self) -> str:
        try:
            return (self.directory / "server.log").read_text(errors="replace")[-1500:]
        except OSError as error:
            return str(error)


def _server_user() -> pwd.struct_passwd | None:
    """Whom to run as when we are root, which PostgreSQL refuses to be; None otherwise."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ConfigurationError("started by root, and there is no user postgres or nobody")


def _require_reachable(directory: Path, user: pwd.struct_passwd) -> None:
    for parent in directory.parents:
        status = parent.stat()
        mine = status.st_uid == user.pw_uid and status.st_mode & 0o100
        if not (mine or status.st_mode & 0o001):
            raise ConfigurationError(
                f"user {user.pw_name} cannot enter {parent}: choose another directory for the "
                f"private PostgreSQL, or chmod o+x {parent}"
            )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
