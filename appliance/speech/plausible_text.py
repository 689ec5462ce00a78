"""What a recogniser may have heard, and what it can only have made up."""

import unicodedata
from itertools import groupby

# Fast speech has some 25 characters a second. The rest is room for numbers written with spaces.
_MOST_CHARACTERS_A_SECOND = 40
_ALWAYS_ALLOWED = 80
# Whisper in a loop repeats a word or a phrase until its window is full. Callers say "no no no no",
# and have telephone numbers with many fives.
_MOST_REPEATS = 6
_MOST_REPEATS_OF_A_WORD = 12
_LONGEST_PHRASE_WORDS = 8
_SPACES = frozenset("\t\n\r\f\v")


def implausible(text: str, sound_s: float) -> str:
    """Why ``text`` cannot be what was said in ``sound_s`` seconds; empty when it can."""
    if len(text) > _ALWAYS_ALLOWED + sound_s * _MOST_CHARACTERS_A_SECOND:
        return f"{len(text)} characters for {sound_s:.1f} s of sound"
    # Cc are controls, Cs halves of surrogate pairs: no recogniser that works writes them.
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text if char not in _SPACES):
        return "it has control characters"
    return "it says one thing over and over" if _loops(text.split()) else ""


def _loops(words: list[str]) -> bool:
    """Whether a phrase of one to eight words comes in a row more often than people say it."""
    for length in range(1, min(_LONGEST_PHRASE_WORDS, len(words) // 2) + 1):
        most = _MOST_REPEATS_OF_A_WORD if length == 1 else _MOST_REPEATS
        # A phrase repeats as long as each word equals the one a phrase's length before it.
        same = [words[at] == words[at - length] for at in range(length, len(words))]
        runs = (sum(1 for _ in run) for equal, run in groupby(same) if equal)
        if length + max(runs, default=0) > most * length:
            return True
    return False
