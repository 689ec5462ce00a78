"""Which of flite's phones each of espeak-ng's phonemes is, so that it lasts as long as they do.

The two have other dictionaries. What they agree on is found as one finds the least number of edits
between two words; phones that only flite has lengthen the phoneme beside them.
"""

# ruff: noqa: RUF001 -- phonemes look like letters

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from models.training.speech.lexicon import words_of
from models.training.speech.speaking import Span
from models.training.voice.acoustics import HOP, RATE_HZ
from models.training.voice.phonemes import PAUSES, is_sound, takes_time

_SAME: Final = {
    "aɪ": "ay", "aʊ": "aw", "ɔɪ": "oy", "eɪ": "ey", "oʊ": "ow", "tʃ": "ch", "dʒ": "jh", "iː": "iy",
    "uː": "uw", "ɑː": "aa", "ɔː": "ao aa", "ɜː": "er", "oː": "ao ow", "n̩": "n", "a": "aa ae",
    "b": "b", "d": "d", "e": "eh ey", "f": "f", "h": "hh", "i": "iy ih", "j": "y", "k": "k",
    "l": "l", "m": "m", "n": "n", "o": "ow ao", "p": "p", "s": "s", "t": "t", "u": "uw uh",
    "v": "v", "w": "w", "x": "k", "z": "z", "æ": "ae", "ð": "dh", "ŋ": "ng", "ɐ": "ax ah",
    "ɑ": "aa", "ɒ": "aa ao", "ɔ": "ao", "ə": "ax ah ih", "ɚ": "er", "ɛ": "eh", "ɜ": "er ah",
    "ɡ": "g", "ɪ": "ih", "ɫ": "l", "ɹ": "r", "ɾ": "t d", "ʃ": "sh", "ʊ": "uh", "ʌ": "ah ax",
    "ʒ": "zh", "ʔ": "t", "θ": "th", "ᵻ": "ih ax",
}  # fmt: skip
_VOWELS: Final = words_of("aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw")
_KINDS: Final = (
    _VOWELS,
    words_of("p t k b d g ch jh dh th"),
    words_of("s z sh zh f v th dh hh ch jh"),
    words_of("m n ng"),
    words_of("l r w y er"),
)
_SILENCE: Final = "pau"
_NEAR, _CONSONANTS, _FAR = 0.4, 0.8, 1.2
_SKIPPED = 0.7
_NEVER = 100.0


def unlikeness(symbol: str, phone: str) -> float:
    """0 where a symbol and a phone of flite's are the same sound, over 1 where they cannot be."""
    if symbol in PAUSES or phone == _SILENCE:
        return 0.0 if symbol in PAUSES and phone == _SILENCE else _NEVER
    same = _SAME[symbol].split()
    if phone in same:
        return 0.0
    if any(phone in kind and same[0] in kind for kind in _KINDS):
        return _NEAR
    return _FAR if (phone in _VOWELS) != (same[0] in _VOWELS) else _CONSONANTS


def durations(symbols: Sequence[str], phones: Sequence[Span]) -> tuple[list[int], float]:
    """How many frames each symbol lasts, and how little both agree, per sound.

    The frames are those of all phones together. What only marks another symbol lasts none.
    """
    lasting = [at for at, symbol in enumerate(symbols) if takes_time(symbol)]
    owners, cost = _matched([symbols[at] for at in lasting], [span.label for span in phones])
    ends = [round(span.end_s * RATE_HZ / HOP) for span in phones]
    frames = [0] * len(symbols)
    for owner, (start, end) in zip(owners, pairwise([0, *ends]), strict=True):
        frames[lasting[owner]] += end - start
    return frames, cost / max(1, sum(is_sound(symbol) for symbol in symbols))


def _matched(symbols: Sequence[str], phones: Sequence[str]) -> tuple[list[int], float]:
    """For each phone the symbol that it belongs to, and what that costs in all."""
    height, width = len(symbols), len(phones)
    # best[i][j]: the first i symbols are the first j phones; by which step that was reached.
    best = [[_NEVER * (height + width)] * (width + 1) for _ in range(height + 1)]
    steps = [[""] * (width + 1) for _ in range(height + 1)]
    best[0][0] = 0.0
    for i in range(height + 1):
        for j in range(width + 1):
            for cost, step in _ways(best, symbols, phones, i, j):
                if cost < best[i][j]:
                    best[i][j], steps[i][j] = cost, step
    owners: list[int] = []
    i, j = height, width
    while i or j:
        step = steps[i][j]
        if step != "symbol":
            owners.append(max(0, i - 1))
            j -= 1
        if step != "phone":
            i -= 1
    return owners[::-1], best[height][width]


def _ways(
    best: Sequence[Sequence[float]], symbols: Sequence[str], phones: Sequence[str], i: int, j: int
) -> list[tuple[float, str]]:
    """What it costs to come to (i, j): by both, by a silent symbol, by a phone of flite's alone."""
    ways = []
    if i and j:
        ways.append((best[i - 1][j - 1] + unlikeness(symbols[i - 1], phones[j - 1]), "both"))
    if i:
        # Pauses that are none cost next to nothing; flite pauses at commas rather than at spaces.
        pause = 0.0 if symbols[i - 1] == " " else 0.1
        skipped = pause if symbols[i - 1] in PAUSES else _SKIPPED
        ways.append((best[i - 1][j] + skipped, "symbol"))
    if i and j:
        alike = (phones[j - 1] == _SILENCE) == (symbols[i - 1] in PAUSES)
        ways.append((best[i][j - 1] + (_SKIPPED if alike else _NEVER), "phone"))
    return ways
