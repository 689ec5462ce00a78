"""Says a sentence in other words: phrases put for one another, and small words slipped in."""

import random
import re
from functools import cache

from models.training.sentences.templates import GRAMMAR, labelled, lines_of

_CHANCE = 0.15
_SLIPPED = (
    "just",
    "actually",
    "really",
    "maybe",
    "kind of",
    "basically",
    "perhaps",
    "also",
    "then",
)
_SLIP_CHANCE = 0.06
_BORDER = r"(?<![\w'{])(?:%s)(?![\w'}])"


def varied(rng: random.Random, text: str) -> str:
    """A template, its slots still in it, in other words; about one phrase in seven is changed."""
    pattern, others = _synonyms()

    def other(found: re.Match[str]) -> str:
        return rng.choice(others[found[0]]) if rng.random() < _CHANCE else found[0]

    changed = pattern.sub(other, text)
    words = changed.split()
    if len(words) > 2 and rng.random() < _SLIP_CHANCE:
        words.insert(rng.randrange(1, len(words)), rng.choice(_SLIPPED))
    return " ".join(words)


@cache
def _synonyms() -> tuple[re.Pattern[str], dict[str, list[str]]]:
    others = labelled(lines_of(GRAMMAR / "synonyms.txt"))
    longest_first = sorted(others, key=len, reverse=True)
    return re.compile(_BORDER % "|".join(map(re.escape, longest_first))), others
