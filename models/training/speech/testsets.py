"""What the model is measured on, and never trained on: other sentences, and other voices as well.

Every set is drawn from a seed of its own, so that two models are measured on the same audio.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from models.training.speech import lexicon, sounds, utterances
from models.training.speech.espeak import Espeak
from models.training.speech.flite import Flite
from models.training.speech.speaking import Speech
from models.training.speech.telephone import (
    LINE_HZ,
    Signal,
    banded,
    companded,
    heard,
    noise,
    to_line,
)

UNSEEN: Final = ("e:en-us+m5", "e:en-us+f3", "e:en-gb-x-gbcwmd", "f:rms")
"""Voices that no training sample was made with: two of espeak-ng's variants, an accent, a voice."""
SEEN_ESPEAK: Final = ("e:en-us", "e:en-us+f2", "e:en-us+m3")
SEEN_FLITE: Final = ("f:slt", "f:awb", "f:kal16")
_QUIET_DB, _NOISY_DB = 30.0, 10.0

Texts = Callable[[random.Random, int], list[str]]


@dataclass(frozen=True, slots=True)
class Sample:
    """An utterance as a recogniser is given it (16 kHz), and what was said; empty for no speech."""

    text: str
    samples: npt.NDArray[np.float32]


@dataclass(frozen=True)
class TestSet:
    """A named set.

    Attributes:
        voices: "e:" for espeak-ng or "f:" for flite, and the voice; taken in turn.
        texts: makes that many texts.
        snr_db: level of the speech over the line's noise.
        joined: sentences in one utterance.
        pause_s: between them, and before and after.
    """

    name: str
    voices: tuple[str, ...]
    texts: Texts
    snr_db: float = _QUIET_DB
    joined: int = 1
    pause_s: float = 0.4


def _held_out(kind: Callable[[random.Random], str]) -> Texts:
    return partial(utterances.held_out, kind)


def _new_wording(random_: random.Random, count: int) -> list[str]:
    """Sentences of templates that training never sees, whatever their words' order."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[utterances.receptionist_sentence(random_, "held-out")] = None
    return list(found)


def _scenarios(_: random.Random, count: int) -> list[str]:
    return list(utterances.scenario_sentences())[:count]


def _rows(random_: random.Random) -> str:
    return " ".join(random_.choices(lexicon.DIGITS[:10], k=random_.randint(3, 10)))


_SENTENCES, _ROWS = _held_out(utterances.sentence), _held_out(_rows)
SETS: Final = (
    *(TestSet(f"sentences {v}", (v,), _SENTENCES) for v in (*SEEN_ESPEAK, *SEEN_FLITE, *UNSEEN)),
    TestSet("10 dB noise, espeak-ng", SEEN_ESPEAK, _SENTENCES, _NOISY_DB),
    TestSet("10 dB noise, flite", SEEN_FLITE, _SENTENCES, _NOISY_DB),
    TestSet("digits, espeak-ng", (*SEEN_ESPEAK, "e:en-us+m5", "e:en-us+f3"), _ROWS),
    TestSet("digits, flite", SEEN_FLITE, _ROWS),
    TestSet("digits f:rms", ("f:rms",), _ROWS),
    TestSet("new wording, espeak-ng", (*SEEN_ESPEAK, "e:en-us+m5", "e:en-us+f3"), _new_wording),
    TestSet("new wording, flite", SEEN_FLITE, _new_wording),
    TestSet("spelled, espeak-ng", SEEN_ESPEAK, _held_out(utterances.spelled)),
    TestSet("seven sentences, espeak-ng", SEEN_ESPEAK, _SENTENCES, joined=7),
    TestSet("seven sentences, flite", SEEN_FLITE, _SENTENCES, joined=7),
    TestSet("seven without pauses, espeak-ng", SEEN_ESPEAK, _SENTENCES, joined=7, pause_s=0.0),
    TestSet("scenarios, espeak-ng", SEEN_ESPEAK, _scenarios),
)


class Speaker:
    """Says test sentences and sends them down the line."""

    def __init__(self) -> None:
        self._espeak, self._flite = Espeak(), Flite()

    def samples(self, test: TestSet, count: int) -> Iterator[Sample]:
        """A set's utterances; joined ones are fewer, as each holds several."""
        draw = np.random.default_rng(len(test.name) + 7)
        # The same sentences for every voice, so that figures differ by the voice alone.
        texts = test.texts(random.Random(4711), count)
        groups = [texts[at : at + test.joined] for at in range(0, len(texts), test.joined)]
        for at, group in enumerate(groups):
            voice = test.voices[at % len(test.voices)]
            yield Sample(" ".join(group), self._said(test, group, voice, draw))

    def _said(
        self, test: TestSet, texts: list[str], voice: str, draw: np.random.Generator
    ) -> npt.NDArray[np.float32]:
        gap = np.zeros(int(test.pause_s * LINE_HZ))
        parts = [gap]
        for text in texts:
            speech = self._spoken(text, voice, draw)
            parts += [to_line(speech.samples, speech.rate_hz), gap]
        return _sent(np.concatenate(parts), draw, test.snr_db)

    def _spoken(self, text: str, voice: str, draw: np.random.Generator) -> Speech:
        words = lexicon.spoken_words(text.split())
        if voice.startswith("f:"):
            return self._flite.speak(words, voice[2:], float(draw.uniform(0.95, 1.15)))
        rate = int(draw.integers(150, 180))
        return self._espeak.speak(words, voice[2:], rate, int(draw.integers(40, 60)))


def _sent(line: Signal, draw: np.random.Generator, snr_db: float) -> npt.NDArray[np.float32]:
    line = banded(line / (np.abs(line).max() + 1e-9) * 10 ** draw.uniform(-0.8, -0.3), 300, 3400)
    loud = np.sqrt(np.mean(np.square(line[np.abs(line) > 0.02])))
    line = line + noise(draw, len(line)) * loud * 10 ** (-snr_db / 20)
    return heard(companded(line))


def sounds_without_words(count: int) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """Clips of silence, noise, tones, keys, ringing and hold music, each with its kind."""
    draw = np.random.default_rng(2024)
    kinds = list(sounds.MAKERS)
    for at in range(count):
        kind = kinds[at % len(kinds)]
        yield kind, heard(sounds.clip(draw, kind, float(draw.uniform(1.0, 6.0))))
