"""Measures the model, and the rule that works without it, on texts that training never saw."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.speech.completeness import Completeness, CompletenessModel, judge
from models.training.completeness.cuts import Cut, cuts, handwritten_cuts
from models.training.files import write_text
from models.training.progress import say
from models.training.sentences import HELD_OUT_NAMES


def evaluate(model: Path, into: Path | None) -> dict[str, Any]:
    """Measure, print, and write the figures to ``into``."""
    sets = {
        "unseen wording and names": list(cuts(21, "held-out", HELD_OUT_NAMES, 5000)),
        "handwritten": list(handwritten_cuts()),
    }
    figures: dict[str, Any] = {"model_bytes": model.stat().st_size, "sets": {}}
    ways = {"model": CompletenessModel.load(model), "rule_without_model": None}
    for name, texts in sets.items():
        figures["sets"][name] = {}
        for way, used in ways.items():
            figures["sets"][name][way] = measured(texts, used)
            say(f"{name} | {way} | {figures['sets'][name][way]}")
    if into is not None:
        write_text(into, json.dumps(figures, indent=2) + "\n")
    return figures


def measured(texts: Sequence[Cut], model: CompletenessModel | None) -> dict[str, Any]:
    """Percentages. A text judged unknown counts as right for neither."""
    counts = Counter((cut.finished, judge(" ".join(cut.words), model)) for cut in texts)
    finished = sum(number for (whole, _), number in counts.items() if whole)
    unfinished = len(texts) - finished
    hits = counts[True, Completeness.FINISHED], counts[False, Completeness.UNFINISHED]

    def percent(number: int, of: int) -> float:
        return round(100 * number / of, 1)

    return {
        "texts": len(texts),
        "right_percent": percent(sum(hits), len(texts)),
        "finished_held_finished_percent": percent(hits[0], finished),
        "finished_held_unfinished_percent": percent(
            counts[True, Completeness.UNFINISHED], finished
        ),
        "unfinished_held_unfinished_percent": percent(hits[1], unfinished),
        "unfinished_held_finished_percent": percent(
            counts[False, Completeness.FINISHED], unfinished
        ),
    }
