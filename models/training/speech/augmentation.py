"""Makes an example anew each time it is trained on, on its frames alone.

Frames are log10 power until the end, so that noise is added as power, as on a line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from models.training.speech.features import MELS, Frames, scaled
from models.training.speech.shards import NO_PHONE, Example

Phones = npt.NDArray[np.int64]
_NOTHING: Final = -10.0
_AT = np.arange(MELS, dtype=np.float32)
# Slaney's mel scale, which Whisper's is: even up to 1 kHz, then by octaves.
_MELS_TO_1_KHZ: Final = 15.0
_MELS_A_FACTOR: Final = 27.0 / np.log(6.4)
_BANDS_A_MEL: Final = (MELS + 1) / (_MELS_TO_1_KHZ + _MELS_A_FACTOR * np.log(8.0))


@dataclass(frozen=True, slots=True)
class Heard:
    """An example as it is shown to the network; `Example`'s fields, with words as a list."""

    words: list[str]
    frames: Frames
    phones: Phones
    spans: list[tuple[int, float, float]]
    rms: float
    voice: str


def plain(example: Example) -> Heard:
    """An example as it is."""
    said = example.utterance
    return Heard(
        said.text.split(),
        example.frames.astype(np.float32),
        example.phones.astype(np.int64),
        list(said.words),
        said.rms,
        said.voice,
    )


def cut(heard: Heard, random: np.random.Generator) -> Heard:
    """Only some of the words that follow each other, as when speech is cut to pieces."""
    starts = {index: start for index, start, _ in reversed(heard.spans)}
    count = len(heard.words)
    if count < 3 or len(starts) != count:
        return heard
    first = int(random.integers(0, count - 1))
    last = int(random.integers(first + 1, count + 1))
    begin = 0 if first == 0 else int(starts[first])
    end = len(heard.frames) if last == count else int(starts[last]) + 1
    if end - begin < 8:
        return heard
    return Heard(
        heard.words[first:last],
        heard.frames[begin:end],
        heard.phones[begin:end],
        [(i - first, a - begin, b - begin) for i, a, b in heard.spans if first <= i < last],
        heard.rms,
        heard.voice,
    )


def joined(first: Heard, second: Heard, pause: int) -> Heard:
    """Two utterances with a pause of that many frames between them."""
    shift = len(first.frames) + pause
    gap = np.full((pause, MELS), _NOTHING, np.float32)
    silent = np.full(pause, NO_PHONE)
    words = len(first.words)
    return Heard(
        first.words + second.words,
        np.concatenate([first.frames, gap, second.frames]),
        np.concatenate([first.phones, silent, second.phones]),
        first.spans + [(i + words, a + shift, b + shift) for i, a, b in second.spans],
        max(first.rms, second.rms),
        first.voice,
    )


