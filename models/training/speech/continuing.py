"""Starts a network from a model that was exported before, of the same width and depth.

What both lexicons have keeps its weights. New words begin near the mean of those there are, new
positions afresh, and so does the head for phones, which an exported model lacks.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.training.speech.lexicon import WORDS
from models.training.speech.network import OWN_POSITIONS, Network, Shape
from models.training.speech.tokens import Tokens
from models.training.speech.variables import Variables, read_variables


def start_from(model: Path, network: Network) -> int:
    """Fill a network with a model's weights.

    Args:
        model: a directory that `exporting` wrote.

    Returns:
        How many tokens' embeddings were taken over.

    Raises:
        ValueError: when it is no Whisper of CTranslate2's, or of another width or depth.
    """
    held = read_variables(model / "model.bin")
    weights = {name: torch.from_numpy(value) for name, value in _renamed(held).items()}
    own = dict(network.named_parameters())
    with torch.no_grad():
        for name, value in weights.items():
            if name not in own or own[name].shape != value.shape:
                raise ValueError(f"{model}: {name} does not fit a network of {network.shape}")
            own[name].copy_(value)
        own["positions"][: _own_positions(held)].copy_(
            torch.from_numpy(held["encoder/position_encodings/encodings"][: _own_positions(held)])
        )
        return _take_embeddings(model, held, own["embedding.weight"])


def between(model: Path, held: dict[str, Any], share: float) -> dict[str, torch.Tensor]:
    """Weights on the way from a model to a checkpoint that went on from it.

    They hear what the checkpoint learned and have forgotten less. Words that the model did not know
    are the checkpoint's alone.

    Args:
        held: the checkpoint.
        share: of the checkpoint; 0 is the model, 1 the checkpoint.
    """
    network = Network(Shape(**held["shape"]))
    start_from(model, network)
    early, late = dict(network.named_parameters()), held["weights"]
    mixed = {name: torch.lerp(early[name].detach(), late[name], share) for name in late}
    known = _rows(model)
    is_new = torch.tensor([token not in known for token in Tokens().vocabulary])
    mixed["embedding.weight"][is_new] = late["embedding.weight"][is_new]
    return mixed


def _rows(model: Path) -> dict[str, int]:
    tokens = json.loads((model / "vocabulary.json").read_text(encoding="utf-8"))
    return {token: row for row, token in enumerate(tokens)}


def _take_embeddings(model: Path, held: Variables, embedding: torch.Tensor) -> int:
    rows = _rows(model)
    weights = torch.from_numpy(held["decoder/embeddings/weight"])
    words = {f"Ġ{word}" for word in WORDS}
    mean = weights[[rows[word] for word in words & rows.keys()]].mean(0)
    taken = 0
    for number, token in enumerate(Tokens().vocabulary):
        if token in rows:
            embedding[number].copy_(weights[rows[token]])
            taken += 1
        elif token in words:
            embedding[number] += mean
    return taken


def _own_positions(held: Variables) -> int:
    """How many positions are not the padding's, which all share the last one's encoding."""
    encodings = held["encoder/position_encodings/encodings"]
    differing = np.flatnonzero((encodings != encodings[-1]).any(axis=1))
    return min(OWN_POSITIONS, int(differing[-1]) + 1)


def _renamed(held: Variables) -> Variables:
    found = {
        "padding": held["encoder/position_encodings/encodings"][-1],
        "text_positions": held["decoder/position_encodings/encodings"],
    }
    for name in ("conv1", "conv2"):
        for part in ("weight", "bias"):
            found[f"{name}.{part}"] = held[f"encoder/{name}/{part}"]
    for side in ("encoder", "decoder"):
        found |= _norm(held, f"{side}/layer_norm", f"{side}_norm")
        layer = 0
        while f"{side}/layer_{layer}/ffn/linear_0/weight" in held:
            found |= _layer(held, f"{side}/layer_{layer}", f"{side}.{layer}", side == "decoder")
            layer += 1
    return found


def _layer(held: Variables, old: str, new: str, crossed: bool) -> Variables:
    own = f"{new}.self_attention"
    found = {
        **_norm(held, f"{old}/self_attention/layer_norm", f"{new}.self_norm"),
        **_parted(held, f"{old}/self_attention/linear_0", own, ("query", "key", "value")),
        **_parted(held, f"{old}/self_attention/linear_1", own, ("out",)),
        **_norm(held, f"{old}/ffn/layer_norm", f"{new}.feed_norm"),
        **_parted(held, f"{old}/ffn/linear_0", new, ("feed_in",)),
        **_parted(held, f"{old}/ffn/linear_1", new, ("feed_out",)),
    }
    if crossed:
        other = f"{new}.cross_attention"
        found |= _norm(held, f"{old}/attention/layer_norm", f"{new}.cross_norm")
        found |= _parted(held, f"{old}/attention/linear_0", other, ("query",))
        found |= _parted(held, f"{old}/attention/linear_1", other, ("key", "value"))
        found |= _parted(held, f"{old}/attention/linear_2", other, ("out",))
    return found


def _norm(held: Variables, old: str, new: str) -> Variables:
    return {f"{new}.weight": held[f"{old}/gamma"], f"{new}.bias": held[f"{old}/beta"]}


def _parted(held: Variables, old: str, new: str, parts: tuple[str, ...]) -> Variables:
    found = {}
    for kind in ("weight", "bias"):
        pieces = np.split(held[f"{old}/{kind}"], len(parts))
        for part, piece in zip(parts, pieces, strict=True):
            if (part, kind) != ("key", "bias"):
                found[f"{new}.{part}.{kind}"] = piece
    return found
