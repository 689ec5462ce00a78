"""What callers are made to say: sentences, digits, names, spelled words, times, loose words.

A sentence is either trained on or tested with, never both: `is_held_out` decides by its text. Only
the shortest are on both sides, as there are too few of them to set any aside.
"""

import hashlib
import random
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from models.training.sentences import NAMES, NameLists, generate
from models.training.speech import lexicon
from models.training.speech.templates import THINGS, TROUBLES, template

_HELD_OUT_IN: Final = 15
_SHORT: Final = 3
_ROW_OF_DIGITS = (3, 10)
# As sounds they are other words of the vocabulary; only a sentence tells which.
_TOLD_BY_CONTEXT: Final = frozenset(
    {
        *lexicon.LETTERS, "their", "hear", "by", "our", "know", "to", "for", "oh", "through",
        "past", "write", "you're", "whether",
    }
)  # fmt: skip
_LOOSE: Final = tuple(word for word in lexicon.WORDS if word not in _TOLD_BY_CONTEXT)
_LONGEST_SENTENCE: Final = 18
_NAMES: Final = NameLists(
    first=lexicon.FIRST_NAMES,
    last=lexicon.LAST_NAMES,
    departments=tuple(name for name in NAMES.departments if lexicon.is_known(name)),
    units=tuple(name for name in NAMES.units if lexicon.is_known(name)),
    invented=0.0,
    onsets=NAMES.onsets,
    ends=NAMES.ends,
)
_SCENARIOS: Final = Path(__file__).parents[3] / "tests" / "scenarios"


def is_held_out(sentence: str) -> bool:
    """Whether a sentence is for testing alone: one in fifteen of those with over two words."""
    digest = hashlib.sha256(sentence.encode()).digest()
    return len(sentence.split()) >= _SHORT and digest[0] % _HELD_OUT_IN == 0


@cache
def scenario_sentences() -> tuple[str, ...]:
    """Every sentence that somebody says in the lab's scenarios, sorted.

    They are trained on, so that the demonstration is heard well, and no figure counts them.
    """
    found: set[str] = set()
    for path in sorted(_SCENARIOS.glob("*.yaml")):
        found.update(_said(yaml.safe_load(path.read_text(encoding="utf-8"))))
    return tuple(sorted(found))


def _said(node: object) -> set[str]:
    found: set[str] = set()
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("say", "says") and isinstance(value, str):
                found.add(value)
            found |= _said(value)
    elif isinstance(node, list):
        for value in node:
            found |= _said(value)
    return found


def digits(random_: random.Random) -> str:
    """A row of three to ten digits, said one by one, at times after words that lead up to it."""
    row = random_.choices(lexicon.DIGITS[:10], k=random_.randint(*_ROW_OF_DIGITS))
    if random_.random() < 0.2:
        row = ["oh" if digit == "zero" else digit for digit in row]
    if random_.random() < 0.1:
        at = random_.randrange(len(row))
        row[at : at + 1] = ["double", row[at]]
    lead = ""
    if random_.random() < 0.25 and len(row) < 8:
        lead = random_.choice(
            ("my number is ", "it is ", "extension ", "my account number is ", "call me back at ",
             "the order number is ", "my phone number is ", "the number is ",
             "you can reach me at ")
        )  # fmt: skip
    return lead + " ".join(row)


def number(random_: random.Random) -> str:
    """A number between one and nine hundred and ninety-nine, as words."""
    if random_.random() < 0.25:
        hundred = f"{random_.choice(lexicon.DIGITS[1:10])} hundred"
        rest = random_.choice(
            ("", f" and {_below_hundred(random_)}", f" {_below_hundred(random_)}")
        )
        return hundred + rest
    return _below_hundred(random_)


def _below_hundred(random_: random.Random) -> str:
    if random_.random() < 0.5:
        return random_.choice((*lexicon.DIGITS[1:10], *lexicon.TEENS))
    tens = random_.choice(lexicon.TENS)
    return tens if random_.random() < 0.3 else f"{tens} {random_.choice(lexicon.DIGITS[1:10])}"


def person(random_: random.Random) -> str:
    """A name as callers give it: first, last with a title, or both."""
    first, last = random_.choice(lexicon.FIRST_NAMES), random_.choice(lexicon.LAST_NAMES)
    kind = random_.random()
    if kind < 0.3:
        return first
    if kind < 0.8:
        return f"{first} {last}"
    return f"{random_.choice(('mister', 'missus', 'miss', 'doctor'))} {last}"


