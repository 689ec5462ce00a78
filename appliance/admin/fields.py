"""Kinds of values that requests bring, checked once at the edge."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"]{1,64}@[^\s@,;:<>()\[\]\\\"]{1,190}")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_BREAKS = re.compile(r"[\t\r\n\x85\u2028\u2029]")


class Model(BaseModel):
    """Base of what requests bring: an unknown value is an error, not a silent nothing."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


def _storable(text: str) -> str:
    if _CONTROLS.search(text):
        raise ValueError("Leave out control characters.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("This is not valid Unicode text.") from None
    return text


def _one_line(text: str) -> str:
    if _LINE_BREAKS.search(text):
        raise ValueError("Write this on one line.")
    return _storable(text)


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise ValueError("Write an e-mail address such as name@example.org.")
    return _one_line(text)


def _iso(value: object) -> object:
    # A bare number would be read as seconds since 1970.
    if isinstance(value, str) and not _ISO.match(value.strip()):
        raise ValueError("Write a time such as 2026-05-03T14:05:00Z.")
    return value


def _utc(value: datetime) -> datetime:
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError:
        raise ValueError("Name a time between the years 2 and 9998.") from None


def _empty_is_none(value: object) -> object:
    return None if value == "" else value


Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_one_line)]
"""A line of text of at most 200 characters; it may hold anything a person may write."""

RequiredLine = Annotated[
    str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_line)
]
LongText = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_storable)]
"""Text with line breaks, at most 10,000 characters."""

Email = Annotated[str, StringConstraints(max_length=254), AfterValidator(_email)]
Secret = Annotated[str, StringConstraints(max_length=1024, strip_whitespace=False)]
Time = Annotated[datetime, BeforeValidator(_iso), AfterValidator(_utc)]
"""A time; without a zone it is taken as UTC."""

OptionalTime = Annotated[Time | None, BeforeValidator(_empty_is_none)]
CallId = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_line)]
Limit = Annotated[int, Field(ge=1, le=200)]