def placed(heard: Heard, random: np.random.Generator, longest: int) -> Heard:
    """With silence before and after it, as far as ``longest`` frames allow."""
    room = max(0, longest - len(heard.frames))
    before = min(room // 2, int(random.integers(0, 24)))
    after = min(room - before, int(random.integers(0, 24)))
    return Heard(
        heard.words,
        np.pad(heard.frames, ((before, after), (0, 0)), constant_values=_NOTHING),
        np.pad(heard.phones, (before, after), constant_values=NO_PHONE),
        [(i, a + before, b + before) for i, a, b in heard.spans],
        heard.rms,
        heard.voice,
    )


def at_tempo(heard: Heard, tempo: float) -> Heard:
    """Slower (``tempo`` under 1) or faster, at the same pitch."""
    count = len(heard.frames)
    at = np.minimum(np.arange(0, count - 1, tempo), count - 1.001)
    low = at.astype(int)
    weight = (at - low)[:, None].astype(np.float32)
    return Heard(
        heard.words,
        heard.frames[low] * (1 - weight) + heard.frames[low + 1] * weight,
        heard.phones[low],
        [(i, a / tempo, b / tempo) for i, a, b in heard.spans],
        heard.rms,
        heard.voice,
    )


def _hertz(band: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    mel = (band + 1) / _BANDS_A_MEL
    above = 1000 * np.exp(np.maximum(mel - _MELS_TO_1_KHZ, 0) / _MELS_A_FACTOR)
    return np.asarray(np.where(mel < _MELS_TO_1_KHZ, mel * 1000 / _MELS_TO_1_KHZ, above))


def _band(hertz: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    above = _MELS_TO_1_KHZ + _MELS_A_FACTOR * np.log(np.maximum(hertz, 1000) / 1000)
    mel = np.where(hertz < 1000, hertz * _MELS_TO_1_KHZ / 1000, above)
    return np.asarray(mel * _BANDS_A_MEL - 1)


def revoiced(frames: Frames, random: np.random.Generator) -> Frames:
    """Through another vocal tract (bands moved) and another microphone (bands weighted)."""
    if random.random() < 0.8:
        longer = random.uniform(-0.12, 0.12) + random.uniform(-0.05, 0.05) * (_AT / MELS - 0.5)
        to = np.clip(_band(_hertz(_AT) * (1 + longer)), 0, MELS - 1.001)
        low = to.astype(int)
        weight = (to - low).astype(np.float32)
        frames = frames[:, low] * (1 - weight) + frames[:, low + 1] * weight
    if random.random() < 0.7:
        tilt = random.uniform(-0.45, 0.45) * np.linspace(-1, 1, MELS)
        bend = random.uniform(-0.25, 0.25) * np.cos(
            np.pi * (random.uniform(0.5, 4) * _AT / MELS + random.uniform(0, 2))
        )
        frames = frames + (tilt + bend).astype(np.float32)
    return frames


def with_noise(frames: Frames, noise: Frames, power: float) -> Frames:
    """``noise`` of unit power from a random place of it, added at log10 ``power``."""
    return np.asarray(np.log10(np.power(10.0, frames) + np.power(10.0, noise + power)), np.float32)


def masked(frames: Frames, random: np.random.Generator) -> Frames:
    """With some bands and some moments blotted out (SpecAugment)."""
    frames, mean = frames.copy(), frames.mean()
    for _ in range(random.integers(0, 3)):
        width = int(random.integers(1, 14))
        first = int(random.integers(0, MELS - width))
        frames[:, first : first + width] = mean
    for _ in range(random.integers(0, 3)):
        width = int(random.integers(1, 8))
        first = int(random.integers(0, max(1, len(frames) - width)))
        frames[first : first + width] = mean
    return frames


class Augmentation:
    """Draws what is done to each example.

    Args:
        noises: frames of noise of unit power, of the longest chunk's length at least; the first
            of them is the hiss that the engine adds.
    """

    def __init__(self, noises: list[Frames], random: np.random.Generator) -> None:
        self._noises, self._random = noises, random

    def __call__(self, example: Example, longest: int, others: Sequence[Example] = ()) -> Heard:
        """An example as it sounds this time, in ``longest`` frames; then ``others`` that fit."""
        draw = self._random
        heard = plain(example)
        if not heard.words and len(heard.frames) > longest:
            heard = replace(heard, frames=heard.frames[:longest], phones=heard.phones[:longest])
        for other in others:
            pause = max(0, int(draw.integers(-15, 40)))
            if len(heard.frames) + pause + len(other.frames) <= longest:
                heard = joined(heard, plain(other), pause)
        if draw.random() < 0.15:
            heard = cut(heard, draw)
        if draw.random() < 0.4 and len(heard.frames) > 8:
            heard = at_tempo(heard, max(draw.uniform(0.88, 1.15), len(heard.frames) / longest))
        heard = placed(heard, draw, longest)
        frames = self._noisy(revoiced(heard.frames, draw), heard.rms)
        frames = masked(scaled(frames + draw.uniform(-0.4, 0.3)), draw)
        return Heard(heard.words, frames, heard.phones, heard.spans, heard.rms, heard.voice)

    def _noisy(self, frames: Frames, rms: float) -> Frames:
        draw = self._random
        level = 2 * np.log10(max(rms, 1e-5))
        found = with_noise(frames, self._noise(0, len(frames)), level - draw.uniform(3.5, 5.0))
        if draw.random() < 0.75:
            which = int(draw.integers(len(self._noises)))
            found = with_noise(
                found, self._noise(which, len(frames)), level - draw.uniform(0.3, 3.0)
            )
        return found

    def _noise(self, which: int, count: int) -> Frames:
        noise = self._noises[which]
        first = int(self._random.integers(0, max(1, len(noise) - count)))
        return noise[first : first + count]
