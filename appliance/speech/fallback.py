"""A voice that cannot fail to speak: sentence by sentence from the model, else from espeak-ng."""

import re
import time
from collections.abc import Callable, Iterator

from appliance.calls.errors import InferenceError
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    SpeechRequest,
    VoiceEngine,
    WorkCancelledError,
)
from appliance.speech.synthesizer import Synthesizer, at_rate

_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+")
# After a failure the first voice is left alone this long, so that each further sentence does not
# wait for the same time-out again.
_REST_S = 5.0


class FallbackVoice:
    """Speaks with ``first``; a sentence that fails is said, from its beginning, by ``second``.

    Args:
        second: must need no model and no server.
        on_failure: told why, once for each sentence that the first voice did not finish.
        first_timeout_s: for one sentence of the first voice.
    """

    def __init__(
        self, first: Synthesizer, second: Synthesizer,
        on_failure: Callable[[str], None] = lambda _: None,
        first_timeout_s: float = 3.0, monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._first = first
        self._second = second
        self._on_failure = on_failure
        self._first_timeout_s = first_timeout_s
        self._monotonic = monotonic
        self._rests_until = float("-inf")

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        """Yield 16-bit mono PCM at ``rate_hz``.

        Raises:
            InferenceError: when the second voice fails too.
        """
        for sentence in sentences(text):
            yield from self._sentence(sentence, rate_hz, timeout_s)

    def _sentence(self, sentence: str, rate_hz: int, timeout_s: float) -> Iterator[bytes]:
        if self._monotonic() >= self._rests_until:
            try:
                first_s = min(timeout_s, self._first_timeout_s)
                yield from self._first.speak(sentence, rate_hz, timeout_s=first_s)
            except InferenceError as error:
                self._rests_until = self._monotonic() + _REST_S
                self._on_failure(str(error))
            else:
                return
        yield from self._second.speak(sentence, rate_hz, timeout_s=timeout_s)


class EngineVoice:
    """A speech engine in this process, as a `Synthesizer`: it needs no server to be up."""

    def __init__(self, engine: VoiceEngine) -> None:
        self._engine = engine

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        """See `Synthesizer.speak`."""
        cancellation = Cancellation(time.monotonic() + timeout_s)
        try:
            for piece in self._engine.speak(SpeechRequest(text), cancellation):
                yield from at_rate(iter((piece.pcm,)), piece.rate_hz, rate_hz)
        except (BadRequestError, WorkCancelledError, OSError, RuntimeError) as error:
            raise InferenceError(f"the local voice failed: {error}") from error


def sentences(text: str) -> list[str]:
    """``text`` cut after each full stop, question or exclamation mark that a space follows."""
    return [part for part in _BETWEEN_SENTENCES.split(text.strip()) if part]
