"""Connections to a model server, by TCP, TLS or a Unix socket, that wait no longer than told."""

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from appliance.calls.errors import ConfigurationError

CONNECT_TIMEOUT_S = 0.5


class PatientReader(io.RawIOBase):
    """A reply's bytes, waited for no longer than the socket's time-out altogether.

    By itself that time-out begins anew with every byte, so that a server which drips its headers
    could hold a call for hours. Time in which nobody reads does not count.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._left_s = sock.gettimeout()

    def wait_longer(self, seconds: float) -> None:
        """Wait for so much longer in all."""
        if self._left_s is not None:
            self._left_s += seconds

    def readable(self) -> bool:
        """Always; `io.BufferedReader` asks."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there, or wait for it. Raises TimeoutError when patience is over."""
        if self._left_s is None:
            return self._raw.readinto(buffer)
        if self._left_s <= 0:
            raise TimeoutError("the reply drips in")
        self._sock.settimeout(self._left_s)
        began = time.monotonic()
        try:
            return self._raw.readinto(buffer)
        finally:
            self._left_s -= time.monotonic() - began

    def close(self) -> None:
        """Close what is read from, too."""
        self._raw.close()
        super().close()


class PatientResponse(HTTPResponse):
    """A reply whose bytes come through a `PatientReader`, its ``patience``."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.patience = PatientReader(self.fp.detach(), sock)
        self.fp = io.BufferedReader(self.patience)


class _Connection(HTTPConnection):
    response_class = PatientResponse


class _SecureConnection(HTTPSConnection):
    response_class = PatientResponse


class _UnixConnection(_Connection):
    """HTTP over a Unix socket, whose path is set by the pool."""

    path = ""

    def _new_conn(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(CONNECT_TIMEOUT_S)
        try:
            sock.connect(self.path)
        except OSError as error:
            sock.close()
            raise urllib3.exceptions.NewConnectionError(self, f"{self.path}: {error}") from error
        return sock


def pool_for(url: str, connections: int) -> tuple[urllib3.HTTPConnectionPool, str]:
    """A pool of connections to ``url``, and the path that comes before each request's.

    Raises:
        ConfigurationError: it is neither an http(s) URL nor ``unix:`` and a path.
    """
    if url.startswith("unix:"):
        path = url.removeprefix("unix:")
        kind = type("_Connection", (_UnixConnection,), {"path": path})
        pool = urllib3.HTTPConnectionPool("localhost", maxsize=connections)
        pool.ConnectionCls = kind
        return pool, ""
    parsed = urllib3.util.parse_url(url)
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationError(f"inference url {url!r}: write http://host:port or unix:/path")
    if parsed.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(parsed.host, parsed.port, maxsize=connections)
        pool.ConnectionCls = _SecureConnection
    else:
        pool = urllib3.HTTPConnectionPool(parsed.host, parsed.port, maxsize=connections)
        pool.ConnectionCls = _Connection
    return pool, (parsed.path or "").rstrip("/")
