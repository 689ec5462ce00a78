"""Hears the test sets through the appliance's own engine and writes down how well.

The sounds without words are also shown to the model without the engine's gates before it.
"""

import hashlib
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from appliance.inference.config import EngineOptions
from appliance.inference.engines.faster_whisper import FasterWhisperRecognizer
from appliance.inference.protocols import Cancellation, Transcription, TranscriptionRequest
from models.training.speech.progress import say
from models.training.speech.testsets import SETS, Sample, Speaker, sounds_without_words

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
    """What is counted over a set.

    Attributes:
        seconds: of processor time for each utterance.
        sure, unsure: confidence of each word heard rightly and wrongly, in utterances of which as
            many words were heard as were said.
    """

    words: int = 0
    errors: int = 0
    right: int = 0
    seconds: list[float] = field(default_factory=list)
    sure: list[float] = field(default_factory=list)
    unsure: list[float] = field(default_factory=list)

    def add(
        self,
        said: Sequence[str],
        heard: Sequence[str],
        confidences: Sequence[float],
        spent_s: float,
    ) -> None:
        """Count one utterance; ``confidences`` are of the words that were heard."""
        errors = edits(said, heard)
        self.words += len(said)
        self.errors += errors
        self.right += errors == 0
        self.seconds.append(round(spent_s, 3))
        if len(said) == len(heard) == len(confidences):
            for want, word, confidence in zip(said, heard, confidences, strict=True):
                (self.sure if word == want else self.unsure).append(round(confidence, 3))

    def figures(self) -> dict[str, float]:
        """What is written down of it."""
        return {
            "utterances": len(self.seconds),
            "words": self.words,
            "word_errors_percent": round(100 * self.errors / self.words, 1),
            "word_for_word_percent": round(100 * self.right / len(self.seconds), 1),
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


def evaluate(model: Path, each: int, work: Path, names: str = "") -> None:
    """Measure a model; when every set has been measured, write `FIGURES` beside it.

    What is done is kept in ``work``, so that a run that was cut short is gone on with. It begins
    anew for another model.

    Args:
        each: utterances in a set.
        work: file for what has been measured so far.
        names: only sets with this in their name.
    """
    hearing, speaker = Hearing(model), Speaker()
    checksum = hashlib.sha256((model / "model.bin").read_bytes()).hexdigest()
    done = _done(work, checksum)
    if "sounds" not in done and not names:
        done["sounds"] = _sounds(model, hearing)
        _write(work, done)
    for test in SETS:
        if names in test.name and test.name not in done["sets"]:
            score, wrong = _scored(hearing, speaker.samples(test, each))
            done["sets"][test.name] = asdict(score)
            _write(work, done)
            say(f"{test.name}: {score.figures()} {wrong[:4]}")
    if "sounds" in done and all(test.name in done["sets"] for test in SETS):
        _write(model / FIGURES, _figures(model, done))


def _scored(hearing: Hearing, samples: Iterator[Sample]) -> tuple[Score, list[str]]:
    score, wrong = Score(), []
    for sample in samples:
        began = time.process_time()
        heard = hearing(sample.samples)
        spent = time.process_time() - began
        confidences = [word.confidence for word in heard.words]
        score.add(sample.text.split(), heard.text.split(), confidences, spent)
        if heard.text != sample.text:
            wrong.append(f"{sample.text} -> {heard.text}")
    return score, wrong


def _done(work: Path, checksum: str) -> dict[str, Any]:
    if work.exists():
        done: dict[str, Any] = json.loads(work.read_text(encoding="utf-8"))
        if done["model"] == checksum:
            return done
    return {"model": checksum, "sets": {}}


def _figures(model: Path, done: dict[str, Any]) -> dict[str, Any]:
    scores = [Score(**done["sets"][test.name]) for test in SETS]
    sure = [c for score in scores for c in score.sure]
    unsure = [c for score in scores for c in score.unsure]
    short = [score for score, test in zip(scores, SETS, strict=True) if test.joined == 1]
    return {
        "sets": {t.name: s.figures() for t, s in zip(SETS, scores, strict=True)},
        "sounds": done["sounds"],
        "confidence": {
            "right_words_mean": round(statistics.fmean(sure), 2),
            "right_words_5th_percentile": round(float(np.percentile(sure, 5)), 2),
            "wrong_words_mean": round(statistics.fmean(unsure or [0.0]), 2),
        },
        "median_cpu_s": round(statistics.median(t for s in short for t in s.seconds), 2),
        "megabytes": round(_size(model) / 1e6, 1),
    }


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
