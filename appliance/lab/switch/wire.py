"""The server's side of the Event Socket's framing: commands in, replies and events out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from appliance.lab.switch.text import url_encode

MAX_COMMAND_BYTES = 10_485_760
MAX_BODY_BYTES = 10_485_760


@dataclass(frozen=True, slots=True)
class Command:
    """One command as a client sent it: ``sendmsg``, ``api status`` and the like.

    Attributes:
        line: the first line, without its line break.
        headers: names in lower case.
    """

    line: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def word(self) -> str:
        """The command's first word in lower case."""
        return self.line.split(" ", 1)[0].lower()

    @property
    def argument(self) -> str:
        """What follows the first word."""
        return self.line.partition(" ")[2].strip()


class CommandReader:
    """Cuts a byte stream into commands as ``read_packet`` does: a blank line ends one.

    A ``Content-Length`` header makes that many bytes after the blank line the body.

    Raises:
        ValueError: from :meth:`feed`, when a command or body is too long or its length is no
            number. The connection is of no more use then.
    """

    def __init__(self) -> None:
        """Begin with an empty buffer."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Command]:
        """The commands that ``data`` completes."""
        self._buffer += data
        commands = []
        while (command := self._next()) is not None:
            commands.append(command)
        return commands

    def _next(self) -> Command | None:
        while self._buffer.startswith((b"\r", b"\n")):
            del self._buffer[:1]
        for blank in (b"\n\n", b"\r\n\r\n"):
            end = self._buffer.find(blank)
            if end >= 0:
                break
        else:
            if len(self._buffer) > MAX_COMMAND_BYTES:
                raise ValueError("command is too long")
            return None
        lines = self._buffer[:end].decode("utf-8", "replace").splitlines()
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        start = end + len(blank)
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= MAX_BODY_BYTES:
            raise ValueError("body length is out of range")
        if len(self._buffer) < start + length:
            return None
        body = self._buffer[start : start + length].decode("utf-8", "replace")
        del self._buffer[: start + length]
        return Command(lines[0].strip(), headers, body)


@dataclass(frozen=True)
class BenchEvent:
    """An event on its way to the listeners; serialised once per format, however many listen."""

    headers: Mapping[str, str]
    body: str = ""

    @property
    def name(self) -> str:
        """The ``Event-Name``."""
        return self.headers.get("Event-Name", "")

    @cached_property
    def serialised(self) -> str:
        """``switch_event_serialize``: encoded values, ``_undef_`` for empty ones."""
        text = "".join(
            f"{name}: {url_encode(value) or '_undef_'}\n" for name, value in self.headers.items()
        )
        if self.body:
            return f"{text}Content-Length: {len(self.body.encode())}\n\n{self.body}"
        return text + "\n"

    @cached_property
    def plain(self) -> bytes:
        """The whole ``text/event-plain`` message."""
        inner = self.serialised.encode("utf-8", "surrogateescape")
        return b"Content-Length: %d\nContent-Type: text/event-plain\n\n%b" % (len(inner), inner)

    @cached_property
    def json(self) -> bytes:
        """The whole ``text/event-json`` message."""
        values = dict(self.headers)
        if self.body:
            values["Content-Length"] = str(len(self.body.encode()))
            values["_body"] = self.body
        inner = json.dumps(values, ensure_ascii=False).encode("utf-8", "replace")
        return b"Content-Length: %d\nContent-Type: text/event-json\n\n%b" % (len(inner), inner)


def command_reply(text: str, extra: Mapping[str, str] | None = None) -> bytes:
    """A ``command/reply``."""
    lines = "".join(f"{name}: {value}\n" for name, value in (extra or {}).items())
    return f"Content-Type: command/reply\nReply-Text: {text}\n{lines}\n".encode()


def api_response(text: str) -> bytes:
    """An ``api/response``; an empty one says so, as the original does."""
    body = (text or "-ERR no reply\n").encode("utf-8", "surrogateescape")
    return b"Content-Type: api/response\nContent-Length: %d\n\n%b" % (len(body), body)


def disconnect_notice(text: str, headers: Mapping[str, str]) -> bytes:
    """A ``text/disconnect-notice``, both the parting one and the one that begins a linger."""
    body = text.encode()
    lines = "".join(f"{name}: {value}\n" for name, value in headers.items())
    head = f"Content-Type: text/disconnect-notice\n{lines}Content-Length: {len(body)}\n\n"
    return head.encode() + body
