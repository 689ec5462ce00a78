"""Letters that callers spell: "j o h n", "j for juliet", "juliet oscar hotel november"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# ICAO's alphabet, with the spellings that recognisers write.
_ALPHABET = {
    "alpha": "a", "alfa": "a", "bravo": "b", "charlie": "c", "delta": "d", "echo": "e",
    "foxtrot": "f", "golf": "g", "hotel": "h", "india": "i", "juliet": "j", "juliett": "j",
    "kilo": "k", "lima": "l", "mike": "m", "november": "n", "oscar": "o", "papa": "p",
    "quebec": "q", "romeo": "r", "sierra": "s", "tango": "t", "uniform": "u", "victor": "v",
    "whiskey": "w", "whisky": "w", "x-ray": "x", "xray": "x", "yankee": "y", "zulu": "z",
}  # fmt: skip
# Letters as words that are nothing else. "be", "see", "are", "you" and "why" are.
_NAMED = {
    "bee": "b", "cee": "c", "dee": "d", "ef": "f", "gee": "g", "aitch": "h", "haitch": "h",
    "jay": "j", "kay": "k", "el": "l", "em": "m", "en": "n", "pee": "p", "cue": "q", "ar": "r",
    "ess": "s", "tee": "t", "vee": "v", "ex": "x", "wye": "y", "zee": "z", "zed": "z",
}  # fmt: skip
_LIKE = frozenset(("for", "as", "like"))
_TIMES = {"double": 2, "triple": 3, "treble": 3}
# Of single letters in a row, so many are a spelling; of words, which mean something by themselves,
# more ("hotel india" may be one).
_FEWEST_LETTERS = 2
_FEWEST_WORDS = 3
_PUNCTUATION = re.compile(r"[.,;:!?\"]+")
_HYPHENED = re.compile(r"\b\w(?:-\w)+\b")


@dataclass(frozen=True, slots=True)
class LetterRun:
    """Letters said in one go: words ``start`` up to ``end`` of the utterance spell ``letters``."""

    start: int
    end: int
    letters: str


def letter_runs(words: Sequence[str]) -> list[LetterRun]:
    """Every spelling in an utterance; the words are in lower case, without punctuation.

    A lone letter is none. "a" and "i" begin one only where two more letters follow: "i b m", but
    "that is a b". A letter that is told by a word ("j for juliet") always counts.
    """
    runs = []
    at = 0
    while at < len(words):
        run = _run(words, at)
        if run is not None:
            runs.append(run)
        at = run.end if run is not None else at + 1
    return runs


def with_letters_joined(text: str) -> str:
    """The text with every spelling as one word in capitals; without one, the text as it is."""
    apart = _HYPHENED.sub(lambda match: match.group().replace("-", " "), text)
    written = apart.split()
    runs = letter_runs([_PUNCTUATION.sub("", word).lower() for word in written])
    if not runs:
        return text
    out: list[str] = []
    at = 0
    for run in runs:
        last = _PUNCTUATION.search(written[run.end - 1])
        end = last.group() if last and last.end() == len(written[run.end - 1]) else ""
        out += [*written[at : run.start], run.letters.upper() + end]
        at = run.end
    return " ".join([*out, *written[at:]])


def _run(words: Sequence[str], start: int) -> LetterRun | None:
    at, letters, told, singles = start, "", False, 0
    while at < len(words):
        taken, piece, how = _piece(words, at)
        if not taken or (at == start and words[at] in ("a", "i") and not _goes_on(words, at + 1)):
            break
        told = told or how == "told"
        singles += how == "single"
        letters, at = letters + piece, at + taken
    enough = _FEWEST_LETTERS if singles else _FEWEST_WORDS
    if not letters or (not told and len(letters) < enough):
        return None
    return LetterRun(start, at, letters)


def _goes_on(words: Sequence[str], at: int) -> bool:
    """Whether a letter told by a word, or two letters, follow."""
    taken, _, how = _piece(words, at) if at < len(words) else (0, "", "")
    if words[at : at + 1] and words[at] in _LIKE:
        return bool(_piece(words, at - 1)[2] == "told")
    return bool(taken) and (
        how == "told" or bool(at + taken < len(words) and _piece(words, at + taken)[0])
    )


def _piece(words: Sequence[str], at: int) -> tuple[int, str, str]:
    """How many words at ``at`` are a letter, which, and how it is said; 0 when they are none."""
    word = words[at]
    following = list(words[at + 1 : at + 4])
    if word in _TIMES and following and (letter := _letter(following[0])):
        return 2, letter * _TIMES[word], "single"
    letter = _letter(word)
    if letter and following[:1] and following[0] in _LIKE:
        names = following[2:3] if following[0] == "as" and following[1:2] == ["in"] else None
        example = (names if names is not None else following[1:2]) or [""]
        if len(example[0]) > 1 and example[0].startswith(letter):
            return (4 if names is not None else 3), letter, "told"
    if letter:
        return 1, letter, "single" if len(word) == 1 else "named"
    return 0, "", ""


def _letter(word: str) -> str:
    if len(word) == 1 and word.isascii() and word.isalpha():
        return word
    return _ALPHABET.get(word) or _NAMED.get(word) or ""
