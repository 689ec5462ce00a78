"""The parameters that flite's voice "slt" predicts for a text, before it makes them into sound."""

import ctypes as c
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np

from models.training.speech.flite import Flite
from models.training.speech.speaking import Span
from models.training.voice.acoustics import CEPSTRA, FEATURES, PITCH, VOICED, Frames, sharpened


class _Track(c.Structure):
    _fields_: ClassVar = [
        ("type", c.c_char_p), ("frames", c.c_int), ("channels", c.c_int),
        ("times", c.POINTER(c.c_float)), ("values", c.POINTER(c.POINTER(c.c_float))),
    ]  # fmt: skip


_FUNCTIONS: Final[dict[str, tuple[Any, list[Any]]]] = {
    "feat_val": (c.c_void_p, [c.c_void_p, c.c_char_p]),
    "val_track": (c.POINTER(_Track), [c.c_void_p]),
    "val_cg_db": (c.c_void_p, [c.c_void_p]),
    "mlpg": (c.POINTER(_Track), [c.POINTER(_Track), c.c_void_p]),
    "delete_track": (None, [c.POINTER(_Track)]),
}
_LOUDEST: Final = float(np.log(32768.0))  # flite counts in steps of 16-bit samples


@dataclass(frozen=True, slots=True)
class Described:
    """A text's phones with their times, and its frames, shape (n, `acoustics.FEATURES`)."""

    phones: tuple[Span, ...]
    frames: Frames


class Clustergen(Flite):
    """One process's flite, asked for what it would say instead of the sound."""

    def __init__(self) -> None:
        super().__init__()
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments

    def describe(self, text: str) -> Described:
        """What "slt" would say.

        Raises:
            ValueError: when flite makes no voiced frame of the text.
        """
        library = self._library
        utterance = library.flite_synth_text(text.encode(), self._voice("slt"))
        try:
            # An utterance begins with the pointer to its features.
            features = c.cast(utterance, c.POINTER(c.c_void_p))[0]
            tracks = [
                library.val_track(library.feat_val(features, name))
                for name in (b"param_track", b"str_track")
            ]
            smooth = library.mlpg(
                tracks[0], library.val_cg_db(library.feat_val(features, b"cg_db"))
            )
            predicted, strengths = _values(smooth[0]), _values(tracks[1][0])
            library.delete_track(smooth)
            segments = self._segments(utterance)
        finally:
            library.delete_utterance(utterance)
        phones = tuple(Span(start, end, name) for start, end, name, _ in segments)
        return Described(phones, _frames(predicted, strengths))


def _values(track: _Track) -> Frames:
    rows = [track.values[row][: track.channels] for row in range(track.frames)]
    return np.array(rows, dtype=np.float32)


def _frames(predicted: Frames, strengths: Frames) -> Frames:
    hertz = predicted[:, 0]
    voiced = np.flatnonzero(hertz > 0)
    if not len(voiced):
        raise ValueError("flite says nothing of this")
    frames = np.empty((len(predicted), FEATURES), dtype=np.float32)
    frames[:, :CEPSTRA] = sharpened(predicted[:, 1 : CEPSTRA + 1])
    frames[:, 0] -= _LOUDEST
    frames[:, CEPSTRA:PITCH] = strengths[: len(frames)]
    # Between voiced stretches the pitch glides: a network learns that better than a hole.
    frames[:, PITCH] = np.interp(np.arange(len(hertz)), voiced, np.log(hertz[voiced]))
    frames[:, VOICED] = hertz > 0
    return frames
