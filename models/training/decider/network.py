"""The decider's network: the llama architecture, small enough to be read in one sitting.

Rotary positions turn neighbouring pairs of numbers, which is what llama.cpp does to a ``llama``
model, so that no weight has to be rearranged when it is exported.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.decider.tokens import FRAGMENTS, MARKS, Vocabulary

CONTEXT = 1024
EPSILON = 1e-5
ROPE_BASE = 10000.0
BLOCK_NAMES = {
    "attn_norm": "attention_norm",
    "ffn_norm": "feed_norm",
    "attn_q": "query",
    "attn_k": "key",
    "attn_v": "value",
    "attn_output": "output",
    "ffn_gate": "gate",
    "ffn_up": "up",
    "ffn_down": "down",
}
"""llama.cpp's names for the weights of a block, and ours."""


@dataclass(frozen=True)
class Shape:
    """How large the network is; ``width`` must be a multiple of ``heads`` and of 32."""

    width: int = 128
    layers: int = 4
    heads: int = 4
    feed_forward: int = 384


class _Norm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, states: Tensor) -> Tensor:
        return functional.rms_norm(states, (states.shape[-1],), self.weight, EPSILON)


class Block(nn.Module):
    """Attention and a gated feed-forward layer, each added to what comes in."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width, inner = shape.width, shape.feed_forward
        self.heads = shape.heads
        self.attention_norm, self.feed_norm = _Norm(width), _Norm(width)
        self.query, self.key = _matrix(width, width), _matrix(width, width)
        self.value, self.output = _matrix(width, width), _matrix(width, width, 0.2)
        self.gate, self.up = _matrix(width, inner), _matrix(width, inner)
        self.down = _matrix(inner, width, 0.2)

    def forward(self, states: Tensor, cosine: Tensor, sine: Tensor, mask: Tensor) -> Tensor:
        """``states``: batch, time, width; ``mask``: batch, 1, time, time, true where seen."""
        normed = self.attention_norm(states)
        query = _rotated(self._split(self.query(normed)), cosine, sine)
        key = _rotated(self._split(self.key(normed)), cosine, sine)
        value = self._split(self.value(normed))
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        states = states + self.output(attended.transpose(1, 2).reshape(states.shape))
        normed = self.feed_norm(states)
        return states + self.down(functional.silu(self.gate(normed)) * self.up(normed))

    def _split(self, states: Tensor) -> Tensor:
        batch, time, width = states.shape
        return states.view(batch, time, self.heads, width // self.heads).transpose(1, 2)


class Decider(nn.Module):
    """Token ids to states, and the table that turns states into scores of tokens."""

    def __init__(self, shape: Shape, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.shape = shape
        width = shape.width
        self.pieces = nn.Parameter(torch.randn(len(vocabulary.pieces), width) * 0.05)
        self.marks = nn.Parameter(torch.randn(len(MARKS) + len(FRAGMENTS), width) * 0.05)
        self.space = nn.Parameter(torch.randn(width) * 0.05)
        self.register_buffer("spaced", torch.tensor(vocabulary.spaced))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = _Norm(width)
        head = width // shape.heads
        speeds = 1.0 / ROPE_BASE ** (torch.arange(0, head, 2).float() / head)
        angles = torch.outer(torch.arange(CONTEXT).float(), speeds)
        self.register_buffer("cosine", angles.cos())
        self.register_buffer("sine", angles.sin())

    def table(self) -> Tensor:
        """Token vectors, tokens by width: a piece after a space is the piece plus one vector."""
        after_space = self.pieces[self.spaced] + self.space
        return torch.cat((self.pieces, after_space, self.marks))

    def forward(self, ids: Tensor, positions: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States (batch, time, width) before the scores, and the table to score them with."""
        table = self.table()
        cosine, sine = self.cosine[positions][:, None], self.sine[positions][:, None]
        states = table[ids]
        for block in self.blocks:
            states = block(states, cosine, sine, mask)
        return self.norm(states), table

    def matrices(self) -> list[nn.Parameter]:
        """The weights inside the blocks that are matrices."""
        return [one for one in self.blocks.parameters() if one.ndim == 2]


def _matrix(inputs: int, outputs: int, scale: float = 0.5) -> nn.Linear:
    layer = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(layer.weight, std=scale / inputs**0.5)
    return layer


def _rotated(states: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    even, odd = states[..., 0::2], states[..., 1::2]
    turned = torch.stack((even * cosine - odd * sine, even * sine + odd * cosine), -1)
    return turned.flatten(-2)
