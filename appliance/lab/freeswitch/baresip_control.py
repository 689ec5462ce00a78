"""baresip's remote control: JSON in netstrings over TCP (its module ctrl_tcp)."""

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

import gevent
from gevent import socket
from gevent.event import AsyncResult

from appliance.calls.errors import SwitchError

_MOST_BYTES = 1_000_000
_MOST_DIGITS = 9


class BaresipControl:
    """One connection to a running baresip.

    Every event goes to ``on_event`` in the order of arrival; answers go to whoever asked.
    """

    def __init__(self, port: int, on_event: Callable[[Mapping[str, Any]], None]) -> None:
        """Connect to 127.0.0.1.

        Raises:
            OSError: when baresip does not listen yet.
        """
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=2.0)
        self._socket.settimeout(None)
        self._on_event = on_event
        self._waiting: dict[str, AsyncResult] = {}
        self._tokens = itertools.count(1)
        self._reader = gevent.spawn(self._read)
        self._reader.name = f"baresip-control-{port}"

    def command(self, name: str, params: str = "", timeout_s: float = 5.0) -> str:
        """Run one of baresip's commands and return what it printed.

        Raises:
            SwitchError: when baresip refused it or did not answer in time.
        """
        token = str(next(self._tokens))
        answer: AsyncResult = AsyncResult()
        self._waiting[token] = answer
        request = json.dumps({"command": name, "params": params, "token": token}).encode()
        self._socket.sendall(b"%d:%b," % (len(request), request))
        try:
            reply = answer.get(timeout=timeout_s)
        except gevent.Timeout as error:
            raise SwitchError(f"baresip did not answer {name!r} in {timeout_s} s") from error
        finally:
            del self._waiting[token]
        if not reply.get("ok"):
            raise SwitchError(f"baresip refused {name} {params}: {reply.get('data')}")
        return str(reply.get("data", ""))

    def close(self) -> None:
        """Hang up the control connection and wait for its reader."""
        self._reader.kill()
        self._socket.close()

    def _read(self) -> None:
        buffer = b""
        while True:
            try:
                data = self._socket.recv(65536)
            except OSError:
                return
            if not data:
                return
            buffer += data
            while (split := _split(buffer)) is not None:
                message, buffer = split
                self._take(message)

    def _take(self, message: Mapping[str, Any]) -> None:
        if message.get("event"):
            self._on_event(message)
        elif (waiting := self._waiting.get(str(message.get("token")))) is not None:
            waiting.set(message)


def _split(buffer: bytes) -> tuple[dict[str, Any], bytes] | None:
    """The first netstring and what follows it; None while it is not complete."""
    length, colon, rest = buffer.partition(b":")
    if not colon:
        return None
    if not length.isdigit() or len(length) > _MOST_DIGITS or int(length) > _MOST_BYTES:
        raise SwitchError(f"baresip's control connection is out of step at {buffer[:40]!r}")
    size = int(length)
    if len(rest) < size + 1:
        return None
    # baresip does not escape control characters in names; strict JSON would refuse them.
    return json.loads(rest[:size], strict=False), rest[size + 1 :]
