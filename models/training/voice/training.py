"""Trains the network on one core, by processor time, and keeps what it has on disk."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from models.training.files import write_with
from models.training.progress import say
from models.training.voice.acoustics import CEPSTRA, PITCH, VOICED
from models.training.voice.data import Example, read
from models.training.voice.network import STEP, Voice, places, symbols_at

_BATCH_FRAMES: Final = 6000
_RATE: Final = 3e-3
_WARM_STEPS: Final = 100
KEPT_FROM_TRAINING: Final = 60
_EVERY: Final = 200


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples of like length, padded.

    Attributes:
        ids: shape (n, symbols); durations: the same.
        symbols: how many each has.
        of, place: for each step its symbol and where in it, shape (n, steps) and (n, steps, 4).
        frames: shape (n, steps * `STEP`, features).
        mask: of the steps, shape (n, steps, 1).
    """

    ids: Tensor
    durations: Tensor
    symbols: Tensor
    of: Tensor
    place: Tensor
    frames: Tensor
    mask: Tensor


def train(data: Path, checkpoint: Path, minutes: float) -> None:
    """Train for so many minutes of processor time, or go on until they are spent."""
    torch.manual_seed(7)
    torch.set_num_threads(1)
    examples = read(data)
    kept, examples = examples[:KEPT_FROM_TRAINING], examples[KEPT_FROM_TRAINING:]
    network = Voice()
    _normalise(network, examples)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=0.01)
    state: dict[str, Any] = {"step": 0, "spent_s": 0.0}
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
    step, before = int(state["step"]), float(state["spent_s"])
    began = time.process_time()
    tests = [_batch([example]) for example in kept]
    order = random.Random(step)
    while True:
        for group in _groups(examples, order):
            spent = before + time.process_time() - began
            done = spent / (60 * minutes)
            if done >= 1 or step % _EVERY == 0:
                _save(checkpoint, network, optimizer, step, spent)
                say(f"{step} steps, {spent / 60:.1f} min: {_tested(network, tests)}")
            if done >= 1:
                return
            warm = min(1.0, (step + 1) / _WARM_STEPS)
            for parameters in optimizer.param_groups:
                parameters["lr"] = _RATE * warm * (1 - done) ** 1.2 + 1e-6
            with torch.autocast("cpu", torch.bfloat16):  # a third quicker where the core has it
                losses = _losses(network, _batch(group))
            sum(losses.values(), torch.zeros(())).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            step += 1


def _normalise(network: Voice, examples: Sequence[Example]) -> None:
    frames = np.concatenate([example.frames for example in examples[:500]])
    network.mean.copy_(torch.from_numpy(frames.mean(axis=0)))
    network.deviation.copy_(torch.from_numpy(frames.std(axis=0)))
    network.mean[VOICED], network.deviation[VOICED] = 0.0, 1.0


def _groups(examples: Sequence[Example], order: random.Random) -> list[list[Example]]:
    """The examples in random batches of like length, as many in each as have the frames."""
    by_length = sorted(examples, key=lambda e: len(e.frames) + order.uniform(-60, 60))
    groups: list[list[Example]] = [[]]
    for example in by_length:
        if groups[-1] and len(example.frames) * (len(groups[-1]) + 1) > _BATCH_FRAMES:
            groups.append([])
        groups[-1].append(example)
    order.shuffle(groups)
    return groups


def _batch(group: Sequence[Example]) -> Batch:
    durations = [torch.from_numpy(example.durations).float() for example in group]
    steps = [torch.arange(0, int(lasting.sum()), STEP).float() for lasting in durations]
    of = [symbols_at(lasting, at) for lasting, at in zip(durations, steps, strict=True)]
    place = [places(*three) for three in zip(durations, steps, of, strict=True)]
    frames = pad_sequence([torch.from_numpy(example.frames) for example in group], True)
    longest = STEP * max(len(at) for at in steps)
    return Batch(
        ids=pad_sequence([torch.from_numpy(example.ids) for example in group], True),
        durations=pad_sequence(durations, True),
        symbols=torch.tensor([len(example.ids) for example in group]),
        of=pad_sequence(of, True),
        place=pad_sequence(place, True),
        frames=functional.pad(frames, (0, 0, 0, longest - frames.shape[1])),
        mask=pad_sequence([torch.ones(len(at), 1) for at in steps], True),
    )


def _losses(network: Voice, batch: Batch) -> dict[str, Tensor]:
    encoded, lengths = network.encoded(batch.ids, batch.symbols)
    lasting = network.lasting[batch.ids]
    said = (torch.arange(lasting.shape[1])[None, :] < batch.symbols[:, None]).float() * lasting
    length = ((lengths - (1 + batch.durations).log()).abs() * said).sum() / said.sum()
    symbols = encoded.gather(1, batch.of[..., None].expand(-1, -1, encoded.shape[2]))
    found = network.decoded(symbols, batch.place, batch.mask)
    mask = batch.mask.repeat_interleave(STEP, 1)
    want = (batch.frames - network.mean) / network.deviation
    off = (found - want).abs() * mask
    total = mask.sum()
    # Between equal weight for every cepstrum and the weight that each has in the spectrum.
    weights = network.deviation[:CEPSTRA] / network.deviation[:CEPSTRA].mean()
    heard = want[..., VOICED:]
    voiced = functional.binary_cross_entropy_with_logits(found[..., VOICED:], heard, mask)
    return {
        "cepstra": (off[..., :CEPSTRA] * weights).sum() / total / CEPSTRA,
        "strengths": 0.2 * off[..., CEPSTRA:PITCH].sum() / total / (PITCH - CEPSTRA),
        "pitch": 0.2 * (off[..., PITCH] * batch.frames[..., VOICED]).sum() / total,
        "voiced": 0.5 * voiced * mask.numel() / total,
        "length": 0.3 * length,
    }


@torch.no_grad()
def _tested(network: Voice, tests: Sequence[Batch]) -> str:
    network.eval()
    sums: dict[str, float] = {}
    for test in tests:
        for name, loss in _losses(network, test).items():
            sums[name] = sums.get(name, 0.0) + float(loss) / len(tests)
    network.train()
    return ", ".join(f"{name} {value:.4f}" for name, value in sums.items())


def _save(
    path: Path, network: Voice, optimizer: torch.optim.Optimizer, step: int, spent_s: float
) -> None:
    state = {
        "network": network.state_dict(), "optimizer": optimizer.state_dict(), "step": step,
        "spent_s": spent_s,
    }  # fmt: skip
    write_with(path, lambda draft: torch.save(state, draft))
