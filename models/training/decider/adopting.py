"""Begins from an exported decider instead of from nothing: its vocabulary and its weights.

Reading names is what takes longest to learn (see the model card), and it is the same skill
whatever the sentences are. So a course on a new grammar starts from the last decider that reads.
"""

from dataclasses import asdict
from pathlib import Path

import gguf
import numpy as np
import torch
from gguf import GGUFReader
from torch import Tensor

from models.training.decider import tokens
from models.training.decider.network import BLOCK_NAMES, Decider, Shape
from models.training.decider.tokens import Vocabulary
from models.training.files import write_with
from models.training.progress import say


def adopt(model: Path, work: Path) -> None:
    """Write the vocabulary and a checkpoint at step 0 from a GGUF that `exporting` wrote.

    Raises:
        ValueError: the file is no decider: it lacks one of the marks.
    """
    reader = GGUFReader(str(model))
    names = list(_field(reader, "tokenizer.ggml.tokens"))
    missing = [mark for mark in (*tokens.MARKS, *tokens.FRAGMENTS) if mark not in names]
    if missing:
        raise ValueError(f"{model}: no decider, it lacks {missing[0]}")
    vocabulary = _vocabulary(names, list(_field(reader, "tokenizer.ggml.merges")))
    vocabulary.save(work / "vocabulary.json")
    shape = Shape(
        width=_field(reader, "llama.embedding_length"),
        layers=_field(reader, "llama.block_count"),
        heads=_field(reader, "llama.attention.head_count"),
        feed_forward=_field(reader, "llama.feed_forward_length"),
    )
    network = Decider(shape, vocabulary)
    _fill(network, {one.name: _floats(one) for one in reader.tensors}, vocabulary, names)
    state = {"shape": asdict(shape), "network": network.state_dict(), "step": 0}
    write_with(work / "checkpoint.pt", lambda draft: torch.save(state, draft))
    say(f"adopted {model}: {len(vocabulary.tokens)} tokens, {shape}")


def _vocabulary(names: list[str], merges: list[str]) -> Vocabulary:
    """Pieces come first, then those with a space, then the marks."""
    bare = names[: min(names.index(mark) for mark in tokens.MARKS)]
    pieces = next(
        bare[:count] for count in range(len(bare), 0, -1) if _spaced(bare[:count]) == bare[count:]
    )
    spaced = tuple(i for i, one in enumerate(pieces) if one.isascii() and one.isalnum())
    return Vocabulary(tuple(pieces), spaced, tuple(merges))


def _spaced(pieces: list[str]) -> list[str]:
    return [f"Ġ{one}" for one in pieces if one.isascii() and one.isalnum()]


@torch.no_grad()
def _fill(
    network: Decider, weights: dict[str, Tensor], vocabulary: Vocabulary, names: list[str]
) -> None:
    table = weights["token_embd.weight"]
    count = len(vocabulary.pieces)
    network.pieces.copy_(table[:count])
    after_space = table[count : count + len(vocabulary.spaced)]
    network.space.copy_((after_space - table[list(vocabulary.spaced)]).mean(0))
    marks = [names.index(mark) for mark in (*tokens.MARKS, *tokens.FRAGMENTS)]
    network.marks.copy_(table[marks])
    network.norm.weight.copy_(weights["output_norm.weight"])
    for place, block in enumerate(network.blocks):
        for name, part in BLOCK_NAMES.items():
            getattr(block, part).weight.copy_(weights[f"blk.{place}.{name}.weight"])


def _field(reader: GGUFReader, name: str) -> "str | int | list[str]":
    return reader.fields[name].contents()


def _floats(tensor: gguf.ReaderTensor) -> Tensor:
    values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    return torch.from_numpy(np.array(values, dtype=np.float32))
