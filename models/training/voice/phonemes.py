"""The voice's symbols: phonemes as Piper makes them of a text, and which of them take time."""

# ruff: noqa: RUF001 -- phonemes look like letters

from collections.abc import Sequence
from typing import Final

from piper.phonemize_espeak import EspeakPhonemizer

ESPEAK_VOICE: Final = "en-us"
PAD, BEGIN, END = "_", "^", "$"
_CLUSTERS: Final = (
    "aɪ", "aʊ", "ɔɪ", "eɪ", "oʊ", "tʃ", "dʒ", "iː", "uː", "ɑː", "ɔː", "ɜː", "oː", "n̩",
)  # fmt: skip
CLUSTERS: Final = frozenset(tuple(cluster) for cluster in _CLUSTERS)
"""Characters that espeak-ng writes side by side for one phoneme."""
PAUSES: Final = (BEGIN, END, " ", ",", ".", "?", "!", ";", ":")
"""Symbols that may be silence, and mostly are nothing."""
MARKS: Final = ("ˈ", "ˌ", "ː", "ʲ", "̩", "̃", "'", "-")
"""Symbols that only say how their neighbours sound."""
PHONEMES: Final = (
    *_CLUSTERS, *"abdefhijklmnopstuvwxz", *"æðŋɐɑɒɔəɚɛɜɡɪɫɹɾʃʊʌʒʔθᵻ",
)  # fmt: skip
SYMBOLS: Final = (PAD, *PAUSES, *MARKS, *PHONEMES)
IDS: Final = {symbol: number for number, symbol in enumerate(SYMBOLS)}


class Phonemizer:
    """Piper's own way from a text to phonemes."""

    def __init__(self) -> None:
        self._espeak = EspeakPhonemizer()

    def sentence(self, text: str) -> list[str]:
        """The symbols of one sentence, from `BEGIN` to `END`.

        Raises:
            ValueError: when the text is more or less than one sentence, or has a symbol that the
                voice lacks.
        """
        sentences = self._espeak.phonemize(ESPEAK_VOICE, text, set(CLUSTERS))
        if len(sentences) != 1:
            raise ValueError(f"{text!r} is {len(sentences)} sentences to espeak-ng")
        unknown = set(sentences[0]) - set(SYMBOLS)
        if unknown:
            raise ValueError(f"{text!r} has symbols that the voice lacks: {sorted(unknown)}")
        return [BEGIN, *sentences[0], END]


def takes_time(symbol: str) -> bool:
    """Whether a symbol may last."""
    return symbol in PAUSES or is_sound(symbol)


def is_sound(symbol: str) -> bool:
    """Whether a symbol always lasts."""
    return symbol in PHONEMES


def ids(symbols: Sequence[str]) -> list[int]:
    """Their numbers in the voice."""
    return [IDS[symbol] for symbol in symbols]
