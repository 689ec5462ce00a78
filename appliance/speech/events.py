"""What the turn taker noticed. Past tense, frozen; times are audio milliseconds of the call."""

from dataclasses import dataclass
from enum import StrEnum


class Expectation(StrEnum):
    """What kind of answer the last prompt asks for: it decides how long a pause may be."""

    OPEN = "open"
    CLOSED = "closed"
    DIGITS = "digits"


class EndReason(StrEnum):
    """Why a turn was taken to be over."""

    FINISHED = "finished"
    SHORT_ANSWER = "short_answer"
    DEFAULT = "default"
    UNFINISHED = "unfinished"
    DIGITS = "digits"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    """Base of all. ``at_ms``: the end of the frame with which it was noticed."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class SpeechStarted(SpeechEvent):
    """The caller has begun to speak, at ``started_ms``."""

    started_ms: int


@dataclass(frozen=True, slots=True)
class SpeechResumed(SpeechEvent):
    """The caller goes on after a ``PauseStarted``: what was made of that pause is void."""


@dataclass(frozen=True, slots=True)
class SpeechDismissed(SpeechEvent):
    """What had started was no speech (a tone, noise, our echo) or too short: no turn follows."""


@dataclass(frozen=True, slots=True)
class PauseStarted(SpeechEvent):
    """The caller has paused; the turn may be over. Time to transcribe on speculation.

    Attributes:
        pcm: the turn so far, 16-bit mono at the call's rate, with some silence around it.
        started_ms: the first frame of speech.
        last_audible_ms: end of the last frame within 34 dB of the turn's peak.
    """

    pcm: bytes
    started_ms: int
    last_audible_ms: int


@dataclass(frozen=True, slots=True)
class TurnEnded(SpeechEvent):
    """The caller's turn is over.

    Attributes:
        pcm, started_ms, last_audible_ms: as for ``PauseStarted``, of the whole turn.
        delay_ms: from the last audible frame to this decision.
    """

    pcm: bytes
    started_ms: int
    last_audible_ms: int
    delay_ms: int
    reason: EndReason


@dataclass(frozen=True, slots=True)
class BargedIn(SpeechEvent):
    """The caller interrupts what is being played. Stop it."""

    started_ms: int


@dataclass(frozen=True, slots=True)
class BackChannel(SpeechEvent):
    """The caller said something short while being spoken to ("mhm"). Go on speaking."""
