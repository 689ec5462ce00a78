"""Figures for people and for machines."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from appliance.lab.benchmarks.measurement import Measurement

_VERDICTS = {True: "[green]yes[/green]", False: "[red]no[/red]", None: ""}
NOTES = """\
Reply: from the moment the phone sends its last audible frame (the last with a sample within 34 dB \
of the loudest of the whole utterance, found before it is sent) until the reply's first frame \
arrives, by the phone's kernel; less the configured pause of {pause_ms} ms that ends a finished \
sentence. Decision to first frame: as the controller records it. Jitter: at the receiver, by its \
kernel's time stamps. CPU is the controller process's own; per call, less what it uses without a \
call. Barge-in: the worst, negative when the last frame had left before the decision.\
"""


def table(measurements: Iterable[Measurement]) -> Table:
    """One row a figure."""
    found = Table(title="What the appliance adds to its engines")
    for heading in ("name", "value", "unit", "goal", "holds"):
        found.add_column(heading, justify="right" if heading == "value" else "left")
    for one in measurements:
        found.add_row(
            one.name, f"{one.value:.4g}", one.unit, "" if one.goal is None else str(one.goal),
            _VERDICTS[one.holds],
        )  # fmt: skip
    return found


def print_report(console: Console, measurements: Sequence[Measurement], pause_ms: int) -> None:
    """The table, and how it was measured."""
    console.print(table(measurements))
    console.print(f"[dim]{NOTES.format(pause_ms=pause_ms)}[/dim]")


def write_json(path: Path, measurements: Sequence[Measurement]) -> None:
    """Write the list of figures; the folder is made when missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(as_json(measurements) + "\n")


def as_json(measurements: Sequence[Measurement]) -> str:
    """``[{name, value, unit, goal, holds}, ...]``; no goal and no number are null."""
    return json.dumps([one.as_dict() for one in measurements], indent=2)
