"""Where a text may be cut so that a voice can begin before the whole of it is spoken."""

import re
from collections.abc import Iterator

_BREAK = re.compile(r"(?<=[.!?;:])\s+")
# A full stop after one of these is no end, and neither is one after an initial.
_ABBREVIATED = re.compile(
    r"(?:\b(?:mrs?|ms|dr|prof|st|vs|e\.g|i\.e|approx|dept|ext|tel|ave|rd|blvd)"
    r"|(?:^|(?<![ .]\w)[ .])[^\W\d_])\.$",
    re.IGNORECASE,
)
_DIGITS = frozenset(
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "oh")
)

# Characters of the first clause: shorter ones sound torn off, longer ones come late.
_SHORTEST, _LONGEST = 12, 80
# A sentence that goes on for longer, without a comma, is cut before a word that begins a clause.
_LONG = 70
_SHORTEST_REST = 12
_OPENERS = frozenset(
    ("and", "but", "or", "so", "because", "which", "who", "while", "when", "if", "until", "before")
)


def speakable(text: str) -> str:
    """The text without anything that is not spoken: control characters and doubled spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def split_clauses(text: str) -> list[str]:
    """Sentences, the first of which is cut once more at an early clause.

    The first sound of a reply is what the caller waits for; all that follows is synthesised while
    it plays. Joining the parts with a space gives back `speakable` of the text.
    """
    parts = list(_sentences(speakable(text)))
    if parts and (cut := _first_clause(parts[0])):
        parts[:1] = [parts[0][:cut], parts[0][cut + 1 :]]
    return parts


def intoned(clause: str) -> str:
    """The clause with a comma where it has no punctuation: a voice then keeps its tone up."""
    return clause if clause[-1:] in (*".,;:!?", "") else f"{clause},"


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for gap in _BREAK.finditer(text):
        part = text[start : gap.start()]
        following = text[gap.end() : gap.end() + 1]
        if part.endswith(".") and (_ABBREVIATED.search(part[-9:]) or following.islower()):
            continue
        yield part
        start = gap.end()
    if text[start:]:
        yield text[start:]


def _first_clause(sentence: str) -> int:
    """Where the first clause of a sentence ends; 0 when it is to stay whole."""
    words = sentence.split(" ")
    at = -1  # the space before the word looked at
    opener = 0
    for before, word in zip(["", *words], words, strict=False):
        if at > _LONGEST or len(sentence) - at <= _SHORTEST_REST:
            break
        if at > _SHORTEST:
            between_digits = before.rstrip(",") in _DIGITS and word.rstrip(",.") in _DIGITS
            if before.endswith(",") and not between_digits:
                return at
            if not opener and word in _OPENERS:
                opener = at
        at += len(word) + 1
    return opener if len(sentence) > _LONG else 0
