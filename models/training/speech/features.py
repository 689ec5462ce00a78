"""Log-mel frames as faster-whisper makes them, before and after Whisper's scaling."""

from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.float32]
"""Log-mel energies, shape (frames, MELS)."""

MELS: Final = 80
RATE_HZ: Final = 16000
HOP: Final = 320
N_FFT: Final = 400
FRAME_S: Final = HOP / RATE_HZ
CHUNK_S: Final = 9
"""Longest example in training."""
PIECE_S: Final = 6
"""Longest piece of speech that the engine shows the model: few examples were longer."""
FRAMES: Final = int(CHUNK_S / FRAME_S)
_FLOOR: Final = 8.0


@cache
def _extractor() -> Any:
    from faster_whisper.feature_extractor import FeatureExtractor

    return FeatureExtractor(
        feature_size=MELS, sampling_rate=RATE_HZ, hop_length=HOP, chunk_length=CHUNK_S, n_fft=N_FFT
    )


def log_mel(samples: npt.NDArray[np.float32]) -> Frames:
    """log10 of mel power, not scaled; ``samples`` at 16 kHz. One frame for each `FRAME_S`."""
    scaled = _extractor()(samples)[:, :-1]
    return np.ascontiguousarray(scaled.T * 4.0 - 4.0, dtype=np.float32)


def scaled(frames: Frames) -> Frames:
    """What Whisper's encoder is shown: eight decades under the loudest, about -1 to 1."""
    return np.asarray((np.maximum(frames, frames.max() - _FLOOR) + 4.0) / 4.0, np.float32)
