"""Hears the test sets through the appliance's own engine and writes down how well.

The sounds without words are also shown to the model without the engine's gates before it.
"""

import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.inference.config import EngineOptions
from appliance.inference.engines.faster_whisper import FasterWhisperRecognizer
from appliance.inference.protocols import Cancellation, Transcription, TranscriptionRequest
from models.training.speech.progress import say
from models.training.speech.testsets import SETS, Speaker, sounds_without_words

FIGURES: Final = "figures.json"
_CLIPS: Final = 200
_PATIENCE_S: Final = 120.0


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """The fewest words to put in, take out or replace to make one of the other."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        above, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (word != other))
    return row[-1]


@dataclass
class Score:
    """Errors counted over a set."""

    words: int = 0
    errors: int = 0
    right: int = 0
    seconds: list[float] = field(default_factory=list)
    wrong: list[tuple[str, str]] = field(default_factory=list)

    def add(self, said: str, heard: str, seconds: float) -> None:
        """Count one utterance."""
        errors = edits(said.split(), heard.split())
        self.words += len(said.split())
        self.errors += errors
        self.right += errors == 0
        self.seconds.append(seconds)
        if errors:
            self.wrong.append((said, heard))

    def figures(self) -> dict[str, float]:
        """What is written down of it."""
        return {
            "utterances": len(self.seconds),
            "words": self.words,
            "word_errors_percent": round(100 * self.errors / self.words, 1),
            "word_for_word_percent": round(100 * self.right / len(self.seconds), 1),
        }


@dataclass
class Sureness:
    """Confidence of words that were heard rightly and wrongly, in sentences of equal length."""

    right: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)

    def add(self, said: str, heard: Transcription) -> None:
        """Note each word's confidence."""
        words, wanted = heard.words, said.split()
        if len(words) != len(wanted):
            return
        for word, want in zip(words, wanted, strict=True):
            (self.right if word.text.strip() == want else self.wrong).append(word.confidence)

    def figures(self) -> dict[str, float]:
        """Mean of each, and where the least sure twentieth of right words begins."""
        return {
            "right_words_mean": round(statistics.fmean(self.right), 2),
            "right_words_5th_percentile": round(float(np.percentile(self.right, 5)), 2),
            "wrong_words_mean": round(statistics.fmean(self.wrong or [0.0]), 2),
        }


class Hearing:
    """The engine with one model, one request at a time."""

    def __init__(self, model: Path) -> None:
        self.engine = FasterWhisperRecognizer(EngineOptions(model=str(model)))
        self.engine.load()

    def __call__(self, samples: npt.NDArray[np.float32]) -> Transcription:
        """What the engine makes of an utterance at 16 kHz."""
        request = TranscriptionRequest(samples)
        return next(
            iter(self.engine.transcribe(request, Cancellation(time.monotonic() + _PATIENCE_S)))
        )


def evaluate(model: Path, each: int, names: str = "") -> dict[str, Any]:
    """Measure a model and write `FIGURES` beside it.

    Args:
        each: utterances in a set.
        names: only sets with this in their name; then nothing is written.
    """
    hearing, speaker, sureness = Hearing(model), Speaker(), Sureness()
    sets: dict[str, dict[str, float]] = {}
    seconds: list[float] = []
    for test in SETS:
        if names not in test.name:
            continue
        score = Score()
        for sample in speaker.samples(test, each):
            began = time.thread_time()
            heard = hearing(sample.samples)
            score.add(sample.text, heard.text, time.thread_time() - began)
            sureness.add(sample.text, heard)
        sets[test.name] = score.figures()
        seconds += score.seconds if test.joined == 1 else []
        say(f"{test.name}: {sets[test.name]} {score.wrong[:4]}")
    figures: dict[str, Any] = {"sets": sets, "confidence": sureness.figures()}
    if not names:
        figures["sounds"] = _sounds(model, hearing)
        figures["median_cpu_s"] = round(statistics.median(seconds), 2)
        figures["megabytes"] = round(_size(model) / 1e6, 1)
        _write(model / FIGURES, figures)
    say(f"confidence: {figures['confidence']}")
    return figures


def _sounds(model: Path, hearing: Hearing) -> dict[str, Any]:
    """Of clips without words, how many gave words: through the engine, and to the model alone."""
    from faster_whisper import WhisperModel

    alone = WhisperModel(str(model), device="cpu", compute_type="int8", cpu_threads=1)
    by_engine: Counter[str] = Counter()
    by_model: Counter[str] = Counter()
    for kind, samples in sounds_without_words(_CLIPS):
        by_engine[kind] += bool(hearing(samples).text)
        by_model[kind] += any(_alone(alone, samples))
    figures = {
        "clips": _CLIPS,
        "with_words_through_engine": by_engine.total(),
        "with_words_without_gates": by_model.total(),
        "kinds_without_gates": {kind: count for kind, count in by_model.items() if count},
    }
    say(f"sounds: {figures}")
    return figures


def _alone(model: Any, samples: npt.NDArray[np.float32]) -> Iterator[str]:
    samples = samples * (0.5 / max(float(np.abs(samples).max()), 1e-4))
    found, _ = model.transcribe(
        samples,
        language="en",
        beam_size=1,
        temperature=0.0,
        condition_on_previous_text=False,
        without_timestamps=True,
        max_new_tokens=63,
    )
    return (segment.text.strip() for segment in found)


def _size(model: Path) -> int:
    return sum(file.stat().st_size for file in model.iterdir() if file.name != FIGURES)


def _write(path: Path, figures: dict[str, Any]) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(figures, indent=2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
