"""libespeak-ng through ctypes: speech with the times of its phones and words."""

import ctypes as c
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from models.training.speech.speaking import Span, Speech, written

_SYNCHRONOUS, _PHONEME_EVENTS = 2, 1
_CHARACTERS_UTF8, _POSITION_IS_CHARACTER = 1, 1
_END, _WORD, _PHONEME = 0, 1, 7
_RATE, _PITCH, _RANGE = 1, 3, 4


class _Id(c.Union):
    _fields_: ClassVar = [("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8)]


class _Event(c.Structure):
    _fields_: ClassVar = [
        ("type", c.c_int), ("unique_identifier", c.c_uint), ("text_position", c.c_int),
        ("length", c.c_int), ("audio_position", c.c_int), ("sample", c.c_int),
        ("user_data", c.c_void_p), ("id", _Id),
    ]  # fmt: skip


_Callback = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


class Espeak:
    """One process's espeak-ng.

    Raises:
        RuntimeError: when the library or its voices are not there.
    """

    def __init__(self) -> None:
        try:
            self._library = c.CDLL("libespeak-ng.so.1")
        except OSError as error:
            raise RuntimeError("libespeak-ng.so.1 is missing: apt install libespeak-ng1") from error
        self._rate_hz = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS))
        if self._rate_hz <= 0:
            raise RuntimeError("espeak-ng finds no voices: apt install espeak-ng-data")
        self._pieces: list[Any] = []
        self._events: list[tuple[int, int, int, str]] = []
        self._callback = _Callback(self._receive)
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, wave: Any, count: int, events: Any) -> int:
        if wave and count > 0:
            self._pieces.append(np.ctypeslib.as_array(wave, shape=(count,)).copy())
        at = 0
        while events[at].type != _END:
            event = events[at]
            name = bytes(event.id.string).decode("utf-8", "replace")
            known = name if event.type == _PHONEME else ""
            self._events.append((event.type, event.sample, event.text_position, known))
            at += 1
        return 0

    def speak(
        self, words: Sequence[str], voice: str, rate: int = 175, pitch: int = 50, spread: int = 50
    ) -> Speech:
        """Say words in one breath.

        Args:
            words: as `lexicon.spoken_words` gives them.
            voice: espeak-ng's name, a variant after a plus sign.
            rate: words a minute.
            pitch: 0 to 99.
            spread: of the pitch, 0 to 99.

        Raises:
            ValueError: when there is no such voice.
        """
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"espeak-ng has no voice {voice!r}")
        for name, value in ((_RATE, rate), (_PITCH, pitch), (_RANGE, spread)):
            self._library.espeak_SetParameter(name, value, 0)
        self._pieces.clear()
        self._events.clear()
        text, owners = written(words)
        data = text.encode() + b"\0"
        self._library.espeak_Synth(
            data, len(data), 0, _POSITION_IS_CHARACTER, 0, _CHARACTERS_UTF8, None, None
        )
        self._library.espeak_Synchronize()
        samples = np.concatenate(self._pieces).astype(np.float32) / np.float32(32768)
        length = len(samples) / self._rate_hz
        phones = self._phones(length)
        return Speech(samples, self._rate_hz, phones, self._words(text, owners, phones, length))

    def _phones(self, length: float) -> tuple[Span, ...]:
        found = [
            (at / self._rate_hz, name) for kind, at, _, name in self._events if kind == _PHONEME
        ]
        ends = [start for start, _ in found[1:]] + [length]
        return tuple(
            Span(start, end, "e:" + name) for (start, name), end in zip(found, ends, strict=True)
        )

    def _words(
        self, text: str, owners: Sequence[int], phones: Sequence[Span], length: float
    ) -> tuple[tuple[int, float, float], ...]:
        """Each token's span; tokens that espeak-ng said as one share theirs."""
        token_at: dict[int, int] = {}
        position = 1
        for index, token in enumerate(text.split()):
            token_at[position] = index
            position += len(token) + 1
        events = [
            (at / self._rate_hz, token_at[where])
            for kind, at, where, _ in self._events
            if kind == _WORD and where in token_at
        ]
        if not events:
            return ()
        pauses = [
            p.start_s for p in phones if p.label[2:].startswith("_") and p.start_s > events[-1][0]
        ]
        starts = [*events, (min(pauses, default=length), len(owners))]
        return tuple(
            (owners[token], start, end)
            for (start, first), (end, following) in pairwise(starts)
            for token in range(first, following)
        )
