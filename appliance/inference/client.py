"""HTTP to a model server, from threads or greenlets.

urllib3 works on blocking sockets: co-operative in a process that gevent has patched, ordinary in
one that it has not. Connections are kept and shared.
"""

import io
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.exceptions import TimeoutError as UrllibTimeoutError

from appliance.calls.errors import ConfigurationError, InferenceError

_CONNECT_TIMEOUT_S = 0.5
_LARGEST_JSON = 4 * 1024 * 1024
_READ_SIZE = 16384
_DEADLINE_HEADER = "X-Deadline-Ms"

FormField = str | tuple[str, bytes, str]
"""A form's value: text, or a file as (name, content, content type)."""


class InferenceTimeoutError(InferenceError):
    """The model server did not answer in time."""

    code = "inference.timeout"


class InferenceUnreachableError(InferenceError):
    """No model server answers at the address, or the connection broke."""

    code = "inference.unreachable"


class InferenceRefusedError(InferenceError):
    """The model server refused the request: asking again changes nothing."""

    code = "inference.refused"
    retryable = False


class _PatientReader(io.RawIOBase):
    """A reply's bytes, waited for no longer than the socket's time-out altogether.

    By itself that time-out begins anew with every byte, so that a server which drips its headers
    could hold a call for hours. Time in which nobody reads does not count.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._left_s = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
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
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp = io.BufferedReader(_PatientReader(self.fp.detach(), sock))


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _UnixConnection(_Connection):
    """HTTP over a Unix socket, whose path is set by the pool."""

    path = ""

    def _new_conn(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(_CONNECT_TIMEOUT_S)
        try:
            sock.connect(self.path)
        except OSError as error:
            sock.close()
            raise urllib3.exceptions.NewConnectionError(self, f"{self.path}: {error}") from error
        return sock


class InferenceClient:
    """One model server.

    Args:
        url: ``http://host:port``, ``https://...``, with or without a path before ``/v1``; or
            ``unix:/path/to/socket``.
        api_key: sent as a bearer token when not empty.
        connections: how many are kept open; more are opened when needed, and closed after.

    Raises:
        ConfigurationError: the URL is none of these.
    """

    def __init__(self, url: str, *, api_key: str = "", connections: int = 16) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Accept-Encoding": "identity"}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._pool, self._prefix = _pool(self.url, connections)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.close()

    @property
    def opened_connections(self) -> int:
        """How many connections were opened so far: much fewer than requests, when all is well."""
        return self._pool.num_connections

    def get_json(self, path: str, timeout_s: float) -> Any:
        """GET; the reply's JSON. Raises as `post_json`."""
        with self._request("GET", path, timeout_s) as (response, deadline):
            return _json(response, deadline)

    def post_json(self, path: str, body: Mapping[str, Any], timeout_s: float) -> Any:
        """POST a JSON body; the reply's JSON.

        Raises:
            InferenceError: unreachable, refused, late or not JSON; which of them, its class says.
        """
        with self._request("POST", path, timeout_s, body=body) as (response, deadline):
            return _json(response, deadline)

    def post_form(self, path: str, fields: Mapping[str, FormField], timeout_s: float) -> Any:
        """POST a multipart form; the reply's JSON. Raises as `post_json`."""
        with self._request("POST", path, timeout_s, fields=fields) as (response, deadline):
            return _json(response, deadline)

    @contextmanager
    def post_stream(
        self, path: str, body: Mapping[str, Any], timeout_s: float
    ) -> Iterator[tuple[Mapping[str, str], Iterator[bytes]]]:
        """POST a JSON body; the reply's headers and its bytes as they come.

        Leaving the context before the end hangs up, which tells the server to stop.

        Raises:
            InferenceError: as `post_json`; also while the bytes are read, when the reply breaks
                off or is not whole in time.
        """
        with self._request("POST", path, timeout_s, body=body) as (response, deadline):
            yield response.headers, _chunks(response, deadline)

    @contextmanager
    def _request(
        self,
        method: str,
        path: str,
        timeout_s: float,
        *,
        body: Mapping[str, Any] | None = None,
        fields: Mapping[str, FormField] | None = None,
    ) -> Iterator[tuple[urllib3.BaseHTTPResponse, float]]:
        deadline = time.monotonic() + timeout_s
        with _translated(self.url, timeout_s):
            response = self._sent(method, path, deadline, body, fields)
        try:
            if response.status >= 400:
                raise _refusal(response, deadline)
            with _translated(self.url, timeout_s):
                yield response, deadline
        except BaseException:
            # What is left of the reply must not reach the next request on this connection.
            response.close()
            raise
        if not response.closed:
            response.close()
        response.release_conn()

    def _sent(
        self,
        method: str,
        path: str,
        deadline: float,
        body: Mapping[str, Any] | None,
        fields: Mapping[str, FormField] | None,
    ) -> urllib3.BaseHTTPResponse:
        """The reply's head.

        A kept connection may have been closed by the server just as it was taken. Asking a model
        twice does no harm, so that one case is tried once more.
        """
        options: dict[str, Any] = {"json": body} if body is not None else {"fields": fields}
        for last in (False, True):
            left = max(0.001, deadline - time.monotonic())
            try:
                return self._pool.request(
                    method,
                    self._prefix + path,
                    headers={**self._headers, _DEADLINE_HEADER: str(max(1, int(left * 1000)))},
                    timeout=urllib3.Timeout(connect=min(_CONNECT_TIMEOUT_S, left), read=left),
                    retries=False,
                    redirect=False,
                    preload_content=False,
                    # Two kilobytes can unpack to a gigabyte. None was asked for, none is unpacked.
                    decode_content=False,
                    **options,
                )
            except ProtocolError:
                if last:
                    raise
        raise AssertionError("the second try returns or raises")


