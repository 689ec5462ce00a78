"""What a reading rule is, and how rules share a text."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """Something written in a certain way, and how it is said.

    Attributes:
        pattern: finds it; may look at what is around it.
        say: the words for one find, or None to leave it to later rules.
    """

    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], str | None]


def apply(rules: Iterable[Rule], text: str) -> str:
    """The text with every find said; an earlier rule's find is closed to the later ones.

    Every rule sees the whole text as it was written, so none is misled by another's words.
    """
    said: list[tuple[int, int, str]] = []
    closed = bytearray(len(text))
    for rule in rules:
        for match in rule.pattern.finditer(text):
            start, end = match.span()
            if start == end or any(closed[start:end]):
                continue
            words = rule.say(match)
            if words is not None:
                said.append((start, end, words))
                closed[start:end] = b"\1" * (end - start)
    out: list[str] = []
    at = 0
    for start, end, words in sorted(said):
        out += [text[at:start], _apart(text[start - 1 : start], words, text[end : end + 1])]
        at = end
    return "".join([*out, text[at:]])


def _apart(before: str, words: str, after: str) -> str:
    """The words with spaces where they would grow together with their neighbours."""
    if before.isalnum():
        words = " " + words
    return words + " " if after.isalnum() else words


def listed(words: str) -> list[str]:
    """The words of a list that is written as one text."""
    return words.split()


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of some literal words, the longer ones first."""
    return "(?:" + "|".join(map(re.escape, sorted(words, key=len, reverse=True))) + ")"


def ends_sentence(match: re.Match[str]) -> bool:
    """Whether a full stop at the find's end also ends the sentence."""
    rest = match.string[match.end() :]
    following = rest.lstrip()
    return not following or (following != rest and following[0].isupper())
