"""Writes the trained network as a GGUF file: 8-bit matrices, tokenizer and chat template inside."""

from pathlib import Path

import gguf
import numpy as np
import torch

from models.training.decider import tokens
from models.training.decider.network import BLOCK_NAMES, CONTEXT, EPSILON, ROPE_BASE, Decider, Shape
from models.training.decider.tokens import Vocabulary
from models.training.files import write_with
from models.training.progress import say

_TEMPLATE = (
    "{% for m in messages %}{% if m['role']=='system' %}"
    + tokens.DIRECTORY
    + "{{ m['content'] }}{% elif m['role']=='user' %}"
    + tokens.CALLER
    + "{{ m['content'] }}"
    + tokens.ANSWER
    + "{% else %}{{ m['content'] }}"
    + tokens.END
    + "{% endif %}{% endfor %}"
)


def export(work: Path, model: Path) -> None:
    """Write ``model`` from the checkpoint and the vocabulary in ``work``."""
    state = torch.load(work / "checkpoint.pt", weights_only=True)
    vocabulary = Vocabulary.load(work / "vocabulary.json")
    network = Decider(Shape(**state["shape"]), vocabulary)
    network.load_state_dict(state["network"])
    write_with(model, lambda draft: _write(draft, network, vocabulary))
    say(f"{model}: {model.stat().st_size / 1e6:.2f} MB after {state['step']} steps")


def _write(path: Path, network: Decider, vocabulary: Vocabulary) -> None:
    writer = gguf.GGUFWriter(str(path), "llama")
    _describe(writer, network, vocabulary)
    _add(writer, "token_embd.weight", network.table())
    _add(writer, "output_norm.weight", network.norm.weight)
    for place, block in enumerate(network.blocks):
        for name, part in BLOCK_NAMES.items():
            _add(writer, f"blk.{place}.{name}.weight", getattr(block, part).weight)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, network: Decider, vocabulary: Vocabulary) -> None:
    shape = network.shape
    writer.add_name("decider")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    names = vocabulary.tokens
    special = len(tokens.MARKS) + len(tokens.FRAGMENTS)
    kinds = [gguf.TokenType.NORMAL] * (len(names) - special)
    kinds += [gguf.TokenType.CONTROL] * len(tokens.MARKS)
    kinds += [gguf.TokenType.USER_DEFINED] * len(tokens.FRAGMENTS)
    writer.add_vocab_size(len(names))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(names))
    writer.add_token_types([int(kind) for kind in kinds])
    writer.add_token_merges(list(vocabulary.merges))
    end = names.index(tokens.END)
    # llama.cpp wants to know of a first token even where it is told to add none.
    writer.add_bos_token_id(names.index(tokens.DIRECTORY))
    writer.add_add_bos_token(False)
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)
    writer.add_chat_template(_TEMPLATE)


def _add(writer: gguf.GGUFWriter, name: str, weights: torch.Tensor) -> None:
    """Vectors as they are, matrices in 8 bits. The table of tokens scores them too."""
    values = weights.detach().numpy().astype(np.float32)
    if values.ndim == 1:
        writer.add_tensor(name, values)
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)
