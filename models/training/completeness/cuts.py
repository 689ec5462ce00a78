"""Sentences, whole and cut short, and whether nothing more has to come."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from appliance.speech.completeness import is_digits, words_of
from models.training.sentences import NameLists, generate, misheard

HANDWRITTEN = Path(__file__).parents[2] / "handwritten.yaml"
_NOISE = 0.5


@dataclass(frozen=True)
class Cut:
    """What was heard up to a pause.

    Attributes:
        finished: the wish is said. A courtesy or a reason may still follow.
    """

    words: tuple[str, ...]
    finished: bool


def cuts(seed: int, split: str, names: NameLists, count: int) -> Iterator[Cut]:
    """``count`` sentences, each whole and cut once before its wish is said.

    Texts that end in digits are left out: a rule decides those.
    """
    rng = random.Random(seed)
    while count:
        sentence = generate(rng, split, names)
        words = tuple(words_of(sentence.text))
        if sentence.intent == "unknown":
            continue  # ramblings end nowhere, and calls that sell go on and on
        count -= 1
        whole = Cut(words_of_heard(rng, words, sentence.names), True)
        if usable(whole):
            yield whole
        if sentence.complete_at > 1:
            place = rng.randrange(1, sentence.complete_at)
            part = Cut(words_of_heard(rng, words[:place], sentence.names), False)
            if usable(part):
                yield part


def words_of_heard(
    rng: random.Random, words: tuple[str, ...], names: frozenset[str]
) -> tuple[str, ...]:
    """The words as a recogniser hears them; every second text is heard well."""
    level = _NOISE if rng.random() < 0.5 else 0.0
    return tuple(words_of(misheard(rng, " ".join(words), names, level)))


def usable(cut: Cut) -> bool:
    """Whether the model is asked about such a text."""
    return bool(cut.words) and not is_digits(cut.words[-1])


def handwritten_cuts() -> Iterator[Cut]:
    """The handwritten turns, whole and cut before the last third."""
    rng = random.Random(3)
    for turn in yaml.safe_load(HANDWRITTEN.read_text("utf-8"))["turns"]:
        words = tuple(words_of(turn["say"]))
        if turn["intent"] == "unknown":
            continue
        if usable(whole := Cut(words, True)):
            yield whole
        if len(words) > 3 and usable(
            part := Cut(words[: rng.randint(1, len(words) * 2 // 3)], False)
        ):
            yield part
