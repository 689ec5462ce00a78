"""The figures of the decider as a table for the model card."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.training.cards import put_figures

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
    return "\n".join(lines)


def write(card: Path, figures: Path) -> None:
    """Replace the figures in the card.

    Raises:
        ValueError: when the card has no place for them.
    """
    found = json.loads(figures.read_text(encoding="utf-8"))
    put_figures(card, "starter/decider", table(found))
