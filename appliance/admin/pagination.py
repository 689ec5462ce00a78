"""Pages of long lists: an opaque cursor says after which row the next page begins."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field

from appliance.admin.fields import Limit, Line, Model
from appliance.admin.problems import wrong_value

Item = TypeVar("Item")
Row = TypeVar("Row")


class PageQuery(Model):
    """What every list understands."""

    cursor: Line = Field(default="", description="next_cursor of the page before")
    limit: Limit = Field(default=50, description="rows of a page")


class Page(BaseModel, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="null on the last page")


def encode_cursor(*values: datetime | UUID | str | int) -> str:
    """A cursor of a row's sorting values."""
    parts = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    text = json.dumps(parts, default=str, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def time_cursor(text: str) -> tuple[datetime, str] | None:
    """The time and id that a cursor holds; None for an empty one.

    Raises:
        Problem: it is no cursor of ours.
    """
    if not text:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        at, row_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None or not isinstance(row_id, str) or "\x00" in row_id:
            raise ValueError
        row_id.encode()
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise _no_cursor() from None
    return moment, row_id


def id_cursor(text: str) -> tuple[datetime, UUID] | None:
    """As `time_cursor`, for rows whose id is a UUID."""
    found = time_cursor(text)
    if found is None:
        return None
    try:
        return found[0], UUID(found[1])
    except ValueError:
        raise _no_cursor() from None


def cut(
    rows: Sequence[Row], limit: int, cursor_of: Callable[[Row], str]
) -> tuple[Sequence[Row], str | None]:
    """A page from ``limit + 1`` rows that were read, and the cursor of the next."""
    if len(rows) <= limit:
        return rows, None
    kept = rows[:limit]
    return kept, cursor_of(kept[-1])


def _no_cursor() -> Exception:
    return wrong_value("query.cursor", "Use a next_cursor as it came, or leave it out.")
