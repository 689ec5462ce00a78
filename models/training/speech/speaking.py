"""What a synthesizer hands over: the sound, and when each phone and each word is in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in seconds. ``label`` is a phone's name, or the word's index as text."""

    start_s: float
    end_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Speech:
    """A spoken utterance.

    Attributes:
        samples: mono, -1 to 1, shape (n,).
        rate_hz: samples per second.
        phones: in order and without gaps; labels begin with the synthesizer's letter, "e:" or "f:".
        words: (index into the words that were asked for, start in s, end in s).
    """

    samples: npt.NDArray[np.float32]
    rate_hz: int
    phones: tuple[Span, ...]
    words: tuple[tuple[int, float, float], ...]

    @property
    def voiced(self) -> tuple[float, float]:
        """Where the first phone begins and the last one ends, in seconds."""
        sounding = [span for span in self.phones if not is_pause(span.label)]
        return sounding[0].start_s, sounding[-1].end_s


def is_pause(label: str) -> bool:
    """Whether a phone's label is silence."""
    return label[2:].startswith("_") or label[2:] == "pau"


def written(spoken: Sequence[str]) -> tuple[str, list[int]]:
    """The text for a synthesizer, and for each of its space-separated tokens the word it is of."""
    tokens = [(token, index) for index, word in enumerate(spoken) for token in word.split()]
    return " ".join(token for token, _ in tokens), [index for _, index in tokens]
