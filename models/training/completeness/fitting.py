"""Fits the logistic regression: passes over the examples with Adagrad, weights kept small."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from appliance.speech.completeness import CompletenessModel, features
from models.training.completeness.cuts import Cut, cuts
from models.training.files import write_text
from models.training.progress import say
from models.training.sentences import HELD_OUT_NAMES, NAMES

BUCKETS = 1 << 18  # so many that two looks seldom share one
_SEEN_OFTEN = 6  # looks met less often weigh nothing: they would not be met again
_LEAST = 0.1
_SENTENCES = 60_000
_PASSES = 6
_ROWS = 256
_RATE = 0.25
_DECAY = 1e-5
# Of the whole sentences this share must sound finished, and at most that share unfinished.
_HELD_FINISHED = 0.96
_HELD_UNFINISHED = 0.01

Places = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


def fit(into: Path) -> None:
    """Train, choose the bounds, and write the model to ``into``."""
    examples = list(cuts(11, "train", NAMES, _SENTENCES))
    say(f"{len(examples)} texts from {_SENTENCES} sentences")
    weights, bias = _fitted(examples)
    kept = np.flatnonzero(np.abs(weights) >= _LEAST)
    hundredths = {int(place): round(float(weights[place]) * 100) for place in kept}
    whole = CompletenessModel(BUCKETS, hundredths, round(bias * 100), 1, 0)
    # Bounds are chosen on names that the weights never saw, with the wording they did.
    texts = cuts(12, "train", HELD_OUT_NAMES, 6000)
    chances = [whole.chance(cut.words) for cut in texts if cut.finished]
    finished = float(np.quantile(chances, 1 - _HELD_FINISHED))
    unfinished = float(np.quantile(chances, _HELD_UNFINISHED))
    fields = {
        "buckets": BUCKETS,
        "places": list(hundredths),
        "weights": list(hundredths.values()),
        "bias": whole.bias,
        "finished_above": round(finished, 3),
        "unfinished_below": round(min(unfinished, finished), 3),
    }
    write_text(into, json.dumps(fields, separators=(",", ":")) + "\n")
    say(f"{into}: bounds {fields['finished_above']} and {fields['unfinished_below']}")


def _fitted(examples: Sequence[Cut]) -> tuple[Numbers, float]:
    places = np.array([features(cut.words, BUCKETS) for cut in examples])
    often = np.bincount(places.ravel(), minlength=BUCKETS) >= _SEEN_OFTEN
    wanted = np.array([float(cut.finished) for cut in examples])
    rng = np.random.default_rng(7)
    weights, slopes = np.zeros(BUCKETS + 2), np.full(BUCKETS + 2, 1e-3)
    places = np.where(often[places], places, BUCKETS + 1)  # the rare ones share a weight of no use
    places = np.hstack([places, np.full((len(places), 1), BUCKETS)])
    for turn in range(_PASSES):
        order = rng.permutation(len(places))
        loss = sum(_step(weights, slopes, places[rows], wanted[rows]) for rows in _batches(order))
        say(f"pass {turn + 1}: loss {loss / len(places):.4f}")
    return weights[:BUCKETS], float(weights[BUCKETS])


def _batches(order: Places) -> list[Places]:
    return [order[start : start + _ROWS] for start in range(0, len(order), _ROWS)]


def _step(weights: Numbers, slopes: Numbers, places: Places, wanted: Numbers) -> float:
    """One step over some rows, in place; returns their summed loss."""
    scores = weights[places].sum(axis=1)
    chances = 1 / (1 + np.exp(-scores))
    touched, where = np.unique(places, return_inverse=True)
    errors = np.repeat((chances - wanted) / len(wanted), places.shape[1])
    gradient = np.bincount(where.ravel(), errors, len(touched)) + _DECAY * weights[touched]
    slopes[touched] += gradient**2
    weights[touched] -= _RATE * gradient / np.sqrt(slopes[touched])
    weights[-1] = 0.0
    right = np.where(wanted > 0.5, chances, 1 - chances)
    return float(-np.log(np.maximum(right, 1e-12)).sum())
