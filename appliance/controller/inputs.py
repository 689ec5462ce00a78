"""What can arrive at a call session while it waits. One inbox, one order, one reader."""

from collections.abc import Callable
from dataclasses import dataclass

from appliance.calls.orders import Order, OrderAnswer
from appliance.calls.transfer import TransferResult


@dataclass(frozen=True, slots=True)
class CallerSaid:
    """A turn of the caller's, transcribed.

    Attributes:
        started_ms, ended_ms: audio time of the speech itself.
        decided_at: monotonic seconds when the endpointer decided; replies are timed from it.
        endpoint_ms: from the last audible frame to that decision.
        transcribe_ms: what the recogniser took beyond that decision.
    """

    text: str
    confidence: float
    model: str
    started_ms: int
    ended_ms: int
    decided_at: float
    endpoint_ms: float
    transcribe_ms: float


@dataclass(frozen=True, slots=True)
class CallerPressed:
    """A key of the caller's telephone."""

    digit: str


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The recogniser could not be asked; ``error`` says why."""

    error: str


@dataclass(frozen=True, slots=True)
class AtCapacity:
    """The engines have as many calls as they can serve; ``error`` is what they said."""

    error: str


@dataclass(frozen=True, slots=True)
class MediaStopped:
    """No audio came from the caller's phone for the watchdog's time."""

    silent_ms: int


@dataclass(frozen=True, slots=True)
class TransferDone:
    """An attempt to connect the caller ended."""

    result: TransferResult


@dataclass(frozen=True, slots=True)
class Hangup:
    """The caller's leg is gone. ``cause`` in FreeSWITCH's words."""

    cause: str


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The Event Socket session ended while the leg may still be up."""


@dataclass(frozen=True, slots=True)
class Superseded:
    """The same leg came back on a new session, which carries on from here."""


@dataclass(frozen=True, slots=True)
class FinishedSpeaking:
    """All that was to be said was heard, or cut short; from here the caller's silence counts."""


@dataclass(frozen=True, slots=True)
class OrderGiven:
    """Somebody at the operators' page wants something done; ``answer`` is called once."""

    order: Order
    answer: Callable[[OrderAnswer], None]


Input = (
    CallerSaid
    | CallerPressed
    | NotUnderstood
    | AtCapacity
    | MediaStopped
    | TransferDone
    | Hangup
    | SessionClosed
    | Superseded
    | FinishedSpeaking
    | OrderGiven
)
