"""Engines that answer at once and understand nothing.

They exist for benches that time everything around the models. `EngineOptions.model` is what the
recogniser hears and what the chat engine answers, whatever it is sent.
"""

from collections.abc import Iterator

import numpy as np

from appliance.inference.config import EngineOptions
from appliance.inference.protocols import (
    Cancellation,
    ChatPiece,
    ChatRequest,
    SpeechPiece,
    SpeechRequest,
    Transcription,
    TranscriptionRequest,
)

_RATE_HZ = 8000
_TONE_HZ = 440
_MS_PER_CHARACTER = 60
_SHORTEST_MS = 200


class InstantRecognizer:
    """Hears the configured text."""

    def __init__(self, options: EngineOptions) -> None:
        self.name = "instant"
        self._text = options.model

    def load(self) -> None:
        """Nothing to read."""

    def transcribe(
        self, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Iterator[Transcription]:
        """Yield the configured text."""
        del request
        cancellation.check()
        yield Transcription(self._text, 1.0 if self._text else 0.0, 0.0)


class InstantChat:
    """Answers with the configured text; an empty JSON object when there is none."""

    def __init__(self, options: EngineOptions) -> None:
        self.name = "instant"
        self._answer = options.model or "{}"

    def load(self) -> None:
        """Nothing to read."""

    def chat(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[ChatPiece]:
        """Yield the configured text."""
        del request
        cancellation.check()
        yield ChatPiece(self._answer)
        yield ChatPiece("", "stop")


class InstantVoice:
    """A tone as long as the text would take to say, so that a bench can tell it from silence."""

    def __init__(self, options: EngineOptions) -> None:
        del options
        self.name = "instant"

    def load(self) -> None:
        """Nothing to read."""

    def speak(self, request: SpeechRequest, cancellation: Cancellation) -> Iterator[SpeechPiece]:
        """Yield the tone in one piece."""
        cancellation.check()
        ms = max(_SHORTEST_MS, len(request.text) * _MS_PER_CHARACTER)
        time_s = np.arange(ms * _RATE_HZ // 1000) / _RATE_HZ
        tone = np.sin(2 * np.pi * _TONE_HZ * time_s) * 8000
        yield SpeechPiece(tone.astype("<i2").tobytes(), _RATE_HZ)
