"""The framing of FreeSWITCH's Event Socket, as a pure state machine: bytes in, messages out.

A message is a block of ``Name: value`` lines, an empty line, and as many bytes of body as its
``Content-Length`` says. The state machine has two states: *headers* (until the empty line) and
*body* (until the announced bytes are there).

Two things are kept strictly apart here, because a caller can put anything into them:

- lines are split before values are percent-decoded, so ``Bob%0AInjected: yes`` is one value and
  never a second header;
- a body is bytes of announced length and never read as headers, also inside an event (the result
  of a background job).

Values are decoded when they are read: the reply to ``connect`` has some 200 of them, and a call
looks at a dozen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from appliance.calls.errors import SwitchError

_END_OF_HEADERS = b"\n\n"
_EMPTY_VALUE = "_undef_"
_EVENT_PLAIN = "text/event-plain"


class WireError(SwitchError):
    """The peer does not speak Event Socket, or oversteps a limit. Its connection is of no use."""

    code = "switch.garbage"


@dataclass(frozen=True, slots=True)
class WireLimits:
    """How much a peer may send before it is cut off.

    Attributes:
        header_bytes: one header block. A call with every SIP header copied into variables stays
            under 64 KiB; ten times that is generous.
        headers: lines in one block.
        body_bytes: one body. ``show channels`` of 1000 calls is about 0.5 MB.
    """

    header_bytes: int = 1 << 20
    headers: int = 4096
    body_bytes: int = 8 << 20


class Headers(Mapping[str, str]):
    """Headers by exact name, values percent-decoded when read; the first of equal names counts."""

    __slots__ = ("_raw",)

    def __init__(self, raw: Mapping[str, str]) -> None:
        """Take ``raw`` (name to the value as it came, still encoded) without copying it."""
        self._raw = raw

    def __getitem__(self, name: str) -> str:
        """The decoded value; `KeyError` when there is none."""
        value = self._raw[name]
        if "%" in value:
            return unquote(value, errors="replace")
        return "" if value == _EMPTY_VALUE else value

    def __iter__(self) -> Iterator[str]:
        """The names, in no order to rely on."""
        return iter(self._raw)

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._raw)

    def __repr__(self) -> str:
        """All of it, decoded: for failing tests, not for logs."""
        return f"Headers({dict(self)!r})"


@dataclass(frozen=True, slots=True)
class Message:
    """One message as framed. ``body`` is whatever the peer counted as such, undecoded."""

    headers: Headers
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """What kind of message this is, such as ``command/reply``; empty when it does not say."""
        return self.headers.get("Content-Type", "")

    @property
    def data(self) -> str:
        """The answer it carries: the body of an ``api`` reply, else ``Reply-Text``, stripped."""
        if self.body:
            return self.body.decode("utf-8", "replace").strip()
        return self.headers.get("Reply-Text", "").strip()


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in FreeSWITCH, or a channel's data (the reply to ``connect``)."""

    headers: Headers
    body: bytes = b""

    def __getitem__(self, name: str) -> str:
        """The header's decoded value; `KeyError` when there is none."""
        return self.headers[name]

    def __contains__(self, name: object) -> bool:
        """Whether there is such a header."""
        return name in self.headers

    def get(self, name: str, default: str = "") -> str:
        """The header's decoded value, or ``default``."""
        return self.headers.get(name, default)

    def var(self, name: str, default: str = "") -> str:
        """The channel variable's decoded value, or ``default``."""
        return self.headers.get(f"variable_{name}", default)

    @property
    def name(self) -> str:
        """``Event-Name``, or for ``CUSTOM`` events the ``Event-Subclass``."""
        name = self.get("Event-Name")
        return self.get("Event-Subclass", name) if name == "CUSTOM" else name

    @property
    def text(self) -> str:
        """The body, such as the result of a background job."""
        return self.body.decode("utf-8", "replace")


