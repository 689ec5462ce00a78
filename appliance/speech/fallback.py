"""A voice that cannot fail to speak: sentence by sentence, from the first server that is well.

In the order of one sentence: the first voice's recording of it, when it is a fixed phrase; the
first voice; the same of the next; and in the end an engine in this very process.
"""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliance.calls.errors import InferenceError
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    SpeechPiece,
    SpeechRequest,
    VoiceEngine,
    WorkCancelledError,
)
from appliance.inference.reading.reader import Reader
from appliance.inference.work import current_work
from appliance.speech.chain import Rung, note_failure, note_use
from appliance.speech.phrases import PhraseCache
from appliance.speech.soundness import SpeechJudge
from appliance.speech.synthesizer import CutSampleError, Synthesizer, at_rate

STAGE = "synthesizer"
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True, slots=True)
class Voice:
    """One server's voice, and its fixed phrases as they were recorded.

    Attributes:
        live: speaks while the caller waits.
    """

    live: Synthesizer
    phrases: PhraseCache | None = None


class VoiceChain:
    """Speaks with the first voice that is well; a sentence that fails is said anew by the next.

    Args:
        voices: best first; at least one.
        last: must need no model and no server.
        last_name: in events and logs.
        timeout_s: for one sentence of one voice.
    """

    def __init__(
        self, voices: Sequence[Rung[Voice]], last: Synthesizer, *, last_name: str = "espeak-ng",
        timeout_s: float = 3.0,
    ) -> None:  # fmt: skip
        self._voices = tuple(voices)
        self._last = last
        self._last_name = last_name
        self._timeout_s = timeout_s

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        """Yield 16-bit mono PCM at ``rate_hz``.

        Raises:
            InferenceError: when the last voice fails too.
        """
        for sentence in sentences(text):
            yield from self._sentence(sentence, rate_hz, timeout_s)

    def _sentence(self, sentence: str, rate_hz: int, timeout_s: float) -> Iterator[bytes]:
        reason = ""
        for rank, rung in enumerate(self._voices):
            phrases = rung.engine.phrases
            kept = phrases.kept(sentence, rate_hz) if phrases is not None else None
            if kept is not None:
                yield from kept
                return
            try:
                with rung.working():
                    limit_s = min(timeout_s, self._timeout_s)
                    yield from rung.engine.live.speak(sentence, rate_hz, timeout_s=limit_s)
            except CutSampleError as error:
                # All of it was heard but half a sample: to say it again would be worse.
                note_failure(STAGE, rung.name, error, "nothing: the sentence was said")
                return
            except InferenceError as error:
                reason = str(error)
                note_failure(STAGE, rung.name, error, self._after(rank))
            else:
                note_use(STAGE, rank, rung.name, reason)
                return
        note_use(STAGE, len(self._voices), self._last_name, reason)
        yield from self._last.speak(sentence, rate_hz, timeout_s=timeout_s)

    def _after(self, rank: int) -> str:
        well = [rung.name for rung in self._voices[rank + 1 :] if not rung.resting]
        return well[0] if well else self._last_name


class JudgedVoice:
    """A voice of which only speech is handed on: silence and noise are errors.

    Chunks of silence before the first sound are left out, and so nothing is heard of a voice that
    only makes silence.
    """

    def __init__(self, voice: Synthesizer) -> None:
        self._voice = voice

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        """See `Synthesizer.speak`.

        Raises:
            NoSpeechError: what comes is not speech.
        """
        judge = SpeechJudge(text, rate_hz)
        try:
            for pcm in self._voice.speak(text, rate_hz, timeout_s=timeout_s):
                judge.take(pcm)
                if judge.heard_anything:
                    yield pcm
        except CutSampleError:
            judge.end()
            raise
        judge.end()


class EngineVoice:
    """A speech engine in this process, as a `Synthesizer`: it needs no server to be up.

    Args:
        reader: writes numbers, times and a site's names as they are said.
    """

    def __init__(self, engine: VoiceEngine, reader: Reader | None = None) -> None:
        self._engine = engine
        self._reader = reader or Reader()
        self._phonemes = bool(getattr(engine, "takes_phonemes", False))

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        """See `Synthesizer.speak`."""
        cancellation = Cancellation(time.monotonic() + timeout_s)
        words = self._reader.read(text, phonemes=self._phonemes)
        try:
            for piece in self._pieces(words, cancellation):
                yield from at_rate(iter((piece.pcm,)), piece.rate_hz, rate_hz)
        except (BadRequestError, WorkCancelledError, OSError, RuntimeError) as error:
            raise InferenceError(f"the local voice failed: {error}") from error

    def _pieces(self, words: str, cancellation: Cancellation) -> Iterator[SpeechPiece]:
        """In the voice of the work; in the engine's own when that voice is another engine's."""
        wanted = current_work().voice
        try:
            yield from self._engine.speak(SpeechRequest(words, wanted), cancellation)
        except BadRequestError as error:
            if not wanted or error.param != "voice":
                raise
            yield from self._engine.speak(SpeechRequest(words), cancellation)


def sentences(text: str) -> list[str]:
    """``text`` cut after each full stop, question or exclamation mark that a space follows."""
    return [part for part in _BETWEEN_SENTENCES.split(text.strip()) if part]
