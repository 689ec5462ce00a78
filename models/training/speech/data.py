"""Makes the training data: sentences spoken, sent down a line, and turned into frames."""

import random
import time
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.training.speech import lexicon, sounds
from models.training.speech.espeak import Espeak
from models.training.speech.features import FRAME_S, log_mel
from models.training.speech.flite import Flite
from models.training.speech.progress import say
from models.training.speech.shards import Shard, Utterance
from models.training.speech.speaking import Speech
from models.training.speech.telephone import (
    LINE_HZ,
    Signal,
    banded,
    companded,
    heard,
    noise,
    reverberated,
    to_line,
)
from models.training.speech.utterances import training_utterance

PEAK: Final = 0.5
"""Of the samples before their frames are taken; the appliance's engine scales to the same."""
LONGEST_S: Final = 7.6

_ACCENTS: Final = {
    "en-us": 0.34, "en": 0.14, "en-gb-x-rp": 0.14, "en-gb-scotland": 0.12, "en-gb-x-gbclan": 0.13,
    "en-us-nyc": 0.07, "en-029": 0.06,
}  # fmt: skip
_VARIANTS: Final = lexicon.words_of(
    """
    m1 m2 m3 m4 m6 m7 m8 f1 f2 f4 f5 Alex Alicia Andrea Andy Annie AnxiousAndy Denis Diogo Gene
    Gene2 Henrique Hugo Jacky Lee Marco Mario Michael Mike Nguyen RicishayMax RicishayMax2
    RicishayMax3 Storm adam anika announcer antonio aunty belinda benjamin boris caleb david ed
    edward edward2 grandma grandpa gustave iven iven2 iven3 iven4 john kaukovalta klatt klatt2
    klatt3 klatt4 klatt5 klatt6 linda marcelo max michel miguel norbert pablo paul pedro quincy
    rob robert sandro shelby steph steph2 steph3 travis victor zac
    """
)
_FLITE: Final = {"slt": 0.28, "awb": 0.30, "kal16": 0.30, "kal": 0.12}
_SPEEDS: Final = (0.86, 1.18)
_NOISES: Final = 160


