"""Transcripts as plain words, so that rules read the same from any recogniser.

The starter recogniser writes lower case without punctuation, others write "I'd like Mr. Renner,
please." Both become the same words here.
"""

import re
import unicodedata
from itertools import islice

MAX_CHARS = 600
MAX_WORDS = 80

_CONTRACTIONS = (
    (r"\bcan't\b", "cannot"),
    (r"\bwon't\b", "will not"),
    (r"\bo'clock\b", "oclock"),
    (r"\blet's\b", "let us"),
    (r"n't\b", " not"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"'ll\b", " will"),
    (r"'m\b", " am"),
    (r"'d\b", " would"),
    (r"\b(he|she|it|that|there|what|where|who|when|how|here|name)'s\b", r"\1 is"),
    (r"'s\b", ""),
)
_FILLERS = frozenset(("um", "uh", "uhm", "umm", "er", "erm", "hmm", "hm", "ah", "eh"))
_NOT_WORDS = re.compile(r"[\W_]+")


def words_of(text: str) -> tuple[str, ...]:
    """The words of a transcript: lower case, no accents, contractions written out, no fillers.

    Reads at most ``MAX_CHARS`` and gives at most ``MAX_WORDS``: nobody says more in a turn, and
    hostile text is long.
    """
    plain = unicodedata.normalize("NFKD", text[:MAX_CHARS]).lower().replace("\u2019", "'")
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    for pattern, written in _CONTRACTIONS:
        plain = re.sub(pattern, written, plain)
    found = (word for word in _NOT_WORDS.sub(" ", plain).split() if word not in _FILLERS)
    return tuple(islice(found, MAX_WORDS))


def plain(text: str) -> str:
    """The words of a transcript with single spaces between them."""
    return " ".join(words_of(text))
