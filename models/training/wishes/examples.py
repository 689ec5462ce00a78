"""Turns with their wish, as the decision chain will ask about them."""

import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from appliance.calls.decision import Intent
from appliance.calls.directory import Directory
from appliance.decisions.context import TurnContext
from appliance.decisions.wishes import WISHES, looks, nameless
from models.training.decider.asking import MOMENT, directory_of
from models.training.sentences import (
    DECIDER_WEIGHTS,
    NameLists,
    generate,
    invent_directory,
    misheard,
    read_directory,
)

HANDWRITTEN = Path(__file__).parents[2] / "handwritten.yaml"
_TURNS_A_DIRECTORY = 6

Example = tuple[npt.NDArray[np.int32], int]


def examples(
    seed: str, split: str, names: NameLists, count: int, buckets: int, noise: float = 1.0
) -> list[Example]:
    """``count`` turns as places and the number of the wish; every second one is misheard."""
    rng = random.Random(seed)
    found: list[Example] = []
    for number in range(count):
        if number % _TURNS_A_DIRECTORY == 0:
            entries = invent_directory(rng, names)
            directory = directory_of(entries)
        one = generate(rng, split, names, entries, DECIDER_WEIGHTS)
        heard = misheard(rng, one.text, one.names, noise * (number % 2))
        found.append(example(heard, directory, one.intent, buckets))
    return found


def example(text: str, directory: Directory, intent: str, buckets: int) -> Example:
    """One turn."""
    words = nameless(TurnContext(text, directory, MOMENT))
    places = np.array(looks(words, buckets), dtype=np.int32)
    return places, WISHES.index(Intent(intent))


def handwritten(buckets: int) -> list[Example]:
    """The turns of ``models/handwritten.yaml``."""
    turns = yaml.safe_load(HANDWRITTEN.read_text("utf-8"))["turns"]
    directory = directory_of(read_directory(HANDWRITTEN))
    return [example(turn["say"], directory, turn["intent"], buckets) for turn in turns]
