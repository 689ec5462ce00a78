"""The YAML format of scenarios: who calls, what they say, who answers, what must come of it.

A file holds one scenario::

    name: Transfer by department
    about: The caller asks for billing and reaches it.
    caller: {number: "+15550100", name: Maria, did: "+15551000"}   # also: voice, rate, noise ...
    desks:
      "201": accept            # or {after_s: 1, then: accept, says: hello, hangs_up_after_s: 2}
    steps:
      - wait_for_greeting
      - say: billing please
      - wait_connected
      - wait_end
    expect:
      outcome: connected
      target: Billing
      transfers: [connected]

Several callers at once go under ``calls``, a list of entries with their own ``caller``, ``steps``,
``expect`` and ``starts_after_s``. ``scenarios.md`` beside this module lists every field.
"""

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from appliance.calls.errors import ConfigurationError
from appliance.calls.events import Outcome
from appliance.calls.transfer import TransferResult

DEFAULT_DID = "+15551000"
MOST_CHARACTERS = 20_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Caller(_Strict):
    """Who calls. ``noise`` is a share of full scale, sent whenever nothing is said."""

    number: str = "+15550100"
    name: str = Field(default="", max_length=MOST_CHARACTERS)
    did: str = DEFAULT_DID
    voice: str = "en-us"
    rate: int = Field(default=160, ge=80, le=400)
    rate_hz: Literal[8000, 16000] = 8000
    sends_audio: bool = True
    noise: float = Field(default=0.0, ge=0.0, le=1.0)


_DESK_SHORTHANDS: dict[str, dict[str, Any]] = {
    "accept": {"then": "accept"},
    "decline": {"then": "decline"},
    "silent": {"then": "nothing"},
    "mute": {"then": "nothing", "sends_audio": False},
    "hang_up": {"then": "hang_up"},
    "busy": {"rings": "busy"},
    "reject": {"rings": "reject"},
    "no_answer": {"rings": "no_answer"},
    "not_registered": {"rings": "not_registered"},
}


class Desk(_Strict):
    """How somebody at a desk treats a call.

    ``rings``: what happens when the phone rings; ``then``: what happens after picking up, once the
    announcement has been heard (or ``press_after_s`` after picking up).
    """

    rings: Literal["answer", "busy", "reject", "no_answer", "not_registered"] = "answer"
    after_s: float = Field(default=1.0, ge=0.0)
    then: Literal["accept", "decline", "nothing", "hang_up"] = "accept"
    press_after_s: float | None = None
    says: str = ""
    voice: str = "en-us+f2"
    hangs_up_after_s: float | None = 2.0
    sends_audio: bool = True

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in _DESK_SHORTHANDS:
                raise ValueError(f"write a mapping or one of {', '.join(_DESK_SHORTHANDS)}")
            return _DESK_SHORTHANDS[value]
        return value


class Until(_Strict):
    """Something at a desk to wait for."""

    desk: str
    is_: Literal["ringing", "answered", "announced", "ended"] = Field(alias="is")


class Step(_Strict):
    """One thing the caller, or fate, does. Exactly one field is set."""

    wait_for_greeting: float | None = None
    say: str | None = None
    play: Path | None = None
    press: str | None = Field(default=None, pattern=r"^[0-9*#A-D]+$")
    wait_reply: float | None = None
    wait_prompt: float | None = None
    interrupt_with: str | None = None
    silent_for: float | None = None
    wait_connected: float | None = None
    wait_until: Until | None = None
    wait_end: float | None = None
    hang_up: bool | None = None
    fault: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        if isinstance(value, str):
            if value not in _WORDS:
                raise ValueError(f"unknown step; the words are {', '.join(_WORDS)}")
            return {value: _WORDS[value]}
        return value

    @model_validator(mode="after")
    def _one_thing(self) -> "Step":
        if len(self.model_fields_set) != 1:
            raise ValueError("a step is one thing: a word, or one key with its value")
        return self

    @property
    def kind(self) -> str:
        """The field that is set."""
        return next(iter(self.model_fields_set))


_WORDS: dict[str, Any] = {
    "wait_for_greeting": 10.0,
    "wait_reply": 10.0,
    "wait_prompt": 10.0,
    "wait_connected": 40.0,
    "wait_end": 40.0,
    "hang_up": True,
}


