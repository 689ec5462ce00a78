"""Where a text may be cut so that a voice can begin before the whole of it is spoken."""

import re

_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+")
_FIRST_CLAUSE = re.compile(r"^(.{12,80}?,)\s+(?=\S{2,})")


def speakable(text: str) -> str:
    """The text without anything that is not spoken: control characters and doubled spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def split_clauses(text: str) -> list[str]:
    """Sentences, the first of which is cut once more at an early comma.

    The first sound of a reply is what the caller waits for; all that follows is synthesised while
    it plays. Joining the parts with a space gives back `speakable` of the text.
    """
    parts = [part for part in _SENTENCE_END.split(speakable(text)) if part]
    if parts and (match := _FIRST_CLAUSE.match(parts[0])):
        parts[:1] = [match.group(1), parts[0][match.end() :]]
    return parts
