"""Muon: momentum whose matrix is made orthogonal before it is applied.

It needs fewer steps than Adam for the matrices inside a network. Written after K. Jordan's
description of the method (2024): five Newton-Schulz steps with the coefficients he gives.
"""

from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

_STEPS = 5
_A, _B, _C = 3.4445, -4.775, 2.0315
_MOMENTUM = 0.95
_DECAY = 0.05


class Muon:
    """Keeps the momentum of some matrices and moves them by it."""

    def __init__(self, matrices: Sequence[nn.Parameter]) -> None:
        self.momenta = [torch.zeros_like(one) for one in matrices]
        self._matrices = list(matrices)
        self._alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, one in enumerate(matrices):
            self._alike[tuple(one.shape)].append(place)

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every matrix against its gradient; ``rate`` is the share of a unit matrix."""
        for shape, places in self._alike.items():
            moved = torch.stack([self._nudged(place) for place in places])
            scale = rate * max(1.0, shape[0] / shape[1]) ** 0.5
            for place, direction in zip(places, orthogonal(moved), strict=True):
                self._matrices[place].mul_(1 - rate * _DECAY).add_(direction, alpha=-scale)

    def _nudged(self, place: int) -> Tensor:
        gradient = self._matrices[place].grad
        assert gradient is not None
        momentum = self.momenta[place].mul_(_MOMENTUM).add_(gradient, alpha=1 - _MOMENTUM)
        return gradient * (1 - _MOMENTUM) + momentum * _MOMENTUM


def orthogonal(matrices: Tensor) -> Tensor:
    """The nearest ones with all singular values near 1; ``matrices``: many by rows by columns."""
    tall = matrices.shape[1] > matrices.shape[2]
    turned = matrices.transpose(1, 2) if tall else matrices
    turned = turned / (turned.norm(dim=(1, 2), keepdim=True) + 1e-8)
    for _ in range(_STEPS):
        square = turned @ turned.transpose(1, 2)
        turned = _A * turned + (_B * square + _C * square @ square) @ turned
    return turned.transpose(1, 2) if tall else turned