def clock_time(random_: random.Random) -> str:
    """A time of day."""
    hour = random_.choice(lexicon.HOURS)
    past = random_.choice(
        ("", "", " o'clock", " thirty", " fifteen", " forty five", " ten", " twenty", " pm",
         " thirty pm")
    )  # fmt: skip
    return "noon" if random_.random() < 0.1 else hour + past


def sentence(random_: random.Random) -> str:
    """A sentence of a caller's, from `templates`."""
    text = template(random_)
    fill: dict[str, Callable[[], str]] = {
        "{name}": lambda: person(random_),
        "{dept}": lambda: random_.choice(lexicon.DEPARTMENTS),
        "{day}": lambda: random_.choice(lexicon.DAYS),
        "{month}": lambda: random_.choice(lexicon.MONTHS),
        "{part}": lambda: random_.choice(("morning", "afternoon", "evening")),
        "{time}": lambda: clock_time(random_),
        "{trouble}": lambda: random_.choice(TROUBLES),
        "{thing}": lambda: random_.choice(THINGS),
        "{number}": lambda: number(random_),
        "{digits}": lambda: " ".join(
            random_.choices(lexicon.DIGITS[:10], k=random_.choice((1, 2, 3, 3, 4)))
        ),
    }
    for slot, value in fill.items():
        while slot in text:
            text = text.replace(slot, value(), 1)
    return text


def receptionist_sentence(random_: random.Random, split: str = "train") -> str:
    """A sentence of the grammar that the decider is trained on, kept to the lexicon's words.

    Args:
        split: ``train`` or ``held-out``, whose templates training never sees.
    """
    while True:
        text: str = generate(random_, split, _NAMES).text
        if lexicon.is_known(text) and len(text.split()) <= _LONGEST_SENTENCE:
            return text


def spelled(random_: random.Random) -> str:
    """A name or some letters, spelled, at times after words that lead up to it."""
    name = random_.choice((*lexicon.FIRST_NAMES, *lexicon.LAST_NAMES))
    if random_.random() < 0.5:
        letters = random_.choices(lexicon.LETTERS, k=random_.randint(2, 6))
    else:
        letters = list(name)[:8]
    lead = random_.choice(("", "", f"{name} ", "it is ", "spelled ", f"my name is {name} "))
    return lead + " ".join(letters)


def crossed(random_: random.Random) -> str:
    """The beginning of one sentence and the end of another, at times with a word between them.

    So that the model goes by what it hears, and not by how the sentences it knows go on.
    """
    one, other = (receptionist_sentence(random_).split() for _ in range(2))
    beginning, end = one[: random_.randint(1, 6)], other[-random_.randint(1, 6) :]
    between = [random_.choice(_LOOSE)] if random_.random() < 0.4 else []
    return " ".join((*beginning, *between, *end))


def running(random_: random.Random) -> str:
    """Words out of several sentences on end, as speech without a pause is cut for the model."""
    words = " ".join(_for_training(random_) for _ in range(3)).split()
    count = min(random_.randint(6, _LONGEST_SENTENCE), len(words))
    begin = random_.randrange(len(words) - count + 1)
    return " ".join(words[begin : begin + count])


def _for_training(random_: random.Random) -> str:
    while True:
        text = (sentence if random_.random() < 0.5 else receptionist_sentence)(random_)
        if not is_held_out(text):
            return text


def loose_words(random_: random.Random) -> str:
    """One to seven words without sense, so that rare ones are heard as often as common ones."""
    return " ".join(random_.choice(_LOOSE) for _ in range(random_.randint(1, 7)))


_KINDS: Final[tuple[tuple[float, Callable[[random.Random], str]], ...]] = (
    (0.17, sentence),
    (0.22, receptionist_sentence),
    (0.10, crossed),
    (0.08, running),
    (0.12, digits),
    (0.13, loose_words),
    (0.06, person),
    (0.08, spelled),
    (0.02, number),
    (0.02, lambda random_: random_.choice(scenario_sentences())),
)


def training_utterance(random_: random.Random) -> str:
    """Something to train on, of any kind in the proportions of `_KINDS`."""
    weights = [weight for weight, _ in _KINDS]
    while True:
        text = random_.choices(_KINDS, weights)[0][1](random_)
        if not is_held_out(text):
            return text


def held_out(kind: Callable[[random.Random], str], random_: random.Random, count: int) -> list[str]:
    """That many different utterances of a kind that are never trained on."""
    found: dict[str, None] = {}
    while len(found) < count:
        text = kind(random_)
        if is_held_out(text):
            found[text] = None
    return list(found)