def parse_headers(block: bytes, limits: WireLimits) -> Headers:
    """Split one header block into lines and names.

    Args:
        block: the bytes before the empty line, without it.

    Raises:
        WireError: a line is not ``Name: value``, or there are too many.
    """
    # Not splitlines(): that would also break at U+0085 or U+2028 inside a value.
    lines = block.decode("utf-8", "replace").split("\n")
    if len(lines) > limits.headers:
        raise WireError(f"{len(lines)} headers in one message, at most {limits.headers} allowed")
    lines.reverse()  # so that the first of equal names is the one that stays
    try:
        raw = dict([line.split(": ", 1) for line in lines])
    except ValueError:
        broken = next(line for line in lines if ": " not in line)
        raise WireError(f"not a header line: {broken[:80]!r}") from None
    if "" in raw:
        raise WireError("a header without a name")
    if len(raw) != len(lines):
        lengths = {line for line in lines if line.startswith("Content-Length: ")}
        if len(lengths) > 1:
            raise WireError("a message with two different lengths")
    return Headers(raw)


def parse_event(data: bytes, limits: WireLimits | None = None) -> Event:
    """Read the body of a ``text/event-plain`` message: the event's own headers and body.

    Raises:
        WireError: the inner headers cannot be read, or its body is shorter than it says.
    """
    limits = limits or WireLimits()
    block, _, rest = data.partition(_END_OF_HEADERS)
    if not block:
        raise WireError("an event without headers")
    headers = parse_headers(block, limits)
    length = _content_length(headers, limits)
    if length > len(rest):
        raise WireError(f"an event's body of {len(rest)} bytes, {length} announced")
    return Event(headers, rest[:length])


def event_of(message: Message, limits: WireLimits | None = None) -> Event:
    """The event in a message; for anything but ``text/event-plain`` the message's own headers.

    Raises:
        WireError: as `parse_event`.
    """
    if message.content_type == _EVENT_PLAIN:
        return parse_event(message.body, limits)
    return Event(message.headers, message.body)


def _content_length(headers: Headers, limits: WireLimits) -> int:
    text = headers.get("Content-Length")
    if text is None:
        return 0
    # int() alone would also take "-1", "+1", "1_0" and other scripts' digits.
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise WireError(f"not a length: {text[:40]!r}")
    length = int(text)
    if length > limits.body_bytes:
        raise WireError(f"a body of {length} bytes, at most {limits.body_bytes} allowed")
    return length


class Parser:
    """Cuts a byte stream into messages. One per connection; after a `WireError` it is spent."""

    def __init__(self, limits: WireLimits | None = None) -> None:
        """Start in the *headers* state with an empty buffer."""
        self._limits = limits or WireLimits()
        self._buffer = bytearray()
        self._at = 0  # where in the buffer the next block or body begins
        self._scanned = 0  # no end of headers begins before this
        self._headers: Headers | None = None  # None in the *headers* state
        self._length = 0
        self._broken = False

    @property
    def pending(self) -> bool:
        """Whether a message has begun and is not complete."""
        return bool(self._buffer) or self._headers is not None

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes of the stream; return the messages they complete, in order.

        Raises:
            WireError: the stream cannot be followed any further. Messages that the same bytes
                completed before the fault are lost with it: the connection is to be dropped.
        """
        if self._broken:
            raise WireError("the stream was given up before")
        self._buffer += data
        messages: list[Message] = []
        try:
            while (message := self._next()) is not None:
                messages.append(message)
        except WireError:
            self._broken = True
            self._buffer.clear()
            raise
        del self._buffer[: self._at]
        self._scanned = max(0, self._scanned - self._at)
        self._at = 0
        return messages

    def _next(self) -> Message | None:
        """Run the state machine to the end of the next message; None when bytes are missing."""
        if self._headers is None and not self._read_headers():
            return None
        end = self._at + self._length
        if len(self._buffer) < end:
            return None
        assert self._headers is not None
        message = Message(self._headers, bytes(self._buffer[self._at : end]))
        self._headers = None
        self._at = end
        return message

    def _read_headers(self) -> bool:
        """Leave the *headers* state when an empty line is in the buffer; say whether."""
        buffer = self._buffer
        # FreeSWITCH's own readers skip empty lines between messages; so do we.
        while self._at < len(buffer) and buffer[self._at] == 0x0A:
            self._at += 1
        end = buffer.find(_END_OF_HEADERS, max(self._at, self._scanned))
        if (len(buffer) if end < 0 else end) - self._at > self._limits.header_bytes:
            raise WireError(f"a header block of more than {self._limits.header_bytes} bytes")
        if end < 0:
            self._scanned = max(self._at, len(buffer) - 1)
            return False
        headers = parse_headers(bytes(buffer[self._at : end]), self._limits)
        self._length = _content_length(headers, self._limits)
        self._headers = headers
        self._at = end + len(_END_OF_HEADERS)
        return True
