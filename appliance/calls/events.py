"""What can happen in a call. Past-tense, frozen, JSON-ready: the event log is made of these.

Every record the appliance keeps (the call, its legs, turns, decisions, transfers and messages) is
a projection of these events, so a field that belongs in the database belongs here first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar
from uuid import UUID, uuid4


class Outcome(StrEnum):
    """How a call ended, for the people who read the list of calls."""

    CONNECTED = "connected"
    MESSAGE_TAKEN = "message_taken"
    INFORMED = "informed"
    CALLER_HUNG_UP = "caller_hung_up"
    ENDED_BY_ORDER = "ended_by_order"
    FELL_BACK = "fell_back"
    NO_MEDIA = "no_media"
    LOST = "lost"


class Speaker(StrEnum):
    """Who said a turn."""

    CALLER = "caller"
    APPLIANCE = "appliance"
    DESK = "desk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events.

    Attributes:
        call_id: the unique id of the caller's leg in FreeSWITCH; it never changes during a call.
        organisation_id: UUID as text.
        seq: 1, 2, 3 ... within the call, also across a take-over by another controller.
        at: when it happened, UTC.
        event_id: makes storing it twice the same as storing it once.
    """

    kind: ClassVar[str] = ""

    call_id: str
    organisation_id: str
    seq: int
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    event_id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted(Event):
    """A controller took the call. ``caller_name`` is hostile text, kept as it came (cut at 200)."""

    kind: ClassVar[str] = "call_started"

    did: str
    caller_number: str
    caller_name: str
    controller: str
    sample_rate_hz: int = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResumed(Event):
    """Another controller, or the same one after a bridge, took the call up again."""

    kind: ClassVar[str] = "call_resumed"

    controller: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted(Event):
    """What is said from here on is recorded.

    Attributes:
        part: of the call, as in `TurnTaken`.
        path: of the WAV file, stereo: the caller left, the appliance right.
    """

    kind: ClassVar[str] = "recording_started"

    part: int
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaLost(Event):
    """No audio came from the caller for the watchdog's time."""

    kind: ClassVar[str] = "media_lost"

    silent_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsHeard(Event):
    """The caller paused and may go on; this is what was understood of the turn so far."""

    kind: ClassVar[str] = "words_heard"

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTaken(Event):
    """Somebody said or keyed something.

    Attributes:
        turn: 1, 2, 3 ... within the call, callers' and the appliance's counted together.
        text: the transcript, the spoken text as far as it was heard, or the digits.
        source: ``speech``, ``dtmf`` or ``prompt``.
        part: 1, 2, 3 ... of the call: whoever takes it up again begins the next.
        started_ms, ended_ms: audio time since the part began, and so in its recording.
        confidence: 0 to 1 for transcripts; 1 otherwise.
        delays_ms: stage name to milliseconds (``endpoint``, ``transcribe``, ``decide``,
            ``first_audio``, ``reply``).
        interrupted: the caller barged in; ``text`` is cut to what was played.
    """

    kind: ClassVar[str] = "turn_taken"

    turn: int
    speaker: Speaker
    text: str
    source: str = "speech"
    part: int = 1
    started_ms: int = 0
    ended_ms: int = 0
    confidence: float = 1.0
    interrupted: bool = False
    delays_ms: Mapping[str, float] = field(default_factory=dict)
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade(Event):
    """The chain answered a turn of the caller's; ``decision`` is ``Decision.as_dict()``."""

    kind: ClassVar[str] = "decision_made"

    turn: int
    decision: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFailed(Event):
    """A part did not do its work (``recognizer``, ``decider``, ``synthesizer``, ``switch``)."""

    kind: ClassVar[str] = "stage_failed"

    stage: str
    error: str
    fallback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChanged(Event):
    """Another engine does the work of a stage from here on.

    Attributes:
        stage: as in `StageFailed`: ``recognizer``, ``language_model``, ``synthesizer``.
        before, after: servers' addresses, or what needs no server: ``keypad``, ``rules``,
            ``espeak-ng``.
        step: ``down`` to one that is asked only when the better fail, or back ``up``.
        reason: why it stepped down; empty for a step up.
    """

    kind: ClassVar[str] = "engine_changed"

    stage: str
    before: str
    after: str
    step: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferStarted(Event):
    """A desk's phone begins to ring. ``transfer`` counts attempts within the call from 1."""

    kind: ClassVar[str] = "transfer_started"

    transfer: int
    target_id: str
    target_name: str
    extensions: tuple[str, ...]
    mode: str
    leg_id: str
    announcement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferEnded(Event):
    """An attempt ended. ``took_ms`` counts from the start of ringing."""

    kind: ClassVar[str] = "transfer_ended"

    transfer: int
    result: str
    cause: str = ""
    took_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded(Event):
    """A leg was hung up. ``role`` is ``caller`` or ``desk``."""

    kind: ClassVar[str] = "leg_ended"

    leg_id: str
    role: str
    extension: str
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageTaken(Event):
    """A message for somebody. ``fields`` holds the intake form: name, number, text."""

    kind: ClassVar[str] = "message_taken"

    target_id: str
    target_name: str
    caller_name: str
    callback_number: str
    text: str
    urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAnswered(Event):
    """Somebody at the operators' page, or a program, wanted something done in the call.

    Attributes:
        verb: as in `appliance.calls.orders.Verb`.
        given_by: who, for people.
        done: False when it was refused.
        words: what was done, or why not.
    """

    kind: ClassVar[str] = "order_answered"

    order_id: str
    verb: str
    given_by: str
    done: bool
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationSaved(Event):
    """The conversation's state after a turn: what another controller resumes from."""

    kind: ClassVar[str] = "conversation_saved"

    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(Event):
    """The last event of every call.

    Attributes:
        how: a sentence for people.
        talked_ms: audio time of all parts; of those that somebody else began, as far as their last
            turn.
    """

    kind: ClassVar[str] = "call_ended"

    outcome: Outcome
    cause: str
    how: str
    talked_ms: int = 0


EVENT_TYPES: dict[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        CallStarted, CallResumed, RecordingStarted, MediaLost, WordsHeard, TurnTaken, DecisionMade,
        StageFailed, EngineChanged, TransferStarted, TransferEnded, LegEnded, MessageTaken,
        OrderAnswered, ConversationSaved, CallEnded,
    )
}  # fmt: skip

_BASE_FIELDS = frozenset(f.name for f in fields(Event))
# JSON knows neither enums nor tuples; these fields get their own type back.
_TYPES: dict[str, Callable[[Any], Any]] = {
    "extensions": tuple,
    "outcome": Outcome,
    "speaker": Speaker,
}


def from_record(record: Mapping[str, Any]) -> Event:
    """An event as :func:`appliance.events.encoding.encode` wrote it.

    Raises:
        KeyError, TypeError, ValueError: when the record is not one of ours.
    """
    cls = EVENT_TYPES[record["kind"]]
    known = {f.name for f in fields(cls)} - _BASE_FIELDS
    data = {
        key: _TYPES[key](value) if key in _TYPES else value
        for key, value in record["data"].items()
        if key in known
    }
    return cls(
        call_id=record["call_id"],
        organisation_id=record["organisation_id"],
        seq=int(record["seq"]),
        at=datetime.fromisoformat(record["at"]),
        event_id=UUID(record["event_id"]),
        **data,
    )
