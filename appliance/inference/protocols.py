"""What an engine is: one protocol for each kind, and the plain data that goes in and out.

An engine is driven by one thread of its own (`appliance.inference.host`): `load` first, then one
request at a time. It may therefore block, and needs no locks.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]
"""Mono audio, -1 to 1, shape (n,)."""

RECOGNIZER_RATE_HZ = 16000
"""What every recogniser is given."""


class WorkCancelledError(Exception):
    """The caller is gone or its time is up: whatever was being computed is of no use any more."""


class BadRequestError(Exception):
    """The request cannot be served as it stands, by this engine or at all.

    Attributes:
        code: short stable word for the error body.
        param: the request's field that is wrong.
    """

    def __init__(self, message: str, *, code: str = "invalid_value", param: str | None = None):
        super().__init__(message)
        self.code = code
        self.param = param


class Cancellation:
    """Tells an engine, from another thread, to stop what it is doing.

    Args:
        deadline: moment by ``monotonic`` after which nobody waits for the result.
    """

    def __init__(self, deadline: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._deadline = deadline
        self._monotonic = monotonic
        self._cancelled = False

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._cancelled = True

    @property
    def requested(self) -> bool:
        """Whether to stop: cancelled or too late."""
        return self._cancelled or self._monotonic() >= self._deadline

    def check(self) -> None:
        """Raise `WorkCancelledError` when it is time to stop."""
        if self.requested:
            raise WorkCancelledError


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """An utterance.

    Attributes:
        samples: audio at `RECOGNIZER_RATE_HZ`.
        prompt: text that came before, for the model's context.
        hotwords: names that are likely to be said.
    """

    samples: Samples
    language: str = "en"
    prompt: str = ""
    hotwords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One word as it was written down, and how sure the model was of it: 0 to 1."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class TranscriptSegment:
    """A stretch of speech and what was heard in it; times in seconds of the request's audio.

    Attributes:
        words: empty where the engine does not say how sure it is of each.
    """

    start_s: float
    end_s: float
    text: str
    avg_logprob: float
    no_speech_prob: float
    compression_ratio: float
    words: tuple[HeardWord, ...] = ()


@dataclass(frozen=True, slots=True)
class Transcription:
    """What was heard.

    Attributes:
        confidence: 0 to 1, from the tokens' mean log probability; 0 when nothing was heard.
        no_speech_prob: 0 to 1; 1 when the voice-activity gate let nothing through.
        dropped: what was heard and not believed, with the reason, for the record.
        normalised: ``text`` with letters that were spelled joined to words; ``text`` stays as
            it was heard.
    """

    text: str
    confidence: float
    no_speech_prob: float
    segments: tuple[TranscriptSegment, ...] = ()
    dropped: tuple[str, ...] = ()
    normalised: str = ""

    @property
    def words(self) -> tuple[HeardWord, ...]:
        """The words of all segments."""
        return tuple(word for segment in self.segments for word in segment.words)


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message; ``role`` is ``system``, ``user`` or ``assistant``."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A conversation to go on with.

    Attributes:
        schema: JSON schema the answer must match; None for free text.
        max_tokens: the answer is cut there, with finish reason ``length``.
        call: whose conversation it is; engines may keep what they computed of it.
    """

    messages: tuple[ChatMessage, ...]
    schema: Mapping[str, Any] | None = None
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int | None = None
    call: str = ""


@dataclass(frozen=True, slots=True)
class ChatPiece:
    """A piece of the answer. Only the last has a ``finish_reason`` and the token counts.

    Attributes:
        cached_tokens: of the prompt's, those that had been evaluated before.
    """

    text: str
    finish_reason: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A text to speak; ``speed`` 1.0 is the voice's own."""

    text: str
    voice: str = ""
    speed: float = 1.0


@dataclass(frozen=True, slots=True)
class SpeechPiece:
    """A stretch of speech: 16-bit signed little-endian mono at ``rate_hz``."""

    pcm: bytes
    rate_hz: int


class Engine(Protocol):
    """What all engines have."""

    @property
    def name(self) -> str:
        """Engine and model in one word, as reported to clients: ``piper:en_US-amy``."""
        ...

    def load(self) -> None:
        """Read the model and warm it up. Raises whatever its library raises."""
        ...


@runtime_checkable
class Closable(Protocol):
    """An engine that holds memory which Python does not free by itself."""

    def close(self) -> None:
        """Free it; nothing is asked of the engine after."""
        ...


class RecognizerEngine(Engine, Protocol):
    """Speech to text."""

    def transcribe(
        self, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Iterator[Transcription]:
        """Yield one transcription."""
        ...


class ChatEngine(Engine, Protocol):
    """Text to text."""

    def chat(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[ChatPiece]:
        """Yield the answer piece by piece."""
        ...


@dataclass(frozen=True, slots=True)
class Warmed:
    """What was made ready for a call: tokens of its prompt, and how many of them were there."""

    prompt_tokens: int
    cached_tokens: int


@runtime_checkable
class PrefixEngine(Protocol):
    """A chat engine that keeps, for each call, what it computed of its prompt."""

    def warm(self, request: ChatRequest, cancellation: Cancellation) -> Iterator[Warmed]:
        """Evaluate what requests that begin with these messages will have in common."""
        ...

    def forget(self, call: str) -> None:
        """The call is over. May be called from any thread."""
        ...


class VoiceEngine(Engine, Protocol):
    """Text to speech."""

    def speak(self, request: SpeechRequest, cancellation: Cancellation) -> Iterator[SpeechPiece]:
        """Yield the speech clause by clause, the first one as early as the engine can."""
        ...


@dataclass(slots=True)
class EngineHealth:
    """How one engine does, for ``/health``.

    Attributes:
        state: ``loading``, ``ready``, ``stalled`` (it hangs, and is being replaced), ``failed`` or
            ``stopped``.
        reason: why it failed or was replaced; empty otherwise.
        waiting: requests in its queue now.
        workers: requests that it can work on at once now.
        replaced: how often it hung and was replaced.
        service_ms: what a request takes on average, moving.
        wait_ms: what one waits before, on average, moving.
    """

    engine: str
    state: str
    reason: str = ""
    load_ms: float = 0.0
    waiting: int = 0
    served: int = 0
    workers: int = 0
    replaced: int = 0
    service_ms: float = 0.0
    wait_ms: float = 0.0
