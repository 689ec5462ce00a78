"""The figures of the decider as a table for the model card."""

from collections.abc import Mapping
from typing import Any

_WAYS = {"model_alone": "alone", "chain": "chain", "chain_of_rules_alone": "rules"}
_ROWS = {
    "intent": "intent_right_percent",
    "target": "target_right_percent",
    "asked": "target_asked_percent",
    "absent refused": "absent_refused_percent",
}


def table(figures: Mapping[str, Any]) -> str:
    """A row for each set and way, percentages; empty where a set has nothing of the kind."""
    lines = [f"| set | way | turns | {' | '.join(_ROWS)} |", f"|---|---|---|{'---|' * len(_ROWS)}"]
    for name, ways in figures["sets"].items():
        for way, label in _WAYS.items():
            found = ways[way]
            cells = [str(found.get(key, "")) for key in _ROWS.values()]
            lines.append(f"| {name} | {label} | {found['turns']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
