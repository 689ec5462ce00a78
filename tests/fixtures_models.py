"""Tiny models that real engines load, written in well under a second with numpy.

They understand nothing. What they have is the shape: tests run faster-whisper, llama.cpp and Piper
themselves on them.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def _byte_characters() -> dict[int, str]:
    """The character that byte-level BPE writes for each byte: printable ones stay as they are."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = (byte for byte in range(256) if byte not in kept)
    return {byte: chr(byte) for byte in kept} | {
        byte: chr(256 + place) for place, byte in enumerate(moved)
    }


def build_whisper(directory: Path, say: str) -> Path:
    """A Whisper in CTranslate2's format that hears ``say`` in whatever it is given.

    Attention and feed-forward weights are zero, so only the decoder's position is left to depend
    on: position n is a one-hot vector that the output projection turns into word n.
    """
    from ctranslate2.specs.whisper_spec import WhisperSpec

    width, heads, layers = 64, 2, 1
    directory.mkdir(parents=True, exist_ok=True)
    words = ["Ġ" + word for word in say.split()]
    vocabulary = _write_whisper_tokenizer(directory / "tokenizer.json", words)
    ids = {token: number for number, token in enumerate(vocabulary)}

    spec = WhisperSpec(layers, heads, layers, heads)
    _fill_whisper(spec, width, len(vocabulary))
    decoder = spec.decoder
    decoder.position_encodings.encodings[:width] = np.eye(width, dtype=np.float32) * 8
    # The prompt is <|startoftranscript|><|notimestamps|>, so the first word is said at place 1.
    for place, token in enumerate([*words, "<|endoftext|>"], start=1):
        decoder.projection.weight[ids[token], place] += 4
    config = spec.config
    config.suppress_ids = config.suppress_ids_begin = []
    config.lang_ids = [ids["<|en|>"]]
    config.alignment_heads = [(0, 0)]
    spec.register_vocabulary(vocabulary)
    spec.validate()
    spec.optimize()
    spec.save(str(directory))
    facts = {"feature_size": 80, "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30}
    (directory / "preprocessor_config.json").write_text(json.dumps(facts))
    return directory


def _write_whisper_tokenizer(file: Path, words: list[str]) -> list[str]:
    """Byte-level tokens, one for each word, and Whisper's special ones in Whisper's order."""
    from faster_whisper.tokenizer import _LANGUAGE_CODES
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    text = [*_byte_characters().values(), *sorted(set(words))]
    special = ["<|endoftext|>", "<|startoftranscript|>"]
    special += [f"<|{language}|>" for language in _LANGUAGE_CODES[:99]]
    special += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>"]
    special += ["<|nospeech|>", "<|notimestamps|>"]
    special += [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    bpe = models.BPE(vocab={token: number for number, token in enumerate(text)}, merges=[])
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    tokenizer.save(str(file))
    return text + special


def _fill_whisper(spec: Any, width: int, vocabulary: int) -> None:
    def linear(layer: Any, outputs: int, inputs: int) -> None:
        layer.weight = np.zeros((outputs, inputs), np.float32)
        layer.bias = np.zeros(outputs, np.float32)

    def norm(layer: Any) -> None:
        layer.gamma = np.ones(width, np.float32)
        layer.beta = np.zeros(width, np.float32)

    encoder, decoder = spec.encoder, spec.decoder
    for layer, channels in ((encoder.conv1, 80), (encoder.conv2, width)):
        layer.weight = np.zeros((width, channels, 3), np.float32)
        layer.bias = np.zeros(width, np.float32)
    encoder.position_encodings.encodings = np.zeros((1500, width), np.float32)
    decoder.position_encodings.encodings = np.zeros((448, width), np.float32)
    decoder.embeddings.weight = np.zeros((vocabulary, width), np.float32)
    decoder.projection.weight = np.zeros((vocabulary, width), np.float32)
    norm(encoder.layer_norm)
    norm(decoder.layer_norm)
    for block in [*encoder.layer, *decoder.layer]:
        norm(block.self_attention.layer_norm)
        linear(block.self_attention.linear[0], 3 * width, width)
        linear(block.self_attention.linear[1], width, width)
        norm(block.ffn.layer_norm)
        linear(block.ffn.linear_0, 2 * width, width)
        linear(block.ffn.linear_1, width, 2 * width)
    for block in decoder.layer:
        norm(block.attention.layer_norm)
        linear(block.attention.linear[0], width, width)
        linear(block.attention.linear[1], 2 * width, width)
        linear(block.attention.linear[2], width, width)


def build_gguf(file: Path, context: int = 2048) -> Path:
    """A llama-architecture GGUF with random weights and a token for every byte."""
    import gguf

    width, layers, heads, inner = 64, 2, 4, 128
    random = np.random.default_rng(0)

    def weights(*shape: int) -> Floats:
        return (random.standard_normal(shape) * 0.05).astype(np.float32)

    kinds = gguf.TokenType
    tokens = [b"<unk>", b"<s>", b"</s>", *(f"<0x{byte:02X}>".encode() for byte in range(256))]
    types = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL] + [kinds.BYTE] * 256
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(0)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([int(kind) for kind in types])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(
        "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
    )
    writer.add_tensor("token_embd.weight", weights(len(tokens), width))
    writer.add_tensor("output.weight", weights(len(tokens), width))
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    for number in range(layers):
        block = f"blk.{number}."
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"{block}{name}.weight", np.ones(width, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            writer.add_tensor(f"{block}{name}.weight", weights(width, width))
        for name in ("ffn_gate", "ffn_up"):
            writer.add_tensor(f"{block}{name}.weight", weights(inner, width))
        writer.add_tensor(f"{block}ffn_down.weight", weights(width, inner))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def build_piper_voice(file: Path, rate_hz: int = 16000, samples_per_phoneme: int = 1024) -> Path:
    """A Piper voice that sounds one tone for each phoneme, as long as the length scale says."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

    symbols = 256
    tones = np.random.default_rng(0).uniform(150, 900, symbols).astype(np.float32)
    constants: dict[str, npt.NDArray[Any]] = {
        "tones": tones,
        "per_phoneme": np.array([samples_per_phoneme], np.float32),
        "length_index": np.array(1, np.int64),
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.int64),
        "column": np.array([-1, 1], np.int64),
        "scalar": np.array([], np.int64),
        "radians": np.array([2 * np.pi / rate_hz], np.float32),
        "loudness": np.array([0.3], np.float32),
        "whole": np.array([1, 1, 1, -1], np.int64),
    }
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Gather", ["scales", "length_index"], "scale", {}),
        ("Mul", ["per_phoneme", "scale"], "length", {}),
        ("Cast", ["length"], "length_int", {"to": TensorProto.INT64}),
        ("Reshape", ["length_int", "scalar"], "samples", {}),
        ("Range", ["zero", "samples", "one"], "time_int", {}),
        ("Cast", ["time_int"], "time", {"to": TensorProto.FLOAT}),
        ("Gather", ["tones", "input"], "row", {}),
        ("Reshape", ["row", "column"], "frequency", {}),
        ("Mul", ["frequency", "time"], "turns", {}),
        ("Mul", ["turns", "radians"], "phase", {}),
        ("Sin", ["phase"], "sine", {}),
        ("Mul", ["sine", "loudness"], "quiet", {}),
        ("Reshape", ["quiet", "whole"], "sound", {}),
        # Piper always gives the lengths; an input that nothing reads would be refused.
        ("Cast", ["input_lengths"], "lengths", {"to": TensorProto.FLOAT}),
        ("Sub", ["lengths", "lengths"], "nothing", {}),
        ("Add", ["sound", "nothing"], "output", {}),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node(kind, ins, [out], **extra) for kind, ins, out, extra in steps],
        "tones",
        [
            value("input", TensorProto.INT64, [1, "phonemes"]),
            value("input_lengths", TensorProto.INT64, [1]),
            value("scales", TensorProto.FLOAT, [3]),
        ],
        [value("output", TensorProto.FLOAT, [1, 1, 1, "samples"])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(file))
    facts = {
        "audio": {"sample_rate": rate_hz},
        "espeak": {"voice": "en-us"},
        "phoneme_type": "espeak",
        "num_symbols": symbols,
        "num_speakers": 1,
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8},
        "phoneme_id_map": {key: list(ids) for key, ids in DEFAULT_PHONEME_ID_MAP.items()},
        "speaker_id_map": {},
    }
    Path(f"{file}.json").write_text(json.dumps(facts), encoding="utf-8")
    return file
