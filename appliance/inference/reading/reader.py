"""The reader: a text as it is written in, the words to be said out."""

import re
import unicodedata
from collections.abc import Sequence

from appliance.inference.reading import abbreviations, contacts, quantities, times
from appliance.inference.reading.numbers import cardinal, one_by_one
from appliance.inference.reading.pronunciations import Pronunciation
from appliance.inference.reading.pronunciations import rules as pronunciation_rules
from appliance.inference.reading.rules import Rule, apply

_LONG_NUMBER = 7  # digits; as many and more are a telephone number
# Language models decorate; no voice should say "asterisk asterisk".
_MARKUP = re.compile(r"\*\*|__|`+|^\s*(?:#{1,6}|[-*•])\s+", re.MULTILINE)
_LINK = re.compile(r"\[([^\[\]\n]{1,200})\]\((?:[^()\n]{1,300})\)")
_LETTERS = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2026": ".",
        "\u00ad": None,
        "⟦": None,
        "⟧": None,
    }
)
# Emoji and other pictures, halves of surrogate pairs, private and unassigned characters.
_UNSAID = frozenset(("So", "Cs", "Co", "Cn", "Sk"))
_BRACKET = re.compile(r"\s*(?:[()\[\]{}]+|(?<!\S)[-\u2013\u2014]+(?!\S)|\u2014)\s*")
_LOOSE = re.compile(r"\s+([,.;:!?])(?=[\s,.;:!?]|$)")
_HEAP = re.compile(r"[,.;:!?](?:\s*[,.;:!?])+")


class Reader:
    """Reads texts in one language, with one site's names.

    English is read in full. Of other languages only numbers are written out, where num2words
    knows them; the rest is left to the voice.

    Args:
        language: ``en``, ``en-gb``, ``de``; English outside the US writes the day first.
    """

    def __init__(self, language: str = "en", names: Sequence[Pronunciation] = ()) -> None:
        base, _, region = language.lower().replace("_", "-").partition("-")
        if base == "en":
            plain = _english(day_first=region not in ("", "us"))
        else:
            plain = _numbers_only(base)
        self._english = base == "en"
        self._rules = {
            phonemes: [*pronunciation_rules(names, phonemes=phonemes), *plain]
            for phonemes in (False, True)
        }

    def read(self, text: str, *, phonemes: bool = False) -> str:
        """The words. Anything that cannot be said is left out; sentences keep their ends.

        Args:
            phonemes: whether the voice takes espeak-ng's phonemes between ``⟦`` and ``⟧``.
        """
        clean = _cleaned(text)
        if self._english:
            clean = abbreviations.quieted(clean)
        said = apply(self._rules[phonemes], clean)
        return _paused(said)


def _english(*, day_first: bool) -> list[Rule]:
    return [
        *contacts.rules()[:2],
        *times.rules(day_first=day_first),
        *contacts.rules()[2:4],
        *quantities.rules()[:3],
        *contacts.rules()[4:],
        *quantities.rules()[3:],
        *abbreviations.rules(),
    ]


def _numbers_only(language: str) -> list[Rule]:
    def say(match: re.Match[str]) -> str:
        digits = match.group()
        if len(digits) >= _LONG_NUMBER:
            return one_by_one(digits, language)
        return cardinal(digits, language)

    return [Rule(re.compile(r"(?<![\w.,:/-])\d+(?![\w:/-]|[.,]\d)", re.ASCII), say)]


def _cleaned(text: str) -> str:
    """One line, without markup, emoji and control characters, its digits in ASCII."""
    text = _LINK.sub(r"\1", unicodedata.normalize("NFC", text))
    lines = [line.strip() for line in _MARKUP.sub("", text).splitlines()]
    joined = " ".join(_ended(line) for line in lines if line)
    return " ".join("".join(map(_sayable, joined.translate(_LETTERS))).split())


def _ended(line: str) -> str:
    """A line of a list is followed by a pause, however it ends."""
    return line if line[-1] in ".,;:!?" else f"{line},"


def _sayable(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.digit(char))
    unsaid = not char.isprintable() or (category in _UNSAID and char != "°")
    return " " if unsaid else char


def _paused(said: str) -> str:
    """Brackets and dashes as pauses, and no punctuation that stands alone or in a heap."""
    said = _BRACKET.sub(", ", f"{said} ")
    said = _LOOSE.sub(r"\1", said)
    said = _HEAP.sub(_strongest, said)
    return " ".join(said.lstrip(" ,;:.!?").split()).rstrip(" ,")


def _strongest(match: re.Match[str]) -> str:
    marks = match.group()
    return next(mark for mark in "?!.;:," if mark in marks)
