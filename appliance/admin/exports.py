"""Calls as CSV and JSON, a piece at a time."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from appliance.admin.call_queries import CallLine
from appliance.events.reader import CallRecord

# A spreadsheet takes what begins so for a formula, some also after blanks.
_FORMULA = re.compile(r"\s*[=+\-@\t\r\x00|%]|\s*[\uff1d\uff0b\uff0d\uff20]")
LIST_HEADINGS = (
    "call_id", "began", "ended", "caller_number", "caller_name", "did", "outcome", "priority",
    "labels", "to", "heard", "talked_ms", "how",
)  # fmt: skip
TURN_HEADINGS = (
    "seq", "at", "turn", "speaker", "source", "part", "started_ms", "ended_ms", "confidence",
    "interrupted", "text",
)  # fmt: skip


def harmless(value: object) -> str:
    """A cell that no spreadsheet computes: an apostrophe goes before what looks like a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value).replace("\x00", "")
    if isinstance(value, str) and _FORMULA.match(text):
        return f"'{text}"
    return text


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV (RFC 4180), every cell harmless."""
    out = io.StringIO()
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([harmless(value) for value in row])
    return out.getvalue()


def list_row(line: CallLine) -> Sequence[object]:
    """A call of a list, under ``LIST_HEADINGS``."""
    call = line.call
    return (
        call.call_id, call.started_at or call.first_event_at, call.ended_at, call.caller_number,
        call.caller_name, call.did, call.outcome, line.priority.value, ", ".join(line.labels),
        line.wanted, line.heard, call.talked_ms, call.how,
    )  # fmt: skip


def turn_rows(record: CallRecord) -> Iterable[Sequence[object]]:
    """A call's turns, under ``TURN_HEADINGS``."""
    for turn in record.turns:
        yield (
            turn.seq, turn.at, turn.turn, turn.speaker, turn.source, turn.part, turn.started_ms,
            turn.ended_ms, round(turn.confidence, 3), turn.interrupted, turn.text,
        )  # fmt: skip
