"""What came of scenarios, ready for people and for JSON."""

from dataclasses import asdict, dataclass, field
from typing import Any

from appliance.lab.account import CallAccount
from appliance.lab.transcripts import HeardText


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened. ``who``: ``caller``, ``appliance``, ``desk 201``, ``fate``."""

    at_s: float
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class ReplyResult:
    """Something the caller said and the delay of the reply, None when there was none."""

    said: str
    delay_ms: float | None


@dataclass
class CallResult:
    """One caller's call.

    Attributes:
        heard: what the caller heard, with times in seconds since dialling.
        failures: what was expected and did not come; empty when all did.
    """

    call_id: str
    caller: str
    duration_ms: float = 0.0
    greeting_ms: float | None = None
    longest_silence_ms: float = 0.0
    replies: list[ReplyResult] = field(default_factory=list)
    interruptions_ms: list[float] = field(default_factory=list)
    heard: list[HeardText] = field(default_factory=list)
    desk_heard: dict[str, list[HeardText]] = field(default_factory=dict)
    stations: list[str] = field(default_factory=list)
    hangup_cause: str = ""
    frames_lost: int = 0
    account: CallAccount | None = None
    failures: list[str] = field(default_factory=list)


@dataclass
class ScenarioResult:
    """One scenario. ``skipped`` says why it was not played; ``lines`` is the story in order."""

    name: str
    file: str
    backend: str
    about: str = ""
    calls: list[CallResult] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    skipped: str = ""
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether it was played and every expectation held."""
        return not self.skipped and not self.error and not any(c.failures for c in self.calls)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {**asdict(self), "passed": self.passed}
