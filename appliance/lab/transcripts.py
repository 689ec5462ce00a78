"""Turning what phones heard into words: cut at silences into pieces that a Whisper takes whole."""

from dataclasses import dataclass
from typing import Protocol

from appliance.calls.errors import InferenceError
from appliance.lab.hearing import Ear
from appliance.lab.sound import frames_of, peak

MOST_SECONDS = 5.5
_LEAST_SECONDS = 2.5
_PADDING_FRAMES = 10


class Text(Protocol):
    """What a recognizer gives back."""

    @property
    def text(self) -> str:
        """The words."""


class Recognizer(Protocol):
    """The part of ``appliance.speech.recognizer.Recognizer`` that the lab needs."""

    def transcribe(self, pcm: bytes, rate_hz: int, *, timeout_s: float = ...) -> Text:
        """Words of 16-bit mono PCM."""


@dataclass(frozen=True, slots=True)
class HeardText:
    """Words a phone heard, and when (the clock's seconds)."""

    started_at: float
    ended_at: float
    text: str


def cut(pcm: bytes, rate_hz: int) -> list[bytes]:
    """Pieces of at most 5.5 s, each cut at the quietest 20 ms after its first 2.5 s."""
    frames = frames_of(pcm, rate_hz)
    most, least = int(MOST_SECONDS * 50), int(_LEAST_SECONDS * 50)
    pieces = []
    while len(frames) > most:
        at = min(range(least, most), key=lambda index: peak(frames[index]))
        pieces.append(b"".join(frames[:at]))
        frames = frames[at:]
    return [*pieces, b"".join(frames)]


def transcribe(ear: Ear, recognizer: Recognizer, timeout_s: float = 20.0) -> list[HeardText]:
    """Everything an ear heard, in order. A piece that the recognizer fails on is left out.

    A fifth of a second of silence is put before and after each piece: a word that begins with the
    recording is misheard.
    """
    found = []
    padding = bytes(ear.rate_hz // 50 * 2 * _PADDING_FRAMES)
    for heard in ear.pieces():
        words = []
        for piece in cut(heard.pcm, ear.rate_hz):
            padded = padding + piece + padding
            try:
                words.append(recognizer.transcribe(padded, ear.rate_hz, timeout_s=timeout_s).text)
            except InferenceError:
                continue
        text = " ".join(word for word in words if word)
        if text:
            found.append(HeardText(heard.started_at, heard.ended_at, text))
    return found
