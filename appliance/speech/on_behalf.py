"""A voice that works for one call: its server knows whose work it is, and the call who spoke."""

from collections.abc import Iterator

from appliance.inference.work import Work, working_for
from appliance.speech.synthesizer import Synthesizer


class VoiceFor:
    """``voice``, asked on behalf of ``work``, whoever reads the speech."""

    def __init__(self, voice: Synthesizer, work: Work) -> None:
        self._voice = voice
        self._work = work

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        """See `Synthesizer.speak`."""
        with working_for(self._work):
            chunks = iter(self._voice.speak(text, rate_hz, timeout_s=timeout_s))
        try:
            while True:
                # Set for each chunk: between two, the reader goes about its own work.
                with working_for(self._work):
                    chunk = next(chunks, None)
                if chunk is None:
                    return
                yield chunk
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
