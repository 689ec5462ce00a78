"""Writes a trained network as the directory that faster-whisper loads: CTranslate2's, in 8 bits."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from models.training.speech.continuing import between
from models.training.speech.features import HOP, MELS, N_FFT, PIECE_S, RATE_HZ
from models.training.speech.network import OWN_POSITIONS, POSITIONS
from models.training.speech.progress import say
from models.training.speech.tokens import LANGUAGES, Tokens

Weights = dict[str, npt.NDArray[np.float32]]
_FACTS: Final = {"prompt": False, "pauses": False}
"""What the engine is to know: text before the speech was never trained on, and of several sentences
at once too little was."""
_GUIDED_HEADS = (0, 1)


def export(checkpoint: Path, model: Path, earlier: Path | None = None, share: float = 0.5) -> None:
    """Write a checkpoint's averaged weights in 8 bits; replaces a model that is there already.

    Args:
        checkpoint: as `training` writes it.
        model: the directory.
        earlier: the exported model that training went on from, to write weights between it and the
            checkpoint.
        share: of the checkpoint in them.

    Raises:
        FileNotFoundError: when there is no checkpoint.
    """
    held = torch.load(checkpoint, weights_only=True)
    chosen = held["weights"] if earlier is None else between(earlier, held, share)
    weights = {name: value.float().numpy() for name, value in chosen.items()}
    model.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{model.name}-", dir=model.parent))
    try:
        tokens = Tokens()
        specification = _specification(weights, held["shape"], tokens)
        specification.optimize(quantization="int8")
        specification.save(str(made))
        tokens.save(made / "tokenizer.json")
        _write(made / "preprocessor_config.json", {
            "feature_size": MELS, "sampling_rate": RATE_HZ, "hop_length": HOP, "n_fft": N_FFT,
            "chunk_length": PIECE_S,
        })  # fmt: skip
        _write(made / "appliance.json", _FACTS)
        _put(made, model)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    minutes = held["spent_s"] / 60
    size = sum(file.stat().st_size for file in model.iterdir()) / 1e6
    say(f"{model}: {size:.1f} MB, {minutes:.0f} minutes of training")


def _specification(weights: Weights, shape: dict[str, int], tokens: Tokens) -> Any:
    from ctranslate2.specs.whisper_spec import WhisperSpec

    heads, layers = shape["heads"], shape["decoder_layers"]
    specification = WhisperSpec(shape["encoder_layers"], heads, layers, heads)
    _fill_encoder(specification.encoder, weights)
    _fill_decoder(specification.decoder, weights)
    config = specification.config
    config.suppress_ids, config.suppress_ids_begin = [], []
    config.lang_ids = [tokens.number(code) for code in LANGUAGES]
    config.alignment_heads = [(layer, head) for layer in range(layers) for head in _GUIDED_HEADS]
    specification.register_vocabulary(tokens.vocabulary)
    specification.validate()
    return specification


def _fill_encoder(encoder: Any, weights: Weights) -> None:
    _linear(encoder.conv1, weights, "conv1")
    _linear(encoder.conv2, weights, "conv2")
    padding = np.tile(weights["padding"], (POSITIONS - OWN_POSITIONS, 1))
    encoder.position_encodings.encodings = np.concatenate([weights["positions"], padding])
    _norm(encoder.layer_norm, weights, "encoder_norm")
    for index, layer in enumerate(encoder.layer):
        _fill_layer(layer, weights, f"encoder.{index}")


def _fill_decoder(decoder: Any, weights: Weights) -> None:
    decoder.embeddings.weight = weights["embedding.weight"]
    decoder.projection.weight = weights["embedding.weight"]
    decoder.position_encodings.encodings = weights["text_positions"]
    _norm(decoder.layer_norm, weights, "decoder_norm")
    for index, layer in enumerate(decoder.layer):
        name = f"decoder.{index}"
        _fill_layer(layer, weights, name)
        _norm(layer.attention.layer_norm, weights, f"{name}.cross_norm")
        crossed = f"{name}.cross_attention"
        _joined(layer.attention.linear[0], weights, crossed, ("query",))
        _joined(layer.attention.linear[1], weights, crossed, ("key", "value"))
        _linear(layer.attention.linear[2], weights, f"{crossed}.out")


def _fill_layer(layer: Any, weights: Weights, name: str) -> None:
    own = f"{name}.self_attention"
    _norm(layer.self_attention.layer_norm, weights, f"{name}.self_norm")
    _joined(layer.self_attention.linear[0], weights, own, ("query", "key", "value"))
    _linear(layer.self_attention.linear[1], weights, f"{own}.out")
    _norm(layer.ffn.layer_norm, weights, f"{name}.feed_norm")
    _linear(layer.ffn.linear_0, weights, f"{name}.feed_in")
    _linear(layer.ffn.linear_1, weights, f"{name}.feed_out")


def _norm(target: Any, weights: Weights, name: str) -> None:
    target.gamma, target.beta = weights[f"{name}.weight"], weights[f"{name}.bias"]


def _linear(target: Any, weights: Weights, name: str) -> None:
    target.weight, target.bias = weights[f"{name}.weight"], weights[f"{name}.bias"]


def _joined(target: Any, weights: Weights, name: str, parts: tuple[str, ...]) -> None:
    """Several projections as one; a key's bias, which Whisper lacks, is zero."""
    matrices = [weights[f"{name}.{part}.weight"] for part in parts]
    none = np.zeros(len(matrices[0]), np.float32)
    target.weight = np.concatenate(matrices)
    target.bias = np.concatenate([weights.get(f"{name}.{part}.bias", none) for part in parts])


def _write(path: Path, facts: object) -> None:
    path.write_text(json.dumps(facts) + "\n", encoding="utf-8")


def _put(made: Path, model: Path) -> None:
    """Move a finished model into its place, file by file, each in one step."""
    model.mkdir(exist_ok=True)
    for file in sorted(made.iterdir()):
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.chmod(0o644)
        file.replace(model / file.name)
