"""Turns with their wish, as the decision chain will ask about them."""

import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from appliance.calls.decision import Intent
from appliance.decisions.text import plain
from appliance.decisions.wishes import WISHES, looks
from models.training.sentences import DECIDER_WEIGHTS, NameLists, generate, misheard

HANDWRITTEN = Path(__file__).parents[2] / "handwritten.yaml"

Example = tuple[npt.NDArray[np.int32], int]


def examples(
    seed: str, split: str, names: NameLists, count: int, buckets: int, noise: float = 1.0
) -> list[Example]:
    """``count`` turns as places and the number of the wish; every second one is misheard."""
    rng = random.Random(seed)
    found: list[Example] = []
    for number in range(count):
        one = generate(rng, split, names, weights=DECIDER_WEIGHTS)
        heard = misheard(rng, one.text, one.names, noise * (number % 2))
        found.append(example(heard, one.intent, buckets))
    return found


def example(text: str, intent: str, buckets: int) -> Example:
    """One turn."""
    places = np.array(looks(plain(text).split(), buckets), dtype=np.int32)
    return places, WISHES.index(Intent(intent))


def handwritten(buckets: int) -> list[Example]:
    """The turns of ``models/handwritten.yaml``."""
    turns = yaml.safe_load(HANDWRITTEN.read_text("utf-8"))["turns"]
    return [example(turn["say"], turn["intent"], buckets) for turn in turns]
