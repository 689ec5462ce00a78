"""Fits the network beside the regression: one hidden layer, Adagrad, one turn at a time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from appliance.decisions.wishes import WISHES, Numbers, softmax
from models.training.progress import say
from models.training.wishes.examples import Example

UNITS = 24
_PASSES = 4
_RATE = 0.6  # of the first pass; of pass n, this by 1 + (n - 1) / 2
_OUTPUT_RATE = 0.3  # of the rate
_DROPPED = 0.1  # the share of units that a turn does without
_DOUBT = 0.1  # is spread over all wishes, so that no unit grows without end
_AIMS = (1 - _DOUBT) * np.eye(len(WISHES)) + _DOUBT / len(WISHES)


class Network:
    """What is learnt.

    Attributes:
        inputs: places by units.
        outputs: units by `WISHES`.
    """

    def __init__(self, places: int, rng: np.random.Generator) -> None:
        """Start from small random weights for so many places."""
        self.inputs: Numbers = rng.normal(0, 0.1, (places, UNITS))
        self.outputs: Numbers = rng.normal(0, 0.3, (UNITS, len(WISHES)))
        self._input_slopes = np.full(places, 1e-3)
        self._output_slopes = np.full(self.outputs.shape, 0.1)
        self._rng = rng

    def learn(self, rows: npt.NDArray[np.int64], looks: int, wish: int, rate: float) -> float:
        """One step over one turn; returns its loss.

        Args:
            rows: the rows of ``inputs`` that the turn's looks have.
            looks: how many looks it has in all.
            wish: its number in `WISHES`.
        """
        share = 1 / np.sqrt(looks)
        sums = self.inputs[rows].sum(axis=0) * share
        awake = ((sums > 0) & (self._rng.random(UNITS) >= _DROPPED)) / (1 - _DROPPED)
        hidden = sums * awake
        chances = softmax(hidden @ self.outputs)
        missed = chances - _AIMS[wish]
        back = (self.outputs @ missed) * awake * share
        slopes = np.outer(hidden, missed)
        self._output_slopes += slopes**2
        self.outputs -= rate * _OUTPUT_RATE * slopes / np.sqrt(self._output_slopes)
        self._input_slopes[rows] += float(back @ back)
        self.inputs[rows] -= (rate / np.sqrt(self._input_slopes[rows]))[:, None] * back
        return -float(np.log(max(chances[wish], 1e-12)))


def fitted_network(
    turns: Sequence[Example], places: npt.NDArray[np.int64], buckets: int
) -> Network:
    """A network over ``places``, ascending, of ``buckets``."""
    rows = np.full(buckets, -1)
    rows[places] = np.arange(len(places))
    rng = np.random.default_rng(1)
    network = Network(len(places), rng)
    for turn in range(_PASSES):
        loss = 0.0
        for number in rng.permutation(len(turns)):
            looks, wish = turns[number]
            known = rows[looks]
            loss += network.learn(known[known >= 0], len(looks), wish, _RATE / (1 + turn / 2))
        say(f"network, pass {turn + 1}: loss {loss / len(turns):.4f}")
    return network
