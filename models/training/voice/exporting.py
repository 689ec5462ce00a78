"""The trained network and the vocoder as one ONNX graph, with the description that Piper reads."""

import json
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from models.training.files import write_text, write_with
from models.training.voice.acoustics import HOP, RATE_HZ, VOICED
from models.training.voice.network import STEP, Voice, places, symbols_at
from models.training.voice.phonemes import CLUSTERS, ESPEAK_VOICE, IDS, SYMBOLS
from models.training.voice.vocoder import Vocoder

_OPSET: Final = 17


class PiperGraph(nn.Module):
    """One sentence as Piper asks for it."""

    def __init__(self, voice: Voice) -> None:
        super().__init__()
        self.voice, self.vocoder = voice, Vocoder()

    def forward(self, ids: Tensor, lengths: Tensor, scales: Tensor) -> Tensor:
        """Sound of shape (1, 1, 1, samples).

        Args:
            ids: shape (1, n), a pad after every symbol but the last, as Piper puts them.
            lengths: n, shape (1,).
            scales: of noise and of lengths, and one that voices with random lengths have.
        """
        symbols = ids[:, : lengths[0] : 2]
        encoded, length = self.voice.encoded(symbols)
        frames = self.voice.frames_of(symbols[0], length[0], scales[1])
        # A sum of frames is not known beforehand: counted off a row that is as long.
        row = torch.ones_like(frames[:1]).expand(frames.sum().to(torch.int64).clamp(min=STEP))
        at = (torch.cumsum(row, 0) - 1)[::STEP]
        of = symbols_at(frames, at)
        place = places(frames, at, of)[None]
        found = self.voice.decoded(encoded[:, of], place, torch.ones_like(place[..., :1]))[0]
        found = found * self.voice.deviation + self.voice.mean
        voiced = (found[:, VOICED:] > 0).to(found.dtype)
        sound: Tensor = self.vocoder(torch.cat((found[:, :VOICED], voiced), 1), scales[0])
        return sound.reshape(1, 1, 1, -1)


def export(checkpoint: Path, path: Path) -> None:
    """Write the graph to ``path`` and Piper's description beside it."""
    voice = Voice()
    voice.load_state_dict(torch.load(checkpoint, weights_only=True)["network"])
    graph = PiperGraph(voice).eval()
    example = (torch.randint(1, len(SYMBOLS), (1, 41)), torch.tensor([41]), torch.ones(3))

    def write(draft: Path) -> None:
        torch.onnx.export(
            graph,
            example,
            draft,
            input_names=["input", "input_lengths", "scales"],
            output_names=["output"],
            dynamic_axes={"input": {1: "ids"}, "output": {3: "samples"}},
            opset_version=_OPSET,
            dynamo=False,
        )

    with torch.no_grad():
        write_with(path, write)
    write_text(path.with_name(path.name + ".json"), json.dumps(_description(), indent=1) + "\n")


def _description() -> dict[str, Any]:
    return {
        "audio": {"sample_rate": RATE_HZ, "quality": "low"},
        "espeak": {"voice": ESPEAK_VOICE},
        "language": {"code": "en_US"},
        "inference": {"noise_scale": 1.0, "length_scale": 1.0, "noise_w": 0.0},
        "phoneme_type": "espeak",
        "phoneme_id_map": {symbol: [number] for symbol, number in IDS.items()},
        "num_symbols": len(SYMBOLS),
        "num_speakers": 1,
        "speaker_id_map": {},
        "hop_length": HOP,
        "vowel_clusters": sorted(list(cluster) for cluster in CLUSTERS),
    }
