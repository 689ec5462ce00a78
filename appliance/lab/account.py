"""What the appliance's own records say about one call, as far as scenarios look at it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TurnAccount:
    """Something said or keyed. ``speaker`` is ``caller``, ``appliance`` or ``desk``."""

    speaker: str
    text: str
    source: str = "speech"
    interrupted: bool = False
    delays_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DecisionAccount:
    """One decision. ``policies`` are the names of those that decided or proposed, in order."""

    heard: str
    intent: str
    action: str
    target: str = ""
    policies: tuple[str, ...] = ()
    reason: str = ""
    priority: str = "normal"
    took_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class TransferAccount:
    """One attempt to connect the caller; ``target`` is a name."""

    target: str
    result: str
    took_ms: int = 0


@dataclass(frozen=True, slots=True)
class MessageAccount:
    """A message that was taken."""

    target: str
    caller_name: str
    callback_number: str
    text: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class CallAccount:
    """One call's record.

    Attributes:
        outcome: how it ended, empty while it goes on.
        how: the same as a sentence.
        recording: path of the first recording, empty when there is none.
        caller_name: as it was kept.
    """

    call_id: str
    outcome: str = ""
    how: str = ""
    turns: tuple[TurnAccount, ...] = ()
    decisions: tuple[DecisionAccount, ...] = ()
    transfers: tuple[TransferAccount, ...] = ()
    messages: tuple[MessageAccount, ...] = ()
    recording: str = ""
    caller_name: str = ""


Records = Callable[[str], CallAccount | None]
"""Looks a call up by its id; None while nothing is known about it."""
