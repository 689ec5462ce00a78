"""Measures the rules for emergencies: how many are missed, and how many are false."""

import random
from pathlib import Path
from typing import Any

import yaml

from appliance.decisions.policies.emergency import emergency_in
from appliance.decisions.text import plain
from models.training.sentences import HELD_OUT_NAMES, NAMES, SPEECH_WEIGHTS, generate, misheard

LISTS = Path(__file__).parents[2] / "handwritten-emergencies.yaml"
TURNS = Path(__file__).parents[2] / "handwritten.yaml"
_ORDINARY = 10_000
_FEW = 1_000
# Counted once, by hand, when the rules met the lists for the first time.
_FIRST_SIGHT = {"emergencies": 109, "missed": 3, "ordinary": 70, "false": 0}
_USUAL = {kind: weight for kind, weight in SPEECH_WEIGHTS.items() if kind != "emergency"}
_TRICKY = {"harmless": 1.0}
_REAL = {"emergency": 1.0}


def heard_as_emergency(text: str) -> bool:
    """Whether the rules take a transcript for an emergency."""
    return bool(emergency_in(plain(text)))


def measure_emergencies(ordinary: int = _ORDINARY) -> dict[str, Any]:
    """Missed and false ones, over the handwritten lists and ``ordinary`` generated turns.

    Every second generated turn is as a poor recogniser hears it.
    """
    lists = yaml.safe_load(LISTS.read_text("utf-8"))
    real = [*lists["emergencies"], *lists["check_emergencies"]]
    harmless = [*lists["ordinary"], *lists["check_ordinary"]]
    turns = yaml.safe_load(TURNS.read_text("utf-8"))["turns"]
    real += [turn["say"] for turn in turns if turn["intent"] == "emergency"]
    harmless += [turn["say"] for turn in turns if turn["intent"] != "emergency"]
    heard = heard_as_emergency
    return {
        "handwritten": len(real),
        "handwritten_missed": [text for text in real if not heard(text)],
        "handwritten_ordinary": len(harmless),
        "handwritten_false": [text for text in harmless if heard(text)],
        "generated_ordinary": ordinary,
        "generated_false": [text for text in _generated(ordinary, _USUAL) if heard(text)],
        "generated_tricky": _FEW,
        "tricky_false": sum(heard(text) for text in _generated(_FEW, _TRICKY)),
        "generated_emergencies": _FEW,
        "emergencies_missed": sum(not heard(text) for text in _generated(_FEW, _REAL)),
        "check_lists_at_first_sight": _FIRST_SIGHT,
    }


def _generated(count: int, weights: dict[str, float]) -> list[str]:
    rng = random.Random(f"emergencies {sorted(weights)}")
    texts = []
    for number in range(count):
        split, names = (("train", NAMES), ("held-out", HELD_OUT_NAMES))[number // 2 % 2]
        sentence = generate(rng, split, names, weights=weights)
        texts.append(misheard(rng, sentence.text, sentence.names, float(number % 2)))
    return texts
