"""Events as lines that PostgreSQL will take, whatever a caller put into them."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from appliance.calls.events import EVENT_TYPES, Event

# NUL is lawful JSON and is refused by PostgreSQL. An even number of backslashes before it is text.
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_BASE = {field.name for field in fields(Event)}
_OWN_FIELDS = {
    kind: tuple(field.name for field in fields(cls) if field.name not in _BASE)
    for kind, cls in EVENT_TYPES.items()
}


def encode(event: Event) -> bytes:
    """One line of JSON with its newline: base fields, ``kind``, and the rest under ``data``.

    NUL and halves of surrogate pairs are replaced; numbers that are not finite become null.
    """
    data = {name: getattr(event, name) for name in _OWN_FIELDS[event.kind]}
    record = {
        "event_id": str(event.event_id),
        "call_id": event.call_id,
        "organisation_id": event.organisation_id,
        "seq": event.seq,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "data": data,
    }
    try:
        text = json.dumps(record, ensure_ascii=False, default=_plain, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(record), ensure_ascii=False, default=_plain)
    line = text.encode("utf-8", "replace")
    if b"\\u0000" in line:
        line = _NUL.sub(rb"\1\\ufffd", line)
    return line + b"\n"


def _plain(value: Any) -> Any:
    """What JSON does not know: mappings of any kind, times, ids; anything else as its text."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, (str, int, bool, UUID, datetime)) or value is None:
        return value
    return str(value)
