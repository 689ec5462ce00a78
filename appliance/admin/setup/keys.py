"""How addresses name things of the set-up, and how lists go on."""

import base64
import binascii
import json
from typing import Any
from uuid import UUID

from pydantic import Field, create_model

from appliance.admin.fields import Line, Model, RequiredLine
from appliance.admin.pagination import PageQuery, encode_cursor
from appliance.admin.problems import wrong_value
from appliance.admin.setup.kinds import After, Kind, Row
from appliance.admin.visit import Visit


class ListQuery(PageQuery):
    """What lists of the set-up understand."""

    q: Line = Field(default="", description="only those with this in their names or words")


_BY_ID = ("persona_id", "person_id", "department_id", "hours_id")


def params_of(kind: Kind) -> type[Model] | None:
    """The model of the key in a kind's addresses; None where there is only one."""
    if not kind.param:
        return None
    key: Any = UUID if kind.param in _BY_ID else RequiredLine
    fields: dict[str, Any] = {kind.param: (key, ...)}
    made: type[Model] = create_model(
        f"{kind.name.title()}Params", __base__=Model, __doc__=f"One: {kind.name}.", **fields
    )
    return made


def key_of(visit: Visit, kind: Kind) -> str:
    """The key that the address names; the organisation's has none."""
    return str(getattr(visit.params, kind.param)) if kind.param else str(visit.who.organisation_id)


def cursor_of(kind: Kind, row: Row) -> str:
    """Where a list goes on after a row."""
    return encode_cursor(kind.sort_value(row), row.key)


def after_of(kind: Kind, text: str) -> After | None:
    """What a cursor holds; None for an empty one.

    Raises:
        Problem: it is no cursor of ours.
    """
    if not text:
        return None
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        sort, key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(sort, str) or not isinstance(key, str) or "\x00" in sort + key:
            raise ValueError
        (sort + key).encode()
        if kind.param in _BY_ID:
            UUID(key)
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise wrong_value(
            "query.cursor", "Use a next_cursor as it came, or leave it out."
        ) from None
    return sort, key
