"""The decider's vocabulary: byte-pair pieces, digits one by one, and marks of its own.

llama.cpp cuts text as GPT-2 does: a word in the middle of a text has its space glued to it. So that
a name means the same after a space and after a quotation mark, every piece of letters or digits
is there twice, with and without the space, and the two share a vector (see `network`). A fragment
of JSON that never varies is one token.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from models.training.decider.prompts import answer_text, directory_lines, turn_text
from models.training.files import write_text
from models.training.sentences import (
    DECIDER_WEIGHTS,
    NAMES,
    generate,
    invent_directory,
    misheard,
)

END, DIRECTORY, CALLER, ANSWER = "<|end|>", "<|dir|>", "<|user|>", "<|bot|>"
MARKS = (END, DIRECTORY, CALLER, ANSWER)
INTENT = '{"intent":"'
TARGET = '","target":"'
NO_TARGET = '","target":null,"priority":"'
PRIORITY = '","priority":"'
CLOSE = '"}'
FRAGMENTS = (INTENT, TARGET, NO_TARGET, PRIORITY, CLOSE)

_PIECES = 1500
_SENTENCES = 12_000


@dataclass(frozen=True)
class Vocabulary:
    """What llama.cpp needs to know of the tokens, in their order.

    Attributes:
        pieces: byte-pair pieces, without those that only add a space.
        spaced: places of the pieces that are there a second time, with a space before them.
        merges: pairs of pieces, first merged first.
    """

    pieces: tuple[str, ...]
    spaced: tuple[int, ...]
    merges: tuple[str, ...]

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        """Every token, in the model's order."""
        with_space = (f"Ġ{self.pieces[place]}" for place in self.spaced)
        return (*self.pieces, *with_space, *MARKS, *FRAGMENTS)

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        fields = {"pieces": self.pieces, "spaced": self.spaced, "merges": self.merges}
        write_text(path, json.dumps(fields))

    @classmethod
    def load(cls, path: Path) -> "Vocabulary":
        """Read what `save` wrote."""
        fields = json.loads(path.read_text("utf-8"))
        return cls(tuple(fields["pieces"]), tuple(fields["spaced"]), tuple(fields["merges"]))

    def tokenizer(self) -> Tokenizer:
        """A tokenizer that cuts text as llama.cpp will."""
        places = {token: place for place, token in enumerate(self.tokens)}
        bare = {token: places[token] for token in places if token not in (*MARKS, *FRAGMENTS)}
        merges = [tuple(merge.split(" ")) for merge in self.merges]
        tokenizer = Tokenizer(models.BPE(vocab=bare, merges=merges))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
        tokenizer.decoder = decoders.ByteLevel()
        marks = [AddedToken(mark, special=True, normalized=False) for mark in MARKS]
        tokenizer.add_special_tokens(marks)
        fragments = [AddedToken(part, special=False, normalized=False) for part in FRAGMENTS]
        tokenizer.add_tokens(fragments)
        return tokenizer


def learn_vocabulary(seed: int = 5) -> Vocabulary:
    """Learn the pieces from generated directories and sentences."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(" ", "removed"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=_PIECES,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(seed), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    places: dict[str, int] = model["vocab"]
    pieces = tuple(sorted(places, key=places.__getitem__))
    spaced = tuple(places[one] for one in pieces if one.isascii() and one.isalnum())
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    merges += [f"Ġ {pieces[place]}" for place in spaced]
    return Vocabulary(pieces, spaced, tuple(merges))


def _texts(seed: int) -> Iterator[str]:
    rng = random.Random(seed)
    for count in range(_SENTENCES):
        directory = invent_directory(rng, NAMES)
        if count % 8 == 0:
            yield directory_lines(rng, directory)
        sentence = generate(rng, "train", NAMES, directory, DECIDER_WEIGHTS)
        yield turn_text(misheard(rng, sentence.text, sentence.names, level=0.5))
        yield " ".join(filter(str.isalpha, answer_text(sentence).replace('"', " ").split()))
