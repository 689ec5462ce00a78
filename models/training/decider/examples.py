"""Batches to train on: one directory and several turns about it, packed into one row.

Every turn sees the directory and itself, at the positions it will have when it is asked alone.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from tokenizers import Tokenizer
from torch import Tensor

from models.training.decider import tokens
from models.training.decider.prompts import answer_text, directory_lines, turn_text
from models.training.sentences import (
    DECIDER_WEIGHTS,
    NAMES,
    NameLists,
    generate,
    invent_directory,
    misheard,
)

# How much a token counts in training: what the caller says a little (it teaches the words), the
# choices of intent and target much more than the JSON around them.
_CALLER, _JSON, _INTENT, _TARGET = 0.2, 0.5, 4.0, 3.0
# Of what the caller says, this share is learned from: scoring the whole vocabulary is dear.
_LEARNED = 0.4
_PADDING = -1
_SMALL, _MOST = 6, 24


@dataclass(frozen=True)
class Recipe:
    """What examples are made of.

    Attributes:
        turns: turns to a row.
        noise: how badly the turns are heard, 0 to 1; half the rows are heard well.
        largest: entries of the largest directory; one in 25 has as many as are ever sent.
        weights: how often each kind of sentence comes.
    """

    split: str = "train"
    names: NameLists = NAMES
    turns: int = 10
    noise: float = 1.0
    largest: int = 14
    weights: Mapping[str, float] = field(default_factory=lambda: DECIDER_WEIGHTS)


def first_lessons(turns: int) -> "Recipe":
    """Small directories, and mostly sentences that name somebody: names are learned to be read."""
    weights = dict(DECIDER_WEIGHTS)
    for kind in ("transfer", "absent", "extension", "message_for", "correction"):
        weights[kind] *= 3
    return Recipe(turns=turns, noise=0.3, largest=_SMALL, weights=weights)


@dataclass(frozen=True)
class Batch:
    """Rows of equal length, all of them batch by time but ``mask``, batch by 1 by time by time."""

    ids: Tensor
    positions: Tensor
    weights: Tensor
    mask: Tensor


@dataclass
class _Row:
    ids: list[int]
    positions: list[int]
    segments: list[int]
    weights: list[float]


class Examples:
    """Makes batches without end. The same seed gives the same ones."""

    def __init__(self, tokenizer: Tokenizer, recipe: Recipe, seed: int) -> None:
        self._tokenizer = tokenizer
        self._recipe = recipe
        self._rng = random.Random(seed)
        self._none = tokenizer.token_to_id(tokens.NO_TARGET)
        self._target = tokenizer.token_to_id(tokens.TARGET)
        self._priority = tokenizer.token_to_id(tokens.PRIORITY)

    def batch(self, rows: int) -> Batch:
        """``rows`` directories with their turns."""
        made = [self._row() for _ in range(rows)]
        longest = max(len(row.ids) for row in made)

        def padded(values: list[list[int]], filler: int) -> Tensor:
            return torch.tensor([one + [filler] * (longest - len(one)) for one in values])

        segments = padded([row.segments for row in made], _PADDING)
        weights = [row.weights + [0.0] * (longest - len(row.weights)) for row in made]
        same = segments[:, :, None] == segments[:, None, :]
        about_directory = segments[:, None, :] == 0
        past = torch.tril(torch.ones(longest, longest, dtype=torch.bool))
        return Batch(
            padded([row.ids for row in made], 0),
            padded([row.positions for row in made], 0),
            torch.tensor(weights),
            ((same | about_directory) & past)[:, None],
        )

    def _row(self) -> _Row:
        rng, recipe = self._rng, self._recipe
        whole = recipe.largest > _SMALL and rng.random() < 0.04
        size = _MOST if whole else rng.randint(3, recipe.largest)
        directory = invent_directory(rng, recipe.names, size)
        ids = self._ids(tokens.DIRECTORY + directory_lines(rng, directory))
        start = len(ids)
        row = _Row(ids, list(range(start)), [0] * start, [0.0] * start)
        level = recipe.noise if rng.random() < 0.5 else 0.0
        for turn in range(1, recipe.turns + 1):
            sentence = generate(rng, recipe.split, recipe.names, directory, recipe.weights)
            heard = turn_text(misheard(rng, sentence.text, sentence.names, level))
            asked = self._ids(f"{tokens.CALLER}{heard}{tokens.ANSWER}")
            answer = self._ids(answer_text(sentence) + tokens.END)
            row.ids += asked + answer
            row.positions += range(start, start + len(asked) + len(answer))
            row.segments += [turn] * (len(asked) + len(answer))
            said = [_CALLER * (rng.random() < _LEARNED) for _ in asked[2:]]
            row.weights += [0.0, *said, 0.0, *self._weights(answer)]
        return row

    def _weights(self, answer: list[int]) -> list[float]:
        """The intent's tokens, and those of the target, or the one that says there is none."""
        weights = [_JSON] * len(answer)
        choice = next(i for i, one in enumerate(answer) if one in (self._target, self._none))
        weights[1:choice] = [_INTENT] * (choice - 1)
        last = answer.index(self._priority) if self._priority in answer else choice + 1
        weights[choice:last] = [_TARGET] * (last - choice)
        return weights

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids
