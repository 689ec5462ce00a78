"""Fits the softmax regression: passes over the turns with Adagrad, one turn at a time."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from appliance.decisions.wishes import WISHES
from models.training.files import write_with
from models.training.progress import say
from models.training.sentences import NAMES
from models.training.wishes.examples import Example, examples

BUCKETS = 1 << 20
_PARTS = ("exp3", "exp4", "exp5", "exp6")  # seeds: a part can be made by a process of its own
_TURNS_A_PART = 120_000
_PASSES = 3
_SEEN_OFTEN = 8  # what was met less often weighs nothing
_RATE = 0.6
_LARGEST = 127

Numbers = npt.NDArray[np.float64]


def fit(into: Path) -> None:
    """Train and write the model to ``into``."""
    turns = [
        turn for seed in _PARTS for turn in examples(seed, "train", NAMES, _TURNS_A_PART, BUCKETS)
    ]
    say(f"{len(turns)} turns")
    weights, kept = _fitted(turns)
    scale = float(np.abs(weights[kept]).max()) / _LARGEST
    small = np.rint(weights[kept] / scale).astype(np.int8)
    worth = np.flatnonzero(np.abs(small).max(axis=1) > 0)

    def write(draft: Path) -> None:
        with draft.open("wb") as file:
            np.savez_compressed(
                file, buckets=BUCKETS, places=kept[worth].astype(np.int32), weights=small[worth],
                scale=scale,
            )  # fmt: skip

    write_with(into, write)
    say(f"{into}: {len(worth)} places, {into.stat().st_size / 1e3:.0f} kB")


def _fitted(turns: Sequence[Example]) -> tuple[Numbers, npt.NDArray[np.int64]]:
    met = np.zeros(BUCKETS, dtype=np.int64)
    for places, _ in turns:
        met[places] += 1
    often = met >= _SEEN_OFTEN
    known = [(places[often[places]], wish) for places, wish in turns]
    weights, slopes = np.zeros((BUCKETS, len(WISHES))), np.full(BUCKETS, 1e-3)
    rng = np.random.default_rng(7)
    for turn in range(_PASSES):
        loss = 0.0
        for number in rng.permutation(len(known)):
            loss += _step(weights, slopes, *known[number])
        say(f"pass {turn + 1}: loss {loss / len(known):.4f}")
    return weights, np.flatnonzero(often)


def _step(weights: Numbers, slopes: Numbers, places: npt.NDArray[np.int32], wish: int) -> float:
    """One step over one turn, in place; returns its loss."""
    scores = weights[places].sum(axis=0)
    chances = np.exp(scores - scores.max())
    chances /= chances.sum()
    loss = -float(np.log(max(chances[wish], 1e-12)))
    chances[wish] -= 1
    slopes[places] += float((chances**2).sum())
    share = _RATE / (np.sqrt(slopes[places]) * max(1, len(places)) ** 0.5)
    weights[places] -= share[:, None] * chances
    return loss
