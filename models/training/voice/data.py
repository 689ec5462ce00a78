"""Makes the training data: each text's symbols, how long each lasts, and the frames."""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.training.files import write_with
from models.training.progress import say
from models.training.voice.acoustics import Frames
from models.training.voice.alignment import durations
from models.training.voice.clustergen import Clustergen
from models.training.voice.phonemes import Phonemizer, ids
from models.training.voice.sentences import texts

_LEAST_ALIKE: Final = 0.06
"""Of unlikeness per sound: over it, both said something else (one text in twenty)."""
_LONGEST_FRAMES: Final = 1600


@dataclass(frozen=True, slots=True)
class Example:
    """A text as symbols, each symbol's frames, and all frames, shape (n, features)."""

    ids: npt.NDArray[np.int64]
    durations: npt.NDArray[np.int64]
    frames: Frames


class Maker:
    """Makes examples of texts."""

    def __init__(self) -> None:
        self._phonemizer, self._clustergen = Phonemizer(), Clustergen()

    def example(self, text: str) -> tuple[Example, float]:
        """A text as an example, and how unlike its two pronunciations are.

        Raises:
            ValueError: when the text is not one that both synthesizers say.
        """
        symbols = self._phonemizer.sentence(text)
        described = self._clustergen.describe(text)
        lasting, unlikeness = durations(symbols, described.phones)
        # The last phone's end may lie between two frames.
        frames = described.frames[: sum(lasting)]
        lasting[-1] -= sum(lasting) - len(frames)
        return Example(np.array(ids(symbols)), np.array(lasting), frames), unlikeness


def make(path: Path, count: int) -> None:
    """Write ``count`` examples into one file, drawn from a seed of its own."""
    maker, found, left_out = Maker(), [], 0
    for text in texts(random.Random(2203)):
        try:
            example, unlikeness = maker.example(text)
        except ValueError as error:
            say(error)
            continue
        if unlikeness > _LEAST_ALIKE or len(example.frames) > _LONGEST_FRAMES:
            left_out += 1
            continue
        found.append(example)
        if len(found) % 500 == 0:
            say(f"{len(found)} examples, {left_out} left out")
        if len(found) == count:
            break
    write_with(path, lambda draft: _write(draft, found))


def _write(path: Path, examples: list[Example]) -> None:
    with path.open("wb") as file:
        np.savez(
            file,
            symbols=np.array([len(example.ids) for example in examples]),
            ids=np.concatenate([example.ids for example in examples]),
            durations=np.concatenate([example.durations for example in examples]),
            frames=np.concatenate([example.frames for example in examples]).astype(np.float16),
        )


def read(path: Path) -> list[Example]:
    """What `make` wrote."""
    with np.load(path) as file:
        symbols, ids_, lasting = file["symbols"], file["ids"], file["durations"]
        frames = file["frames"].astype(np.float32)
    edges = np.concatenate(([0], np.cumsum(symbols)))
    at = np.concatenate(([0], np.cumsum(lasting)))[edges]
    return [
        Example(ids_[a:b], lasting[a:b], frames[i:j])
        for a, b, i, j in zip(edges[:-1], edges[1:], at[:-1], at[1:], strict=True)
    ]
