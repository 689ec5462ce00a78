"""Whisper's architecture in torch, made cheap to train on short speech.

faster-whisper always shows the encoder 30 s worth of frames (3,000), of which a telephone utterance
fills the first few hundred. Here all positions past the longest chunk share one embedding, so that
in training a single position stands for all of them: the logarithm of their number is added to
its attention logits, which is exact.
"""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.speech.features import FRAMES, MELS

POSITIONS: Final = 1500
"""The encoder's, as faster-whisper pads."""
OWN_POSITIONS: Final = FRAMES // 2 + 1
"""Those with an embedding of their own."""
LONGEST_TEXT: Final = 448
_GUIDED_HEADS: Final = 2
_NEVER: Final = -1e9


@dataclass(frozen=True)
class Shape:
    """Sizes of a network."""

    tokens: int
    phones: int
    width: int = 128
    heads: int = 4
    encoder_layers: int = 4
    decoder_layers: int = 2


class Attention(nn.Module):
    """Scaled dot-product attention over several heads; as in Whisper, keys have no bias."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.value, self.out = (nn.Linear(width, width) for _ in range(3))
        self.key = nn.Linear(width, width, bias=False)

    def _parted(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def forward(self, x: Tensor, memory: Tensor, bias: Tensor) -> Tensor:
        """Attend from ``x`` (batch, n, width) to ``memory`` (batch, m, width)."""
        query, key, value = (
            self._parted(part) for part in (self.query(x), self.key(memory), self.value(memory))
        )
        # In 16 bits the gradient of torch's attention takes thrice as long as in 32 on a CPU.
        with torch.autocast("cpu", enabled=False):
            mixed = functional.scaled_dot_product_attention(
                query.float(), key.float(), value.float(), attn_mask=bias
            )
        return self.out(mixed.transpose(1, 2).reshape(x.shape))

    def watched(self, x: Tensor, memory: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """The same, and the guided heads' weights (batch, heads, n, m)."""
        query, key, value = (
            self._parted(part) for part in (self.query(x), self.key(memory), self.value(memory))
        )
        logits = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1]) + bias
        weights = logits.softmax(-1)
        mixed = (weights @ value).transpose(1, 2).reshape(x.shape)
        return self.out(mixed), weights[:, :_GUIDED_HEADS]


class Layer(nn.Module):
    """A transformer layer, normalised before each part; with cross-attention in the decoder."""

    def __init__(self, width: int, heads: int, crossed: bool) -> None:
        super().__init__()
        self.self_norm, self.self_attention = nn.LayerNorm(width), Attention(width, heads)
        if crossed:
            self.cross_norm, self.cross_attention = nn.LayerNorm(width), Attention(width, heads)
        self.feed_norm = nn.LayerNorm(width)
        self.feed_in, self.feed_out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x: Tensor, bias: Tensor) -> Tensor:
        """Self-attention."""
        normal = self.self_norm(x)
        return x + self.self_attention(normal, normal, bias)

    def feed(self, x: Tensor) -> Tensor:
        """The feed-forward part."""
        inner = functional.gelu(self.feed_in(self.feed_norm(x)))
        return x + self.feed_out(inner)


@dataclass(frozen=True)
class Encoded:
    """What the encoder made of a batch.

    Attributes:
        states: (batch, positions, width); the last position stands for all the padding.
        bias: what to add to attention logits over the positions.
        phones: logits (batch, positions, phones), from the layer before the last.
    """

    states: Tensor
    bias: Tensor
    phones: Tensor


class Network(nn.Module):
    """Encoder and decoder, and a head for phones that only training uses."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape, width = shape, shape.width
        self.conv1 = nn.Conv1d(MELS, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.positions = nn.Parameter(_sinusoids(OWN_POSITIONS, width) * 0.3)
        self.padding = nn.Parameter(torch.zeros(width))
        self.encoder = nn.ModuleList(
            Layer(width, shape.heads, False) for _ in range(shape.encoder_layers)
        )
        self.encoder_norm = nn.LayerNorm(width)
        self.embedding = nn.Embedding(shape.tokens, width)
        nn.init.normal_(self.embedding.weight, std=0.05)
        self.text_positions = nn.Parameter(torch.randn(LONGEST_TEXT, width) * 0.02)
        self.decoder = nn.ModuleList(
            Layer(width, shape.heads, True) for _ in range(shape.decoder_layers)
        )
        self.decoder_norm = nn.LayerNorm(width)
        self.phones = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, shape.phones))

    def encode(self, mel: Tensor) -> Encoded:
        """Encode (batch, MELS, frames); at least the last four frames must be padding."""
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(mel)))).transpose(1, 2)
        count = x.shape[1]
        x = x + torch.cat([self.positions[: count - 1], self.padding[None]])
        bias = torch.zeros(1, 1, 1, count)
        bias[..., -1] = math.log(POSITIONS - (count - 1))
        phones = x
        for index, layer in enumerate(self.encoder):
            x = layer.feed(layer.attend(x, bias))
            if index == len(self.encoder) - 2:
                phones = self.phones(x)
        return Encoded(self.encoder_norm(x), bias, phones)

    def decode(self, tokens: Tensor, encoded: Encoded) -> tuple[Tensor, list[Tensor]]:
        """Logits (batch, n, tokens), and the guided heads' weights for each layer."""
        count = tokens.shape[1]
        causal = torch.full((count, count), _NEVER).triu(1)
        x = self.embedding(tokens) + self.text_positions[:count]
        watched = []
        for layer in self.decoder:
            x = layer.attend(x, causal)
            crossed, weights = layer.cross_attention.watched(
                layer.cross_norm(x), encoded.states, encoded.bias
            )
            x = layer.feed(x + crossed)
            watched.append(weights)
        return self.decoder_norm(x) @ self.embedding.weight.T, watched


def _sinusoids(count: int, width: int) -> Tensor:
    rates = torch.exp(-torch.arange(width // 2) * math.log(1e4) / (width // 2 - 1))
    angles = torch.arange(count)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)