class ExpectedDecision(_Strict):
    """Fields that one of the call's decisions must have; they are matched in order."""

    heard: str | None = None
    intent: str | None = None
    action: str | None = None
    target: str | None = None
    policy: str | None = None
    priority: str | None = None


class ExpectedTransfer(_Strict):
    """One attempt's result; a bare word is the result alone."""

    target: str | None = None
    result: TransferResult

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: Any) -> Any:
        return {"result": value} if isinstance(value, str) else value


class ExpectedMessage(_Strict):
    """Fields of the message; texts are compared loosely."""

    target: str | None = None
    caller_name: str | None = None
    callback_number: str | None = None
    text: str | None = None
    urgent: bool | None = None


class Expect(_Strict):
    """What must be true after the call. What is left out is not looked at."""

    outcome: list[Outcome] = []
    target: str | None = None
    transfers: list[ExpectedTransfer] | None = None
    decisions: list[ExpectedDecision] = []
    heard: list[str] = []
    said: list[str] = []
    caller_name: str | None = None
    desk_heard: dict[str, list[str]] = {}
    longest_silence_ms: int | None = None
    max_reply_ms: int | None = None
    interruption_stops_within_ms: int | None = None
    message: ExpectedMessage | None = None
    recording: bool | None = None
    stations: list[str] | None = None
    hangup_cause: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _single_values(cls, value: Any) -> Any:
        if isinstance(value, dict):
            for name in ("outcome", "heard", "said", "hangup_cause"):
                if isinstance(value.get(name), str):
                    value = {**value, name: [value[name]]}
        return value


class Call(_Strict):
    """One caller's part."""

    caller: Caller = Caller()
    starts_after_s: float = Field(default=0.0, ge=0.0)
    steps: list[Step] = Field(min_length=1)
    expect: Expect = Expect()


class Scenario(_Strict):
    """One file. ``needs`` names hooks without which it is skipped."""

    name: str
    about: str = ""
    tags: list[str] = []
    needs: list[str] = []
    desks: dict[str, Desk] = {}
    calls: list[Call] = Field(min_length=1)
    max_s: float = Field(default=60.0, gt=0.0, le=600.0)
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _single_call(cls, value: Any) -> Any:
        if isinstance(value, dict) and "calls" not in value:
            own = {name: value[name] for name in ("caller", "steps", "expect") if name in value}
            rest = {name: item for name, item in value.items() if name not in own}
            return {**rest, "calls": [own]}
        return value

    @property
    def hooks(self) -> set[str]:
        """The names of all faults that its steps ask for, and of what it needs."""
        faults = {step.fault for call in self.calls for step in call.steps if step.fault}
        return faults | set(self.needs)


def load_scenario(path: Path) -> Scenario:
    """Read one file.

    Raises:
        ConfigurationError: naming the file, the line and the field that is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a 31st of June, say
        raise ConfigurationError(f"{path}: no valid YAML: {error}") from error
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path}: write a mapping that begins with name:")
    try:
        return Scenario.model_validate({**data, "file": path})
    except ValidationError as error:
        problems = [_problem(path, node, data, dict(one)) for one in error.errors()]
        raise ConfigurationError("\n".join(problems)) from error


def _problem(path: Path, node: yaml.Node | None, data: dict[str, Any], error: Any) -> str:
    where = list(error["loc"])
    if where[:2] == ["calls", 0] and "calls" not in data:
        where = where[2:]
    field = ".".join(str(part) for part in where) or "the file"
    return f"{path}:{_line_of(node, where)}: {field}: {error['msg']}"


def _line_of(node: yaml.Node | None, where: list[Any]) -> int:
    """The line of the deepest part of the path that the file has, counted from 1."""
    line = 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            found = {key.value: (key, value) for key, value in node.value}.get(str(part))
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def load_scenarios(paths: list[Path]) -> list[Scenario]:
    """Read files, and all ``*.yaml`` of directories, in order of name.

    Raises:
        ConfigurationError: as :func:`load_scenario`, and for a path that has none.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
        if not found:
            raise ConfigurationError(f"{path}: no *.yaml files here")
        files += found
    return [load_scenario(file) for file in files]
