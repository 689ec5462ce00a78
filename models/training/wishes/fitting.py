"""Fits the regression and the network to the same turns, and writes both as one model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from appliance.decisions.wishes import WISHES, Numbers, softmax
from models.training.files import write_with
from models.training.progress import say
from models.training.sentences import NAMES
from models.training.wishes.examples import Example, examples
from models.training.wishes.network import Network, fitted_network

BUCKETS = 1 << 20
_PARTS = ("exp3", "exp4", "exp5", "exp6")  # seeds: a part can be made by a process of its own
_TURNS_A_PART = 120_000
_PASSES = 3
_SEEN_OFTEN = 8  # what was met less often weighs nothing
_SEEN_BY_NETWORK = 24  # and nothing to the network below this, which keeps the file small
_RATE = 0.6
_LARGEST = 127

Places = npt.NDArray[np.int64]


def fit(into: Path) -> None:
    """Train and write the model to ``into``."""
    turns = [
        turn for seed in _PARTS for turn in examples(seed, "train", NAMES, _TURNS_A_PART, BUCKETS)
    ]
    say(f"{len(turns)} turns")
    met = np.zeros(BUCKETS, dtype=np.int64)
    for places, _ in turns:
        met[places] += 1
    regression = _fitted_regression(turns, met >= _SEEN_OFTEN)
    networked = np.flatnonzero(met >= _SEEN_BY_NETWORK)
    _write(into, regression, fitted_network(turns, networked, BUCKETS), networked)


def _write(into: Path, regression: Numbers, network: Network, networked: Places) -> None:
    """Write both in 8 bits; ``regression`` is buckets by `WISHES`."""
    units = np.zeros((BUCKETS, network.inputs.shape[1]))
    units[networked] = network.inputs
    scales = [float(np.abs(weights).max()) / _LARGEST for weights in (regression, units)]
    small = np.rint(np.hstack([regression / scales[0], units / scales[1]])).astype(np.int8)
    worth = np.flatnonzero(small.any(axis=1))

    def write(draft: Path) -> None:
        with draft.open("wb") as file:
            np.savez_compressed(
                file, buckets=BUCKETS, places=worth.astype(np.int32), weights=small[worth],
                scales=scales, outputs=network.outputs.astype(np.float32),
            )  # fmt: skip

    write_with(into, write)
    say(f"{into}: {len(worth)} places, {into.stat().st_size / 1e3:.0f} kB")


def _fitted_regression(turns: Sequence[Example], often: npt.NDArray[np.bool_]) -> Numbers:
    known = [(places[often[places]], wish) for places, wish in turns]
    weights, slopes = np.zeros((BUCKETS, len(WISHES))), np.full(BUCKETS, 1e-3)
    rng = np.random.default_rng(7)
    for turn in range(_PASSES):
        loss = 0.0
        for number in rng.permutation(len(known)):
            loss += _step(weights, slopes, *known[number])
        say(f"regression, pass {turn + 1}: loss {loss / len(known):.4f}")
    return weights


def _step(weights: Numbers, slopes: Numbers, places: npt.NDArray[np.int32], wish: int) -> float:
    """One step over one turn, in place; returns its loss."""
    chances = softmax(weights[places].sum(axis=0))
    loss = -float(np.log(max(chances[wish], 1e-12)))
    chances[wish] -= 1
    slopes[places] += float((chances**2).sum())
    share = _RATE / (np.sqrt(slopes[places]) * max(1, len(places)) ** 0.5)
    weights[places] -= share[:, None] * chances
    return loss
