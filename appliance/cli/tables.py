"""Tables for people."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from appliance.events.reader import CallSummary


def calls_table(title: str, calls: Iterable[CallSummary]) -> Table:
    """The list of calls. What callers say of themselves is shown as it is, never as markup."""
    table = Table(title=escape(title))
    for heading in ("began", "caller", "dialled", "outcome", "how it ended"):
        table.add_column(heading)
    for call in calls:
        began = call.started_at or call.first_event_at
        caller = f"{call.caller_number or ''} {call.caller_name or ''}".strip()
        table.add_row(
            f"{began:%H:%M:%S}", escape(_short(caller)), escape(call.did or ""),
            call.outcome or "in progress", escape(call.how or ""),
        )  # fmt: skip
    return table


def _short(text: str, limit: int = 40) -> str:
    printable = "".join(c if c.isprintable() else " " for c in text)
    return printable if len(printable) <= limit else printable[: limit - 3] + "..."
