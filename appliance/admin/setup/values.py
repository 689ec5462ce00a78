"""Kinds of values of the set-up, checked once at the edge; each refusal says what would do."""

import re
from collections.abc import Iterable
from datetime import time
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import Annotated, Any, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from appliance.calls.directory import DID_NUMBER, EXTENSION, LANGUAGES
from appliance.calls.hours import Span

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(r"\+?[0-9]{1,12}|\+")
_SPAN = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)")
_TRUNK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")
_RESERVED = ("112", "911")
# A network wider than this is no provider's; it would let everybody in.
_WIDEST = {4: 8, 6: 16}
_MOST = 50
VOICE = re.compile(r"[A-Za-z0-9_+.-]{0,64}")
"""What a voice's name may be made of; nothing of it is special to any engine or address."""

Item = TypeVar("Item")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("Write it on one line, without invisible characters.")
    return text


def _extension(text: str) -> str:
    if not EXTENSION.fullmatch(text):
        raise ValueError("Write 2 to 8 digits and nothing else, such as 211.")
    return text


def _did(text: str) -> str:
    if not DID_NUMBER.fullmatch(text):
        raise ValueError("Write digits with a + before them, such as +4930123450.")
    return text


def _host(text: str) -> str:
    host, port = _split_port(text)
    try:
        known = bool(ip_address(host))
    except ValueError:
        labels = host.removesuffix(".").split(".")
        known = len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)
        # Four numbers are an address that was mistyped, not a name.
        known = known and not all(label.isdigit() for label in labels)
    if not known or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ValueError("Write a host, or host:port, such as sip.provider.example:5060.")
    return text


def _split_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            return text, ""
        return host, rest[1:] if rest else "5060"
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, "5060"


def _network(text: str) -> str:
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            "Write an address or a network in numbers, such as 192.0.2.0/24."
        ) from None
    if network.prefixlen < _WIDEST[network.version]:
        raise ValueError("This network is so wide that anybody could call in; name a smaller one.")
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise ValueError("Write the first digits, with or without +, such as +49 or 0.")
    return text


def _timezone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("Write the name of a time zone, such as Europe/Berlin.")
    return text


def _span(text: str) -> str:
    tidy = text.replace(" ", "").replace("\u2013", "-")
    if not _SPAN.fullmatch(tidy):
        raise ValueError("Write times of day such as 09:00-17:30; the last possible end is 24:00.")
    if span_of(tidy).opens >= span_of(tidy).closes:
        raise ValueError("This ends before it begins. A night is written on two days.")
    return tidy


def _day(texts: list[str]) -> list[str]:
    ordered = sorted(texts, key=lambda text: span_of(text).opens)
    for earlier, later in pairwise(ordered):
        if span_of(later).opens < span_of(earlier).closes:
            raise ValueError(f"{earlier} and {later} overlap; join them or move one.")
    return ordered


def _trunk_name(text: str) -> str:
    if not _TRUNK_NAME.fullmatch(text):
        raise ValueError("Use letters without accents, digits, spaces, dots and hyphens.")
    if text == "new":
        raise ValueError("Choose another name; this one is taken by the page for new trunks.")
    return text


def _voice(text: str) -> str:
    if not VOICE.fullmatch(text):
        raise ValueError("Choose one of the voices on the list, or leave it empty.")
    return text


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError(f"Choose one of {', '.join(LANGUAGES)}.")
    return text


def _somebody(members: list[str]) -> list[str]:
    if not members:
        raise ValueError("A department needs at least one member.")
    return members


def _once(values: list[Item]) -> list[Item]:
    seen: set[str] = set()
    for value in values:
        key = str(value).casefold()
        if key in seen:
            raise ValueError(f"“{value}” stands here twice; keep one.")
        seen.add(key)
    return values


def is_e164(number: str) -> bool:
    """Whether a number is written as the world knows it: ``+``, country, number."""
    return bool(_E164.fullmatch(number))


def is_reserved(extension: str) -> bool:
    """Whether phones that dial this get an emergency service, and never the extension."""
    return extension in _RESERVED


def span_of(text: str) -> Span:
    """What ``09:00-17:30`` means; 24:00 is the end of the day."""
    opens, _, closes = text.partition("-")
    last = time.max if closes == "24:00" else time.fromisoformat(closes)
    return Span(time.fromisoformat(opens), last)


def span_text(opens: time, closes: time) -> str:
    """The reverse of `span_of`."""
    ends = "24:00" if closes >= time(23, 59, 59) else f"{closes:%H:%M}"
    return f"{opens:%H:%M}-{ends}"


def joined(values: Iterable[str]) -> str:
    """Words as people list them: ``a, b and c``."""
    *first, last = list(values) or [""]
    return f"{', '.join(first)} and {last}" if first else last


class _Shape:
    """What the OpenAPI document says of a value whose validator speaks to people."""

    def __init__(self, **parts: Any) -> None:
        self._parts = parts

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(core), **self._parts}


Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_printable)]
"""As it is spoken to callers."""

Words = Annotated[
    list[Name], Field(max_length=_MOST), AfterValidator(_once), _Shape(uniqueItems=True)
]
"""Further names or subjects, each once."""

Spoken = Annotated[str, StringConstraints(max_length=500), AfterValidator(_printable)]
"""Something that callers hear; may be empty."""

Voice = Annotated[
    str, AfterValidator(_voice), _Shape(pattern="^[A-Za-z0-9_+.-]{0,64}$", examples=["en-gb"])
]
Language = Annotated[str, AfterValidator(_language), _Shape(enum=list(LANGUAGES))]
Extension = Annotated[str, AfterValidator(_extension), _Shape(pattern="^[0-9]{2,8}$")]
Members = Annotated[
    list[Extension], Field(max_length=200), AfterValidator(_once), AfterValidator(_somebody),
    _Shape(minItems=1, uniqueItems=True),
]  # fmt: skip
DialledNumber = Annotated[str, AfterValidator(_did), _Shape(pattern="^\\+?[0-9]{2,15}$")]
RingSeconds = Annotated[int, Field(ge=3, le=120)]
Host = Annotated[
    str, StringConstraints(min_length=1, max_length=261), AfterValidator(_host),
    _Shape(examples=["sip.provider.example:5060"]),
]  # fmt: skip
Networks = Annotated[list[Annotated[str, AfterValidator(_network)]], Field(max_length=_MOST)]
Prefixes = Annotated[
    list[Annotated[str, AfterValidator(_prefix), _Shape(pattern="^(\\+?[0-9]{1,12}|\\+)$")]],
    Field(max_length=_MOST), AfterValidator(_once),
]  # fmt: skip
Account = Annotated[str, StringConstraints(max_length=200), AfterValidator(_printable)]
"""A name or realm that a provider gave; may be empty."""

TimeZone = Annotated[str, AfterValidator(_timezone), _Shape(examples=["Europe/Berlin"])]
TrunkName = Annotated[
    str, StringConstraints(min_length=1, max_length=60), AfterValidator(_trunk_name)
]
DaySpans = Annotated[
    list[Annotated[str, AfterValidator(_span), _Shape(examples=["09:00-17:30"])]],
    Field(max_length=10), AfterValidator(_day),
]  # fmt: skip
"""When a day is open, in order; empty when it is closed."""