class Maker:
    """Speaks and records utterances, all drawn from one seed.

    The voices of `testsets.UNSEEN` are not among those it uses.
    """

    def __init__(self, seed: int) -> None:
        self._espeak, self._flite = Espeak(), Flite()
        self._choice = random.Random(seed)
        self._random = np.random.default_rng(seed)

    def add_speech(self, shard: Shard, synthesizer: str) -> None:
        """Add one utterance said by "e" (espeak-ng) or "f" (flite)."""
        while True:
            text = training_utterance(self._choice)
            speed = self._random.uniform(*_SPEEDS)
            speech, voice = self._said(text, synthesizer, speed)
            if len(speech.samples) / speech.rate_hz / speed <= LONGEST_S:
                break
        samples = self._on_the_line(to_line(speech.samples, speech.rate_hz, speed))
        frames = log_mel(samples)
        words = tuple(
            (index, start / speed / FRAME_S, end / speed / FRAME_S)
            for index, start, end in speech.words
        )
        shard.add(
            Utterance(text, f"{synthesizer}:{voice}", loudness(samples), words),
            frames,
            _phones_by_frame(speech, speed, len(frames)),
        )

    def _said(self, text: str, synthesizer: str, speed: float) -> tuple[Speech, str]:
        words, choice = lexicon.spoken_words(text.split()), self._choice
        if synthesizer == "e":
            accent = choice.choices(list(_ACCENTS), list(_ACCENTS.values()))[0]
            variant = choice.choice(_VARIANTS) if choice.random() < 0.88 else ""
            voice = f"{accent}+{variant}" if variant else accent
            rate = round(choice.uniform(130, 195) / speed)
            pitch, spread = choice.randint(15, 85), choice.randint(15, 85)
            return self._espeak.speak(words, voice, rate, pitch, spread), voice
        voice = choice.choices(list(_FLITE), list(_FLITE.values()))[0]
        own = {"slt": 172, "awb": 128, "kal16": 100, "kal": 100}[voice]
        pitch_hz = own * choice.uniform(0.7, 1.45) / speed
        stretch = choice.uniform(0.85, 1.25) * speed
        return self._flite.speak(words, voice, stretch, pitch_hz), voice

    def _on_the_line(self, line: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        draw = self._random
        if draw.random() < 0.2:
            line = reverberated(line, draw.uniform(0.1, 0.5), 10 ** draw.uniform(0.2, 1.5))
        line = line / (np.abs(line).max() + 1e-9) * 10 ** draw.uniform(-1.3, -0.05)
        if draw.random() < 0.08:
            line = np.clip(line * draw.uniform(2, 6), -0.9, 0.9)
        if draw.random() < 0.6:
            line = banded(line, draw.uniform(100, 350), draw.uniform(2800, 3800))
        for _ in range(1 + (draw.random() < 0.2)):
            line = companded(line)
        return at_peak(heard(line))

    def add_sound(self, shard: Shard) -> None:
        """Add a clip without speech."""
        kind = self._choice.choice(list(sounds.MAKERS))
        seconds = self._choice.uniform(0.4, 6.0)
        samples = at_peak(heard(sounds.clip(self._random, kind, seconds)))
        frames = log_mel(samples)
        shard.add(Utterance("", f"sound:{kind}", loudness(samples)), frames, [None] * len(frames))

    def add_noise(self, shard: Shard) -> None:
        """Add noise to be mixed in, of unit power: the engine's own hiss, a line's, or voices."""
        kind, count = self._random.random(), 9 * LINE_HZ
        if len(shard) == 0 or kind < 0.15:
            samples = self._random.standard_normal(2 * count).astype(np.float32)
        else:
            line = noise(self._random, count) if kind < 0.65 else self._babble(count)
            samples = heard(line * 0.1) * 10
        frames = log_mel(samples)
        shard.add(Utterance("", "noise", 1.0), frames, [None] * len(frames))

    def _babble(self, count: int) -> Signal:
        """Several others who speak at once."""
        mixed = np.zeros(count)
        for _ in range(self._choice.randint(3, 8)):
            own = np.zeros(0)
            while len(own) < count:
                speech, _ = self._said(training_utterance(self._choice), "ef"[len(own) % 2], 1.0)
                own = np.append(own, to_line(speech.samples, speech.rate_hz))
            mixed += own[:count] / np.std(own[:count]) * 10 ** self._random.uniform(-0.4, 0)
        return mixed / np.std(mixed)


def at_peak(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Scaled to `PEAK`."""
    return samples * np.float32(PEAK / max(float(np.abs(samples).max()), 1e-4))


def loudness(samples: npt.NDArray[np.float32]) -> float:
    """Root mean square of the samples."""
    return float(np.sqrt(np.mean(np.square(samples))))


def _phones_by_frame(speech: Speech, speed: float, count: int) -> list[str | None]:
    found: list[str | None] = [None] * count
    for span in speech.phones:
        first = round(span.start_s / speed / FRAME_S)
        last = min(count, round(span.end_s / speed / FRAME_S))
        found[first:last] = [span.label] * max(0, last - first)
    return found


def make(directory: Path, shards: int, each: int) -> None:
    """Write the shards that are not there yet; say how far it is on standard error.

    Args:
        directory: where they go; made if it is not there.
        shards: how many; the first also makes what is no speech.
        each: utterances in one, half of them espeak-ng's and half flite's.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if not (directory / "sounds.npz").exists():
        maker, quiet, mixed = Maker(99), Shard(), Shard()
        for _ in range(1500):
            maker.add_sound(quiet)
        for _ in range(_NOISES):
            maker.add_noise(mixed)
        mixed.save(directory / "noises.npz")
        quiet.save(directory / "sounds.npz")
    for number in range(shards):
        path = directory / f"speech-{number:03d}.npz"
        if path.exists():
            continue
        began, maker, shard = time.monotonic(), Maker(1000 + number), Shard()
        for at in range(each):
            maker.add_speech(shard, "ef"[at % 2])
        shard.save(path)
        took = time.monotonic() - began
        say(f"{path.name}: {each} utterances in {took:.0f} s")
