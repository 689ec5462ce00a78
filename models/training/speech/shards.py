"""Training data on disk: numbered files of some thousand utterances each, frames end to end."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.training.speech.features import Frames

NO_PHONE = -1


@dataclass(frozen=True, slots=True)
class Utterance:
    """What is known of one utterance; an empty text says that it holds no speech.

    Attributes:
        text: its words.
        voice: "e:" or "f:" and the synthesizer's voice, or "sound:" and its kind.
        rms: root mean square of its samples where they are loud; their peak is `data.PEAK`.
        words: (index into the text's words, first frame, last frame) for each word that the
            synthesizer gave the time of.
    """

    text: str
    voice: str
    rms: float
    words: tuple[tuple[int, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """An utterance with its frames (`features.log_mel`) and the phone sounding in each frame."""

    utterance: Utterance
    frames: npt.NDArray[np.float16]
    phones: npt.NDArray[np.int16]


class Shard:
    """Collects examples; `save` writes them in one step, so that a file is whole or not there."""

    def __init__(self) -> None:
        self._utterances: list[Utterance] = []
        self._frames: list[npt.NDArray[np.float16]] = []
        self._phones: list[npt.NDArray[np.int16]] = []
        self._names: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._utterances)

    def add(self, utterance: Utterance, frames: Frames, phones: Sequence[str | None]) -> None:
        """Add an utterance; ``phones`` has a name or None for each frame."""
        numbers = [
            NO_PHONE if name is None else self._names.setdefault(name, len(self._names))
            for name in phones
        ]
        self._utterances.append(utterance)
        self._frames.append(frames.astype(np.float16))
        self._phones.append(np.array(numbers, np.int16))

    def save(self, path: Path) -> None:
        """Write all."""
        facts = {"phones": list(self._names), "utterances": [asdict(u) for u in self._utterances]}
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(
                file,
                facts=np.frombuffer(json.dumps(facts).encode(), np.uint8),
                lengths=np.array([len(f) for f in self._frames], np.int32),
                frames=np.concatenate(self._frames),
                phones=np.concatenate(self._phones),
            )
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)


def load(paths: Sequence[Path]) -> tuple[list[Example], list[str]]:
    """All examples of some shards, their phones numbered alike, and the phones' names."""
    names: dict[str, int] = {}
    examples: list[Example] = []
    for path in paths:
        examples.extend(_examples(path, names))
    return examples, list(names)


def _examples(path: Path, names: dict[str, int]) -> Iterator[Example]:
    with np.load(path) as shard:
        facts = json.loads(shard["facts"].tobytes())
        own = [names.setdefault(name, len(names)) for name in facts["phones"]]
        phones = np.array([*own, NO_PHONE], np.int16)[shard["phones"]]
        frames, ends = shard["frames"], np.cumsum(shard["lengths"])
    for facts_, length, end in zip(
        facts["utterances"], np.diff(ends, prepend=0), ends, strict=True
    ):
        words = tuple((int(i), float(a), float(b)) for i, a, b in facts_.pop("words"))
        part = slice(end - length, end)
        yield Example(Utterance(**facts_, words=words), frames[part], phones[part])
