"""Several recognisers in a row: the first that is well hears the turn."""

from collections.abc import Sequence

from appliance.speech.chain import Rung, first_answer
from appliance.speech.recognizer import Recognizer, Transcript

STAGE = "recognizer"
LAST_RESORT = "keypad"


class RecognizerChain:
    """A `Recognizer` out of several. When all fail the caller is given keys by the conversation."""

    def __init__(self, recognizers: Sequence[Rung[Recognizer]]) -> None:
        self._recognizers = tuple(recognizers)

    def transcribe(
        self,
        pcm: bytes,
        rate_hz: int,
        *,
        hotwords: Sequence[str] = (),
        timeout_s: float = 5.0,
    ) -> Transcript:
        """See `Recognizer.transcribe`; ``timeout_s`` is for all of them together."""

        def ask(recognizer: Recognizer, limit_s: float) -> Transcript:
            return recognizer.transcribe(pcm, rate_hz, hotwords=hotwords, timeout_s=limit_s)

        return first_answer(STAGE, self._recognizers, ask, timeout_s, LAST_RESORT)