def _pool(url: str, connections: int) -> tuple[urllib3.HTTPConnectionPool, str]:
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


@contextmanager
def _translated(url: str, timeout_s: float) -> Iterator[None]:
    """urllib3's errors as ours."""
    try:
        yield
    except UrllibTimeoutError as error:
        if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
            raise InferenceUnreachableError(f"{url}: no connection ({error})") from error
        raise InferenceTimeoutError(f"{url}: no answer in {timeout_s * 1000:.0f} ms") from error
    except (HTTPError, OSError) as error:
        raise InferenceUnreachableError(f"{url}: {error}") from error


def _chunks(response: urllib3.BaseHTTPResponse, deadline: float) -> Iterator[bytes]:
    while chunk := response.read1(_READ_SIZE):
        handed_over = time.monotonic()
        yield chunk
        # Whoever plays speech takes it at the pace of speech; that is not the server's time.
        deadline += time.monotonic() - handed_over
        if time.monotonic() > deadline:
            raise InferenceTimeoutError("the reply was not whole in time")


def _json(response: urllib3.BaseHTTPResponse, deadline: float) -> Any:
    data = bytearray()
    for chunk in _chunks(response, deadline):
        data += chunk
        if len(data) > _LARGEST_JSON:
            raise InferenceError("the reply is too large")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InferenceError(f"the reply is not JSON: {bytes(data[:80])!r}") from error


def _refusal(response: urllib3.BaseHTTPResponse, deadline: float) -> InferenceError:
    """The error for a status of 400 and above, in the server's own words where it has any."""
    try:
        body = _json(response, deadline)
        said = str(body["error"]["message"])[:300]
    except (InferenceError, HTTPError, LookupError, TypeError):
        said = response.reason or ""
    message = f"the model server says {response.status}: {said}"
    if response.status == 504:
        return InferenceTimeoutError(message)
    if response.status < 500 and response.status != 429:
        return InferenceRefusedError(message)
    return InferenceError(message)
