"""Phonemes to frames: how long each symbol lasts, and what is heard while it does.

The decoder works in steps of two frames. Convolutions are written as products of what lies side by
side, which is quick on one core and leaves a graph of few kinds of nodes.
"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from models.training.voice.acoustics import FEATURES
from models.training.voice.phonemes import SYMBOLS, is_sound, takes_time

STEP: Final = 2
"""Frames in a step of the decoder."""
_WIDTH: Final = 128
_PLACE: Final = 4


class Block(nn.Module):
    """A residual convolution over three places, ``dilation`` apart."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.norm = nn.LayerNorm(width)
        self.mix = nn.Linear(3 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` of shape (batch, length, width); ``mask`` is 0 where there is nothing."""
        y = self.norm(x) * mask
        by = self.dilation
        before = functional.pad(y, (0, 0, by, 0))[:, : y.shape[1]]
        after = functional.pad(y, (0, 0, 0, by))[:, by:]
        return x + functional.gelu(self.mix(torch.cat((before, y, after), 2)))


class Voice(nn.Module):
    """The network. Its outputs are normalised with the data's means and deviations."""

    mean: Tensor
    deviation: Tensor
    sounds: Tensor
    lasting: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(SYMBOLS), _WIDTH)
        self.encoder = nn.ModuleList(Block(_WIDTH, by) for by in (1, 2, 4))
        self.whole = nn.GRU(_WIDTH, _WIDTH // 2, batch_first=True, bidirectional=True)
        self.length = nn.Sequential(
            nn.LayerNorm(_WIDTH), nn.Linear(_WIDTH, _WIDTH), nn.GELU(), nn.Linear(_WIDTH, 1)
        )
        self.begin = nn.Linear(_WIDTH + _PLACE, _WIDTH)
        self.decoder = nn.ModuleList(Block(_WIDTH, by) for by in (1, 2, 4, 8, 1, 2, 4, 1))
        self.end = nn.Sequential(nn.LayerNorm(_WIDTH), nn.Linear(_WIDTH, STEP * FEATURES))
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("deviation", torch.ones(FEATURES))
        self.register_buffer("sounds", torch.tensor([float(is_sound(s)) for s in SYMBOLS]))
        self.register_buffer("lasting", torch.tensor([float(takes_time(s)) for s in SYMBOLS]))

    def encoded(self, ids: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Symbols in their sentence, and the logarithm of each one's frames and one more.

        Args:
            ids: shape (batch, symbols).
            lengths: symbols of each sentence; None when there is but one.
        """
        x = self.embedding(ids)
        mask = _mask(lengths, ids.shape[1]) if lengths is not None else torch.ones_like(x[..., :1])
        for block in self.encoder:
            x = block(x, mask)
        if lengths is None:
            whole, _ = self.whole(x)
        else:
            packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            whole, _ = pad_packed_sequence(self.whole(packed)[0], batch_first=True)
        x = x + whole
        return x, self.length(x).squeeze(-1)

    def decoded(self, symbols: Tensor, place: Tensor, mask: Tensor) -> Tensor:
        """Normalised frames, shape (batch, steps * `STEP`, features).

        Args:
            symbols: what `encoded` gave, for each step, shape (batch, steps, width).
            place: what `places` gave for each step.
            mask: 0 where there is nothing, shape (batch, steps, 1).
        """
        x = self.begin(torch.cat((symbols, place), 2))
        for block in self.decoder:
            x = block(x, mask)
        found: Tensor = self.end(x)
        return found.reshape(found.shape[0], -1, FEATURES)

    def frames_of(self, ids: Tensor, length: Tensor, scale: Tensor) -> Tensor:
        """Whole frames that the symbols last, shape (symbols,), where the length head says so."""
        lasting = ((length.exp() - 1) * scale).round()
        return torch.maximum(lasting, self.sounds[ids]) * self.lasting[ids]


def places(frames: Tensor, at: Tensor, of: Tensor) -> Tensor:
    """Where steps are in their symbols, shape (steps, 4).

    Args:
        frames: that each symbol lasts, shape (symbols,).
        at: first frame of each step.
        of: the symbol that each step is in.
    """
    ends = torch.cumsum(frames, 0)
    lasting = frames[of]
    left = ends[of] - at
    gone = lasting - left
    return torch.stack(
        (gone / lasting.clamp(min=1.0), (1 + lasting).log() / 4, gone / 20, left / 20), 1
    )


def symbols_at(frames: Tensor, at: Tensor) -> Tensor:
    """Which symbol sounds at each of the frames ``at``."""
    ends = torch.cumsum(frames, 0)
    over = (at[:, None] >= ends[None, :]).to(torch.int64).sum(1)
    return over.clamp(max=frames.shape[0] - 1)


def _mask(lengths: Tensor, longest: int) -> Tensor:
    return (torch.arange(longest)[None, :] < lengths[:, None]).float()[..., None]
