"""The command line: ``train`` and ``evaluate``."""

import argparse
import json
from pathlib import Path
from typing import Any

from appliance.decisions.wishes import WishModel
from models.training.files import write_text
from models.training.progress import say
from models.training.sentences import HELD_OUT_NAMES, NAMES
from models.training.wishes.examples import Example, examples, handwritten
from models.training.wishes.fitting import fit

STARTER = Path(__file__).parents[2] / "starter"
_TURNS = 2000


def main() -> None:
    """Do one step."""
    parser = argparse.ArgumentParser(prog="python -m models.training.wishes")
    parser.add_argument("step", choices=("train", "evaluate"))
    parser.add_argument("--model", type=Path, default=STARTER / "wishes.npz")
    options = parser.parse_args()
    if options.step == "train":
        fit(options.model)
    else:
        evaluate(options.model, STARTER / "wishes.figures.json")


def evaluate(path: Path, into: Path | None, turns: int = _TURNS) -> dict[str, Any]:
    """Measure with so many turns of each set, print, and write the figures to ``into``."""
    model = WishModel.load(path)
    buckets = model.buckets
    sets = {
        "seen wording, seen names": examples("a", "train", NAMES, turns, buckets, 0.0),
        "unseen wording": examples("b", "held-out", NAMES, turns, buckets, 0.0),
        "wording left out by chance": examples("e", "left-out", NAMES, turns, buckets, 0.0),
        "unseen names, half misheard": examples("c", "train", HELD_OUT_NAMES, turns, buckets),
        "unseen wording and names, half misheard": examples(
            "d", "held-out", HELD_OUT_NAMES, turns, buckets
        ),
        "handwritten": handwritten(buckets),
    }
    figures: dict[str, Any] = {"model_bytes": path.stat().st_size, "intent_right_percent": {}}
    for name, asked in sets.items():
        figures["intent_right_percent"][name] = _right_percent(model, asked)
    say(figures)
    if into is not None:
        write_text(into, json.dumps(figures, indent=2) + "\n")
    return figures


def _right_percent(model: WishModel, turns: list[Example]) -> float:
    right = sum(int(model.chances(places.tolist()).argmax()) == wish for places, wish in turns)
    return round(100 * right / len(turns), 1)


if __name__ == "__main__":
    main()
