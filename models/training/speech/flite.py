"""libflite through ctypes: speech with the times of its phones and words."""

import ctypes as c
from collections.abc import Sequence
from typing import Any, ClassVar, Final

import numpy as np

from models.training.speech.speaking import Span, Speech, written

_VOICES: Final = {
    "slt": "cmu_us_slt", "rms": "cmu_us_rms", "awb": "cmu_us_awb", "kal16": "cmu_us_kal16",
    "kal": "cmu_us_kal",
}  # fmt: skip


class _Voice(c.Structure):
    _fields_: ClassVar = [("name", c.c_char_p), ("features", c.c_void_p)]


class _Wave(c.Structure):
    _fields_: ClassVar = [
        ("type", c.c_char_p), ("rate_hz", c.c_int), ("count", c.c_int), ("channels", c.c_int),
        ("samples", c.POINTER(c.c_short)),
    ]  # fmt: skip


_FUNCTIONS: Final[dict[str, tuple[Any, list[Any]]]] = {
    "flite_synth_text": (c.c_void_p, [c.c_char_p, c.POINTER(_Voice)]),
    "utt_wave": (c.POINTER(_Wave), [c.c_void_p]),
    "utt_relation": (c.c_void_p, [c.c_void_p, c.c_char_p]),
    "relation_head": (c.c_void_p, [c.c_void_p]),
    "item_next": (c.c_void_p, [c.c_void_p]),
    "item_feat_string": (c.c_char_p, [c.c_void_p, c.c_char_p]),
    "item_feat_float": (c.c_float, [c.c_void_p, c.c_char_p]),
    "path_to_item": (c.c_void_p, [c.c_void_p, c.c_char_p]),
    "delete_utterance": (None, [c.c_void_p]),
    "flite_feat_set_float": (None, [c.c_void_p, c.c_char_p, c.c_float]),
}


class Flite:
    """One process's flite with its American and Scottish voices.

    Raises:
        RuntimeError: when the library or a voice is not there.
    """

    def __init__(self) -> None:
        self._library = _shared("libflite.so.1")
        _shared("libflite_cmulex.so.1")
        _shared("libflite_usenglish.so.1")
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._library.flite_init()
        self._voices: dict[str, Any] = {}

    def _voice(self, name: str) -> Any:
        if name not in self._voices:
            if name not in _VOICES:
                raise ValueError(f"flite has no voice {name!r}; it has {', '.join(_VOICES)}")
            library = _shared(f"lib{'flite_' + _VOICES[name]}.so.1")
            register = getattr(library, f"register_{_VOICES[name]}")
            register.restype, register.argtypes = c.POINTER(_Voice), [c.c_char_p]
            self._voices[name] = register(None)
        return self._voices[name]

    def speak(
        self, words: Sequence[str], voice: str, stretch: float = 1.0, pitch_hz: float | None = None
    ) -> Speech:
        """Say words in one breath.

        Args:
            words: as `lexicon.spoken_words` gives them.
            voice: "slt", "rms", "awb", "kal16" or "kal".
            stretch: of all durations.
            pitch_hz: mean of the fundamental, None for the voice's own; "rms" ignores it.

        Raises:
            ValueError: when there is no such voice.
        """
        library, chosen = self._library, self._voice(voice)
        features = chosen[0].features
        library.flite_feat_set_float(features, b"duration_stretch", stretch)
        if pitch_hz is not None:
            library.flite_feat_set_float(features, b"int_f0_target_mean", pitch_hz)
        text, owners = written(words)
        utterance = library.flite_synth_text(text.encode(), chosen)
        wave = library.utt_wave(utterance)[0]
        rate_hz = int(wave.rate_hz)
        pcm = np.ctypeslib.as_array(wave.samples, shape=(wave.count,))
        samples = pcm.astype(np.float32) / np.float32(32768)
        segments = self._segments(utterance)
        library.delete_utterance(utterance)
        phones = tuple(Span(start, end, "f:" + name) for start, end, name, _ in segments)
        return Speech(samples, rate_hz, phones, _word_spans(segments, owners))

    def _segments(self, utterance: int) -> list[tuple[float, float, str, int | None]]:
        """(start, end, phone, address of the token it belongs to) of each segment."""
        library = self._library
        item = library.relation_head(library.utt_relation(utterance, b"Segment"))
        found, start = [], 0.0
        while item:
            token = library.path_to_item(item, b"R:SylStructure.parent.parent.R:Token.parent")
            end = float(library.item_feat_float(item, b"end"))
            found.append((start, end, library.item_feat_string(item, b"name").decode(), token))
            item, start = library.item_next(item), end
        return found


def _word_spans(
    segments: Sequence[tuple[float, float, str, int | None]], owners: Sequence[int]
) -> tuple[tuple[int, float, float], ...]:
    spans: list[tuple[int, float, float]] = []
    token, seen = -1, None
    for start, end, _, address in segments:
        if address is None:
            continue
        if address != seen:
            token, seen = token + 1, address
            if token < len(owners):
                spans.append((owners[token], start, end))
        elif spans:
            spans[-1] = (spans[-1][0], spans[-1][1], end)
    # A token said as two would shift all that follow: then no span is better than a wrong one.
    return tuple(spans) if token + 1 == len(owners) else ()


def _shared(name: str) -> c.CDLL:
    try:
        return c.CDLL(name, mode=c.RTLD_GLOBAL)
    except OSError as error:
        raise RuntimeError(f"{name} is missing: apt install libflite1") from error
