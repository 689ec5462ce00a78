"""HTTP to a model server, from threads or greenlets.

urllib3 works on blocking sockets: co-operative in a process that gevent has patched, ordinary in
one that it has not. Connections are kept and shared.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.exceptions import TimeoutError as UrllibTimeoutError

from appliance.calls.errors import InferenceError
from appliance.inference.connections import CONNECT_TIMEOUT_S, PatientResponse, pool_for
from appliance.inference.headers import (
    AT_CAPACITY,
    CALL_HEADER,
    DEADLINE_HEADER,
    QUEUE_FULL,
    SPECULATIVE_HEADER,
)
from appliance.inference.work import current_work

# A minute of speech with the times of its words is some 30 kB.
_LARGEST_JSON = 256 * 1024
_READ_SIZE = 16384
_NOT_IN_A_CALL_ID = re.compile(r"[^A-Za-z0-9_.:@-]")
_LONGEST_CALL_ID = 128

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


class InferenceBusyError(InferenceError):
    """The model server is well, and has too much to do for this request."""

    code = "inference.busy"


class AtCapacityError(InferenceBusyError):
    """The model server takes no further call; those in progress are served."""

    code = "inference.at_capacity"


class Stream:
    """A reply that is read while it comes.

    Attributes:
        headers: the reply's.
        chunks: its bytes, as they come.
    """

    def __init__(self, response: urllib3.BaseHTTPResponse, deadline: float) -> None:
        self.headers: Mapping[str, str] = response.headers
        self.chunks: Iterator[bytes] = _chunks(response, deadline)
        # The only way to it: urllib3 makes the reply's head from this object and keeps it.
        head = getattr(response, "_original_response", None)
        self._patience = head.patience if isinstance(head, PatientResponse) else None

    def wait_longer(self, seconds: float) -> None:
        """What came is worth waiting for the rest: so much longer than was left, in all."""
        if self._patience is not None:
            self._patience.wait_longer(seconds)


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
        self._pool, self._prefix = pool_for(self.url, connections)

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
        self,
        path: str,
        body: Mapping[str, Any],
        timeout_s: float,
        patience_s: float | None = None,
    ) -> Iterator[Stream]:
        """POST a JSON body; the reply, to be read as it comes.

        Leaving the context before the end hangs up, which tells the server to stop.

        Args:
            patience_s: how long nothing may come, summed up over the whole reply; more only by
                `Stream.wait_longer`. ``timeout_s`` holds all the same.

        Raises:
            InferenceError: as `post_json`; also while the bytes are read, when the reply breaks
                off or is not whole in time.
        """
        with self._request("POST", path, timeout_s, body=body, patience_s=patience_s) as (
            response,
            deadline,
        ):
            yield Stream(response, deadline)

    @contextmanager
    def _request(
        self,
        method: str,
        path: str,
        timeout_s: float,
        *,
        body: Mapping[str, Any] | None = None,
        fields: Mapping[str, FormField] | None = None,
        patience_s: float | None = None,
    ) -> Iterator[tuple[urllib3.BaseHTTPResponse, float]]:
        deadline = time.monotonic() + timeout_s
        first_s = timeout_s if patience_s is None else min(timeout_s, patience_s)
        with _translated(self.url, first_s):
            response = self._sent(method, path, deadline, first_s, body, fields)
        try:
            if response.status >= 400:
                raise _refusal(response, deadline)
            with _translated(self.url, first_s):
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
        first_s: float,
        body: Mapping[str, Any] | None,
        fields: Mapping[str, FormField] | None,
    ) -> urllib3.BaseHTTPResponse:
        """The reply's head.

        A kept connection may have been closed by the server just as it was taken. Asking a model
        twice does no harm, so that one case is tried once more.
        """
        options: dict[str, Any] = {"json": body} if body is not None else {"fields": fields}
        first_by = time.monotonic() + first_s
        for last in (False, True):
            left = max(0.001, deadline - time.monotonic())
            patience = max(0.001, min(left, first_by - time.monotonic()))
            try:
                return self._pool.request(
                    method,
                    self._prefix + path,
                    headers={
                        **self._headers,
                        **_work_headers(),
                        DEADLINE_HEADER: str(max(1, int(left * 1000))),
                    },
                    timeout=urllib3.Timeout(
                        connect=min(CONNECT_TIMEOUT_S, patience), read=patience
                    ),
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


def call_name(call_id: str) -> str:
    """A call's id as a model server takes it, in headers and paths."""
    return _NOT_IN_A_CALL_ID.sub("-", call_id)[:_LONGEST_CALL_ID]


def _work_headers() -> dict[str, str]:
    """Whose work it is, for a server that shares itself out between calls."""
    work = current_work()
    headers = {}
    if work.call_id:
        headers[CALL_HEADER] = call_name(work.call_id)
    if work.speculative:
        headers[SPECULATIVE_HEADER] = "1"
    return headers


@contextmanager
def _translated(url: str, timeout_s: float) -> Iterator[None]:
    """urllib3's errors as ours."""
    try:
        yield
    except UrllibTimeoutError as error:
        if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
            reason = error.__cause__ or error  # without urllib3's account of its own objects
            raise InferenceUnreachableError(f"{url}: no connection ({reason})") from error
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
        # Not quoted: it may hold what the caller said, and errors are logged.
        raise InferenceError(f"the reply, {len(data)} bytes, is not JSON") from error


def _refusal(response: urllib3.BaseHTTPResponse, deadline: float) -> InferenceError:
    """The error for a status of 400 and above, in the server's own words where it has any."""
    said, code = response.reason or "", ""
    try:
        told = _json(response, deadline)["error"]
        said = str(told["message"])[:300]
        code = str(told.get("code", ""))
    except (InferenceError, HTTPError, LookupError, TypeError, AttributeError):
        pass  # a server that is not ours may word its errors as it likes
    message = f"the model server says {response.status}: {said}"
    if code == AT_CAPACITY:
        return AtCapacityError(message)
    if response.status == 429 or code == QUEUE_FULL:
        return InferenceBusyError(message)
    if response.status == 504:
        return InferenceTimeoutError(message)
    if response.status < 500:
        return InferenceRefusedError(message)
    return InferenceError(message)
