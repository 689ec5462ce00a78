"""Trains the network for a number of minutes, with a checkpoint every few of them."""

import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.training.speech.batches import IGNORED, Batch, Batches
from models.training.speech.continuing import start_from
from models.training.speech.network import Network, Shape
from models.training.speech.progress import say
from models.training.speech.shards import load
from models.training.speech.tokens import Tokens

_PEAK_RATE: Final = 1.5e-3
_CONTINUED_RATE: Final = 1.2e-3
"""The peak for a network that already hears. Where it has less than half an hour, 0.9e-3 makes it
forget less."""
_MATRICES_FASTER: Final = 1.5
_WARM_UP_STEPS: Final = 150
_FLAT_SHARE: Final = 0.15
_AVERAGE_OVER: Final = 0.996
_SAVE_EVERY_S: Final = 180.0
_SAY_EVERY: Final = 100
_OTHERS: Final = -1e4
_LOOKED_AT: Final = 8
"""Of a batch, to say how many words are right: enough on average, and cheap."""


@dataclass(frozen=True)
class Plan:
    """What to train, and for how long.

    Attributes:
        data: directory of shards.
        checkpoint: written every three minutes; gone on with when it is there.
        minutes: of training in all, over all runs.
        width: of the network; its depth is `Shape`'s.
        continue_from: an exported model to begin with instead of chance.
    """

    data: Path
    checkpoint: Path
    minutes: float
    width: int = 128
    continue_from: Path | None = None
    seed: int = 1


class Losses:
    """What the network is asked for: the words, the phones, and to look where each word sounds."""

    def __init__(self, phones: list[str]) -> None:
        is_flite = torch.tensor([name.startswith("f:") for name in phones])
        # A synthesizer's samples are not to say anything about the other's phones.
        self._others = torch.stack([is_flite, ~is_flite]).float() * _OTHERS

    def __call__(self, network: Network, batch: Batch, early: float) -> tuple[Tensor, list[float]]:
        """The loss to step on, and its parts; ``early`` weighs the helpers, phones and places."""
        encoded = network.encode(batch.mel)
        logits, watched = network.decode(batch.tokens, encoded)
        words = functional.cross_entropy(
            logits.flatten(0, 1),
            batch.targets.flatten(),
            ignore_index=IGNORED,
            label_smoothing=0.02,
        )
        own = encoded.phones[:, : batch.phones.shape[1]] + self._others[batch.is_flite][:, None]
        phones = functional.cross_entropy(
            own.flatten(0, 1), batch.phones.flatten(), ignore_index=IGNORED
        )
        guided = batch.guide.sum(-1) > 0
        places = torch.stack(
            [
                -(torch.log((w * batch.guide[:, None]).sum(-1) + 1e-6) * guided[:, None]).sum()
                / (guided.sum() * w.shape[1] + 1)
                for w in watched
            ]
        ).sum()
        loss = words + early * (0.6 * phones + 0.3 * places)
        with torch.no_grad():
            some = batch.targets[:_LOOKED_AT]
            right = (logits[:_LOOKED_AT].argmax(-1) == some)[some >= 0].float().mean()
        return loss, [float(part.detach()) for part in (words, phones, places, right)]


