"""Engines that answer at once, in the controller's own process."""

from collections.abc import Iterator, Sequence

from appliance.lab.sound import tone
from appliance.speech.recognizer import Transcript

MS_PER_CHARACTER = 10
HEARD = "what are your opening hours"
"""Answered by a rule, without end: the caller may ask again after every answer."""


class InstantRecognizer:
    """Hears the same sentence in everything."""

    def transcribe(
        self, pcm: bytes, rate_hz: int, *, hotwords: Sequence[str] = (), timeout_s: float = 5.0
    ) -> Transcript:
        """See `appliance.speech.recognizer.Recognizer`."""
        del pcm, rate_hz, hotwords, timeout_s
        return Transcript(HEARD, 1.0, 0.0, 0.0, "instant")


class InstantVoice:
    """Says everything as a tone, ten times as fast as people speak, so that turns are many.

    No sample of the tone's frames is all zero, so a phone can tell them from silence.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[int, int], bytes] = {}

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        """See `appliance.speech.synthesizer.Synthesizer`."""
        del timeout_s
        key = (len(text), rate_hz)
        if key not in self._said:
            self._said[key] = tone(rate_hz, len(text) * MS_PER_CHARACTER / 1000)
        yield self._said[key]
