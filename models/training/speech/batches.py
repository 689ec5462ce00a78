"""Batches: examples of similar length, augmented, padded, with everything the losses need."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from models.training.speech.augmentation import Augmentation, Heard
from models.training.speech.features import FRAMES, MELS, Frames
from models.training.speech.shards import Example
from models.training.speech.tokens import Tokens

IGNORED: Final = -100
_PADDING: Final = 4
LONGEST: Final = FRAMES - _PADDING
"""Frames of one example; what is left is padding, which the last position stands for."""
_SIZES: Final = tuple(range(100, FRAMES + 1, 50))
_FRAMES_A_BATCH: Final = 5000
_ROOM: Final = 26
_JOINED: Final = 0.2
"""Share of batches of several utterances in a row."""


@dataclass(frozen=True)
class Batch:
    """What one step is trained on.

    Attributes:
        mel: (batch, MELS, frames).
        phones: (batch, positions), IGNORED where none is known.
        is_flite: (batch,), which synthesizer's phones they are.
        tokens, targets: (batch, n), what the decoder is given and what it should answer.
        guide: (batch, n, positions), 1 where a token's word sounds.
    """

    mel: Tensor
    phones: Tensor
    is_flite: Tensor
    tokens: Tensor
    targets: Tensor
    guide: Tensor


class Batches:
    """Draws batches without end.

    Args:
        speech: examples with words.
        sounds: examples without; they are about one in fifteen.
        noises: what is mixed in, see `Augmentation`.
    """

    def __init__(
        self, speech: list[Example], sounds: list[Example], noises: list[Frames], seed: int
    ) -> None:
        self._speech, self._sounds = speech, sounds
        self._random = np.random.default_rng(seed)
        self._augmentation = Augmentation(noises, self._random)
        self._tokens = Tokens()
        self._words = list(self._tokens.words.values())
        number = self._tokens.number
        self._start = [number("startoftranscript"), number("notimestamps")]
        self._end, self._no_speech = number("endoftext"), number("nospeech")

    def __iter__(self) -> Iterator[Batch]:
        while True:
            yield from self._epoch()

    def _epoch(self) -> Iterator[Batch]:
        """Each utterance once. Those in one batch are of one length, to waste no padding."""
        order = self._random.permutation(len(self._speech))
        for part in np.array_split(order, max(1, len(order) // 1200)):
            found: list[list[int]] = []
            frames = 0
            for index in sorted(part.tolist(), key=lambda i: len(self._speech[i].frames)):
                length = len(self._speech[index].frames)
                if not found or (len(found[-1]) + 1) * (length + 30) > _FRAMES_A_BATCH:
                    found.append([])
                found[-1].append(index)
                frames += length
            for chosen in self._random.permutation(len(found)):
                yield self._batch(found[chosen])

    def _batch(self, indices: Sequence[int]) -> Batch:
        draw = self._random
        # Several in one: for pauses inside, for more words, and for the later positions. All of a
        # batch or none, as one long example makes every other as long with padding.
        if draw.random() < _JOINED:
            longest = LONGEST
            rows = max(1, _FRAMES_A_BATCH // (LONGEST + _PADDING))
            heard = [self._joined(index) for index in indices[:rows]]
        else:
            room = max(len(self._speech[index].frames) for index in indices) + _ROOM
            longest = min(LONGEST, -(-room // 50) * 50 - _PADDING)
            heard = [self._augmentation(self._speech[index], longest) for index in indices]
        for _ in range(1 + (len(indices) > 15) if draw.random() < 0.75 else 0):
            sound = self._sounds[int(draw.integers(len(self._sounds)))]
            heard.append(self._augmentation(sound, longest))
        return self._padded(heard)

    def _joined(self, first: int) -> Heard:
        """An utterance and others of its synthesizer: a row of a batch has the phones of one."""
        one = self._speech[first]
        drawn = [self._speech[i] for i in self._random.integers(len(self._speech), size=8)]
        same = [other for other in drawn if other.utterance.voice[:2] == one.utterance.voice[:2]]
        return self._augmentation(one, LONGEST, same)

    def _padded(self, heard: Sequence[Heard]) -> Batch:
        longest = max(len(one.frames) for one in heard)
        fitting = [size for size in _SIZES if size >= longest + _PADDING]
        size = fitting[0] if self._random.random() < 0.9 else int(self._random.choice(fitting))
        positions = size // 2
        length = max(len(one.words) for one in heard) + 3
        mel = np.zeros((len(heard), MELS, size), np.float32)
        phones = np.full((len(heard), positions), IGNORED)
        tokens = np.full((len(heard), length), self._end)
        targets = np.full((len(heard), length), IGNORED)
        guide = np.zeros((len(heard), length, positions), np.float32)
        for row, one in enumerate(heard):
            count = len(one.frames)
            mel[row, :, :count] = one.frames.T
            known = one.phones[::2][:positions]
            phones[row, : len(known)] = np.where(known < 0, IGNORED, known)
            said, wanted = self._texts(one)
            tokens[row, : len(said)] = said
            targets[row, : len(wanted)] = wanted
            for word, first, last in one.spans:
                begin, end = max(0, int(first / 2) - 1), int(last / 2 + 1.5)
                guide[row, word + 1, begin:end] = 1
        return Batch(
            torch.from_numpy(mel), torch.from_numpy(phones),
            torch.tensor([one.voice.startswith("f:") for one in heard], dtype=torch.long),
            torch.from_numpy(tokens), torch.from_numpy(targets), torch.from_numpy(guide),
        )  # fmt: skip

    def _texts(self, heard: Heard) -> tuple[list[int], list[int]]:
        """What the decoder is given, some words wrong as by its own mistakes, and is asked."""
        if not heard.words:
            return self._start, [self._no_speech, self._end]
        words = [self._tokens.words[word] for word in heard.words]
        wrong = self._random.random(len(words)) < 0.1
        given = [
            int(self._random.choice(self._words)) if is_wrong else word
            for word, is_wrong in zip(words, wrong, strict=True)
        ]
        return [*self._start, *given], [self._start[1], *words, self._end]