class Training:
    """A network on its way; everything that a checkpoint holds."""

    def __init__(self, plan: Plan) -> None:
        torch.manual_seed(plan.seed)
        self._plan = plan
        speech, phones = load(sorted(plan.data.glob("speech-*.npz")))
        if not speech:
            raise FileNotFoundError(f"{plan.data}: no training data; make it with `data` first")
        sounds, _ = load([plan.data / "sounds.npz"])
        noises, _ = load([plan.data / "noises.npz"])
        self._losses = Losses(phones)
        self._network = Network(Shape(len(Tokens()), len(phones), plan.width))
        if plan.continue_from is not None:
            taken = start_from(plan.continue_from, self._network)
            say(f"{plan.continue_from}: its weights, and {taken} tokens' embeddings")
        self._average = [p.detach().clone() for p in self._network.parameters()]
        self._optimizers = _optimizers(self._network)
        self._peak = _PEAK_RATE if plan.continue_from is None else _CONTINUED_RATE
        self._step, self._spent_s = 0, 0.0
        if plan.checkpoint.exists():
            self._resume()
        noise_frames = [example.frames.astype(np.float32) for example in noises]
        self._batches = Batches(speech, sounds, noise_frames, plan.seed + self._step)
        hours = sum(len(example.frames) for example in speech) / 50 / 3600
        size = sum(p.numel() for p in self._network.parameters())
        say(f"{len(speech)} utterances, {hours:.1f} h, {len(phones)} phones, {size} parameters")

    def run(self) -> None:
        """Train until the plan's minutes are over."""
        began, saved, parts = time.monotonic() - self._spent_s, time.monotonic(), np.zeros(4)
        for batch in self._batches:
            share = (time.monotonic() - began) / (self._plan.minutes * 60)
            if share >= 1:
                break
            parts += self._step_on(batch, share)
            if self._step % _SAY_EVERY == 0:
                words, phones, places, right = parts / _SAY_EVERY
                parts[:] = 0
                say(
                    f"step {self._step}, {share:4.0%}: words {words:.3f}, phones {phones:.3f}, "
                    f"places {places:.3f}, right {right:.1%}"
                )
            if time.monotonic() - saved > _SAVE_EVERY_S:
                saved, self._spent_s = time.monotonic(), time.monotonic() - began
                self._save()
        self._spent_s = time.monotonic() - began
        self._save()

    def _step_on(self, batch: Batch, share: float) -> list[float]:
        for optimizer, faster in zip(self._optimizers, (_MATRICES_FASTER, 1.0), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = self._peak * faster * _factor(self._step, share) + 1e-6
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss, parts = self._losses(self._network, batch, max(0.1, 1 - 2 * share))
        self._network.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        for optimizer in self._optimizers:
            optimizer.step()
        self._step += 1
        follow = 1 - _AVERAGE_OVER if self._step > _WARM_UP_STEPS else 1.0
        with torch.no_grad():
            torch._foreach_lerp_(self._average, list(self._network.parameters()), follow)
        return parts

    def _save(self) -> None:
        names = [name for name, _ in self._network.named_parameters()]
        save(
            self._plan.checkpoint,
            {
                "shape": asdict(self._network.shape),
                "weights": dict(zip(names, self._average, strict=True)),
                "network": self._network.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
                "step": self._step,
                "spent_s": self._spent_s,
            },
        )

    def _resume(self) -> None:
        held = torch.load(self._plan.checkpoint, weights_only=True)
        if Shape(**held["shape"]) != self._network.shape:
            raise ValueError(
                f"{self._plan.checkpoint} is of another shape or lexicon: name another checkpoint"
            )
        self._network.load_state_dict(held["network"])
        for optimizer, state in zip(self._optimizers, held["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self._average = list(held["weights"].values())
        self._step, self._spent_s = held["step"], held["spent_s"]
        say(f"going on from step {self._step}, after {self._spent_s / 60:.0f} minutes")


def _optimizers(network: Network) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside layers, AdamW for the rest."""
    matrices: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in network.named_parameters():
        inner = name.startswith(("encoder.", "decoder.")) and parameter.ndim == 2
        (matrices if inner else others).append(parameter)
    return [
        torch.optim.Muon(matrices, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def save(path: Path, held: dict[str, Any]) -> None:
    """Write a checkpoint in one step."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(held, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _factor(step: int, share: float) -> float:
    """The learning rate's share of its peak: warmed up, held, then a cosine down to nothing."""
    fallen = max(0.0, share - _FLAT_SHARE) / (1 - _FLAT_SHARE)
    cosine = 0.5 + 0.5 * math.cos(math.pi * min(1.0, fallen))
    return min(1.0, (step + 1) / _WARM_UP_STEPS) * cosine
