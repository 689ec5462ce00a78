"""What a conversation asks its controller to do, in order."""

from dataclasses import dataclass
from typing import Literal

from appliance.calls.decision import Decision
from appliance.calls.events import Outcome
from appliance.calls.transfer import TransferMode

Expect = Literal["open", "closed", "digits"]


@dataclass(frozen=True, slots=True)
class Say:
    """Speak to the caller.

    Attributes:
        interruptible: the caller may talk over it.
        expect: what kind of answer may follow; sets how long a pause ends the caller's turn.
    """

    text: str
    interruptible: bool = True
    expect: Expect = "open"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Ring a target while the caller waits.

    Attributes:
        target_id: id of a target of the directory.
        announcement: spoken to whoever answers; ends with which key does what.
        meanwhile: spoken to the caller while it rings.
    """

    target_id: str
    mode: TransferMode
    announcement: str
    meanwhile: str


@dataclass(frozen=True, slots=True)
class SaveMessage:
    """Keep a message. Any text in it is the caller's and hostile."""

    target_id: str
    target_name: str
    caller_name: str
    callback_number: str
    text: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """Record a decision."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call after the last words. ``how`` is a sentence for people."""

    outcome: Outcome
    how: str


@dataclass(frozen=True, slots=True)
class FallBack:
    """Leave the caller to the dialplan: the hunt group, then voicemail."""

    reason: str


Step = Say | Transfer | SaveMessage | Decided | HangUp | FallBack
