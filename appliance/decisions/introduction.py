"""Callers who say their own name: "this is john smith calling about my bill".

Their name must never be taken for the person they want, and it is what the receptionist wants
to hear first.
"""

import re
from dataclasses import dataclass

from appliance.decisions.words import COMMON, ORDINARY, TITLES, bag

_STOP = (
    r"calling|speaking|from|about|and|i|can|could|may|for|here|with|please|want|would|to|my|"
    r"regarding|on|is|are|at|but|do|the|a|an|we|again|returning|in|it|not|what|when|where|who|how|"
    r"hello|hi|good|morning|afternoon|evening|thank|thanks|dial|phone|call|ring|put|get|give|let|"
    r"connect|transfer|extension|number|try|leave|tell|ask|book|make|need|no|one|two|three|four|"
    r"five|six|seven|eight|nine"
)
_NAME = rf"(?P<name>(?!(?:{_STOP})\b)\w+(?: (?!(?:{_STOP})\b)\w+){{0,3}})"
_TAIL = (
    r"(?: (?:calling|speaking|here))?(?P<origin> from (?:the )?\w+(?: (?!(?:"
    + _STOP
    + r")\b)\w+){0,2})?"
)
_OPENINGS = (
    re.compile(
        rf"\b(?<!is )(?:this is|(?<!his )(?<!her )(?:my |the )?name is|you are speaking (?:to"
        rf"|with)) {_NAME}{_TAIL}"
    ),
    re.compile(rf"\bit is {_NAME} (?:here|speaking|calling)\b(?P<origin>)"),
    re.compile(rf"\bi am {_NAME}(?= (?:calling|speaking|from|and|can|could|may)\b|$){_TAIL}"),
    re.compile(rf"^(?:hello |hi |hey |good (?:morning|afternoon|evening) |yes )*{_NAME} "
               r"(?:here|speaking)(?: |$)"),
)  # fmt: skip
_ORIGIN = re.compile(r"\bcalling from (?:the )?\w+(?: (?!(?:" + _STOP + r")\b)\w+){0,2}")


@dataclass(frozen=True, slots=True)
class Introduction:
    """A caller's own name, as heard, and the utterance without the introduction.

    Attributes:
        name: lower-case words without titles cut off; empty when no name was given.
        rest: what is left to understand.
    """

    name: str
    rest: str


def introduction(text: str) -> Introduction:
    """Take a caller's introduction out of an utterance (words with single spaces)."""
    for opening in _OPENINGS:
        found = opening.search(text)
        if found is None or not is_name(found["name"]):
            continue
        rest = f"{text[: found.start()]} {text[found.end() :]}"
        return Introduction(found["name"], " ".join(_ORIGIN.sub(" ", rest).split()))
    return Introduction("", " ".join(_ORIGIN.sub(" ", text).split()))


def is_name(words: str) -> bool:
    """Whether words can be somebody's name: a title, or a first word that is no common word.

    "an emergency", "calling about" and "very urgent" are not names; "grace" and "john smith" are.
    """
    first, *others = words.split()
    if first in TITLES:
        return bool(others)
    return first not in ORDINARY or (first in _NAMES_TOO and not set(others) & COMMON)


# Ordinary words that are also first names.
_NAMES_TOO = bag("will may mark grace frank rose bill april june august white green")
