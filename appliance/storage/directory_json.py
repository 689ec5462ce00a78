"""A directory as JSON and back: for the snapshot on disk, and for its version."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, time
from typing import Any

from appliance.calls.directory import Department, Did, Directory, Person, Persona, Trunk
from appliance.calls.hours import OpeningHours, Span
from appliance.calls.transfer import TransferMode


def dump_directory(directory: Directory) -> dict[str, Any]:
    """Plain JSON-ready data."""
    return {
        **{name: getattr(directory, name) for name in _TEXTS},
        "personas": [asdict(persona) for persona in directory.personas],
        "people": [asdict(person) for person in directory.people],
        "departments": [
            {**asdict(department), "hours": _dump_hours(department.hours)}
            for department in directory.departments
        ],
        "dids": [asdict(did) for did in directory.dids],
        "trunks": [asdict(trunk) for trunk in directory.trunks],
        "may_call_out": list(directory.may_call_out),
        "hours": _dump_hours(directory.hours),
    }


_TEXTS = ("organisation_id", "name", "persona", "operator", "emergency", "version")


def parse_directory(data: Mapping[str, Any]) -> Directory:
    """The reverse of :func:`dump_directory`.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not such data.
    """
    return Directory(
        **{name: str(data[name]) for name in _TEXTS},
        personas=tuple(Persona(**persona) for persona in data["personas"]),
        people=tuple(Person(**_target(person)) for person in data["people"]),
        departments=tuple(
            Department(
                **{
                    **_target(department),
                    "extensions": tuple(department["extensions"]),
                    "topics": tuple(department["topics"]),
                    "hours": _parse_hours(department["hours"]),
                }
            )
            for department in data["departments"]
        ),
        dids=tuple(Did(**did) for did in data["dids"]),
        trunks=tuple(Trunk(item["name"], tuple(item["prefixes"])) for item in data["trunks"]),
        may_call_out=tuple(data["may_call_out"]),
        hours=_parse_hours(data["hours"]) or OpeningHours(),
    )


def with_version(directory: Directory) -> Directory:
    """The directory with a version made of its content: the same content, the same version."""
    content = {**dump_directory(directory), "version": ""}
    text = json.dumps(content, sort_keys=True)
    return replace(directory, version=hashlib.sha256(text.encode()).hexdigest()[:16])


def _target(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **data,
        "aliases": tuple(data["aliases"]),
        "transfer_mode": TransferMode(data["transfer_mode"]),
    }


def _dump_hours(hours: OpeningHours | None) -> dict[str, Any] | None:
    if hours is None:
        return None
    return {
        "timezone": hours.timezone,
        "week": {str(day): _dump_spans(hours.week[day]) for day in sorted(hours.week)},
        "exceptions": {
            day.isoformat(): _dump_spans(hours.exceptions[day]) for day in sorted(hours.exceptions)
        },
    }


def _dump_spans(spans: tuple[Span, ...]) -> list[list[str]]:
    return [[span.opens.isoformat(), span.closes.isoformat()] for span in spans]


def _parse_hours(data: Mapping[str, Any] | None) -> OpeningHours | None:
    if data is None:
        return None
    return OpeningHours(
        timezone=data["timezone"],
        week={int(day): _parse_spans(spans) for day, spans in data["week"].items()},
        exceptions={
            date.fromisoformat(day): _parse_spans(spans)
            for day, spans in data["exceptions"].items()
        },
    )


def _parse_spans(spans: list[list[str]]) -> tuple[Span, ...]:
    return tuple(
        Span(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in spans
    )
