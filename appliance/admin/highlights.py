"""Words that a search found, marked without markup: pieces of text, of which some were found.

PostgreSQL puts marks around what it found. They are characters for private use that are taken out
of the text beforehand, so whoever says or writes them marks nothing; templates escape every piece.
"""

from typing import NamedTuple

START = "\ue000"
STOP = "\ue001"


class Piece(NamedTuple):
    """Text, and whether it was searched for."""

    text: str
    found: bool


def marked(headline: str) -> tuple[Piece, ...]:
    """The pieces of a headline with marks; a mark without its other half does nothing."""
    pieces: list[Piece] = []
    for place, part in enumerate(headline.split(START)):
        found, mark, rest = part.partition(STOP)
        if place == 0 or not mark:
            pieces.append(Piece(part.replace(STOP, ""), False))
        else:
            pieces += (Piece(found, True), Piece(rest.replace(STOP, ""), False))
    return tuple(piece for piece in pieces if piece.text)
