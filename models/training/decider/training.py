"""Trains the decider: one thread, from nothing or from the last checkpoint."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from models.training.decider import tokens
from models.training.decider.examples import Batch, Examples, Recipe, first_lessons
from models.training.decider.muon import Muon
from models.training.decider.network import Decider, Shape
from models.training.decider.tokens import Vocabulary
from models.training.files import write_with
from models.training.progress import say
from models.training.sentences import HELD_OUT_NAMES

_WARM_UP = 60
_MATRIX_RATE, _OTHER_RATE = 0.02, 3e-3
_LOWEST = 0.02  # share of the rate that is left at the end
_PRINT_EVERY, _SAVE_EVERY, _MEASURE_EVERY = 50, 100, 500
_MEASURED_ROWS = 24


@dataclass(frozen=True)
class Course:
    """How long to train: ``steps`` of ``rows`` directories, ``turns`` turns each.

    Names are copied after some thousand steps, however many rows a step has; so rows are few.
    Until ``easy_until`` directories are small, which helps when there is nothing to begin from.
    ``pace`` is the highest learning rate, as a share of what a network without training bears.
    """

    steps: int = 2000
    rows: int = 4
    easy_until: int = 0
    pace: float = 0.6
    turns: int = 10
    seed: int = 777


class Trainer:
    """Holds what a checkpoint holds: the network, the optimisers and the step."""

    def __init__(self, folder: Path, course: Course, shape: Shape | None = None) -> None:
        torch.set_num_threads(1)
        torch.manual_seed(course.seed)
        self.folder, self.course = folder, course
        self.vocabulary = Vocabulary.load(folder / "vocabulary.json")
        self.tokenizer = self.vocabulary.tokenizer()
        self.network = Decider(shape or Shape(), self.vocabulary)
        matrices = self.network.matrices()
        held = {id(one) for one in matrices}
        self.others = [one for one in self.network.parameters() if id(one) not in held]
        self.muon = Muon(matrices)
        self.adam = torch.optim.AdamW(
            self.others, lr=_OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.0
        )
        self.step = 0
        self._resume()

    @property
    def checkpoint(self) -> Path:
        """Where the state is kept between runs."""
        return self.folder / "checkpoint.pt"

    def run(self) -> None:
        """Train to the end of the course; prints its progress."""
        seed = self.course.seed + self.step
        easy = Examples(self.tokenizer, first_lessons(self.course.turns), seed)
        usual = Examples(self.tokenizer, Recipe(turns=self.course.turns), seed)
        started, tokens_seen, loss_mean = time.monotonic(), 0, 0.0
        while self.step < self.course.steps:
            examples = easy if self.step < self.course.easy_until else usual
            batch = examples.batch(self.course.rows)
            loss = self._learn(batch)
            tokens_seen += batch.ids.numel()
            loss_mean = loss if not loss_mean else 0.97 * loss_mean + 0.03 * loss
            self.step += 1
            if self.step % _PRINT_EVERY == 0:
                spent = time.monotonic() - started
                say(
                    f"step {self.step}/{self.course.steps} loss {loss_mean:.4f} "
                    f"{tokens_seen / spent:.0f} tokens/s {spent / 60:.1f} min",
                )
            if self.step % _SAVE_EVERY == 0:
                self._save()
            if self.step % _MEASURE_EVERY == 0:
                say(self.measured())
        self._save()
        say(self.measured())

    def measured(self) -> str:
        """Right intents and targets without a grammar, on known and on unseen wording and names."""
        unseen = Recipe(split="held-out", turns=self.course.turns)
        names = Recipe(names=HELD_OUT_NAMES, turns=self.course.turns)
        parts = []
        for label, recipe in (("seen", Recipe()), ("wording", unseen), ("names", names)):
            intent, target = self._right(Examples(self.tokenizer, recipe, 99))
            parts.append(f"{label}: intent {intent:.3f} target {target:.3f}")
        return "  measured  " + "  ".join(parts)

    def _learn(self, batch: Batch) -> float:
        progress = self.step / self.course.steps
        share = min(1.0, (self.step + 1) / _WARM_UP) * max(_LOWEST, 1 - progress) * self.course.pace
        loss = self._loss(batch)
        self.network.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self.adam.param_groups:
            group["lr"] = _OTHER_RATE * share
        torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        self.adam.step()
        self.muon.step(_MATRIX_RATE * share)
        return loss.item()

    def _loss(self, batch: Batch) -> Tensor:
        states, table = self.network(batch.ids, batch.positions, batch.mask)
        weights = batch.weights[:, 1:].reshape(-1)
        counted = weights > 0
        states = states[:, :-1].reshape(-1, states.shape[-1])[counted]
        wanted = batch.ids[:, 1:].reshape(-1)[counted]
        losses = functional.cross_entropy(states @ table.T, wanted, reduction="none")
        return (losses * weights[counted]).sum() / weights[counted].sum()

    @torch.no_grad()
    def _right(self, examples: Examples) -> tuple[float, float]:
        batch = examples.batch(_MEASURED_ROWS)
        states, table = self.network(batch.ids, batch.positions, batch.mask)
        guessed = (states @ table.T).argmax(-1)[:, :-1]
        wanted = batch.ids[:, 1:]
        after = {name: self.tokenizer.token_to_id(name) for name in (tokens.INTENT, tokens.TARGET)}
        before = batch.ids[:, :-1]
        intents = (before == after[tokens.INTENT]).nonzero().tolist()
        intent = sum(bool(guessed[r, t] == wanted[r, t]) for r, t in intents) / len(intents)
        ends = (self.tokenizer.token_to_id(tokens.PRIORITY),)
        targets = (wanted == after[tokens.TARGET]).nonzero().tolist()
        hits = 0
        for row, start in targets:
            stop = start + 1
            while int(wanted[row, stop]) not in ends:
                stop += 1
            hits += bool((guessed[row, start:stop] == wanted[row, start:stop]).all())
        return intent, hits / max(1, len(targets))

    def _save(self) -> None:
        state = {
            "shape": asdict(self.network.shape),
            "network": self.network.state_dict(),
            "adam": self.adam.state_dict(),
            "muon": self.muon.momenta,
            "step": self.step,
        }
        write_with(self.checkpoint, lambda draft: torch.save(state, draft))

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        if state["shape"] != asdict(self.network.shape):
            raise SystemExit(f"{self.checkpoint}: of another shape; move it away to begin anew")
        self.network.load_state_dict(state["network"])
        self.step = state["step"]
        if "adam" not in state:
            say("begins from an adopted model")
            return
        self.adam.load_state_dict(state["adam"])
        for momentum, saved in zip(self.muon.momenta, state["muon"], strict=True):
            momentum.copy_(saved)
        say(f"resumed at step {self.step}")
