"""Which models are in use: ``in_use.toml`` in the models directory.

`use` writes it, the model server reads it when it starts. What was in use before is kept, so that
a choice can be taken back.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.files import NAME_PATTERN, write_atomically
from appliance.inference.store.manifest import ENGINES, KINDS, Kind

IN_USE = "in_use.toml"
_LARGEST = 1024 * 1024
_MOST_HISTORY = 50
_HEAD = "# Written by `appliance models use`; the model server reads it when it starts.\n"


class Choice(BaseModel):
    """A model that was put in use.

    Attributes:
        name: the model's name in the directory.
        model: what the engine is given: an absolute path, or a voice's name.
        since: when, as ISO 8601.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=rf"^{NAME_PATTERN}$")]
    engine: Annotated[str, Field(max_length=64)]
    model: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]+$")]
    since: Annotated[str, Field(max_length=40)] = ""


class Change(BaseModel):
    """One choice that was replaced; ``before`` None means what the settings name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    at: Annotated[str, Field(max_length=40)]
    before: Choice | None = None


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    recognizer: Choice | None = None
    language_model: Choice | None = None
    voice: Choice | None = None
    history: tuple[Change, ...] = ()

    @model_validator(mode="after")
    def _engines(self) -> "_File":
        for kind in KINDS:
            choice: Choice | None = getattr(self, kind)
            if choice is not None and choice.engine not in ENGINES[kind]:
                raise ValueError(f"{kind}: no engine {choice.engine!r}")
        return self


@dataclass(frozen=True, slots=True)
class InUse:
    """What is in use, by kind, and what was before, oldest first."""

    choices: Mapping[Kind, Choice]
    history: tuple[Change, ...] = ()

    def with_choices(self, chosen: Mapping[Kind, Choice | None], at: str) -> "InUse":
        """With these instead, what they replace going into the history.

        None goes back to what the settings name.
        """
        changes = tuple(Change(kind=kind, at=at, before=self.choices.get(kind)) for kind in chosen)
        merged: dict[Kind, Choice | None] = {**self.choices, **chosen}
        kept = {kind: choice for kind, choice in merged.items() if choice is not None}
        return InUse(kept, (*self.history, *changes)[-_MOST_HISTORY:])

    def last_changes(self, kind: Kind | None = None) -> list[Change]:
        """What the latest command changed, newest first; of one kind where that is given."""
        found: dict[Kind, Change] = {}
        for change in reversed(self.history):
            if kind not in (None, change.kind):
                continue
            if found and (
                change.kind in found or {one.at for one in found.values()} != {change.at}
            ):
                break
            found[change.kind] = change
        return list(found.values())

    def without(self, change: Change) -> "InUse":
        """As it was before that change, which is forgotten."""
        choices = {kind: choice for kind, choice in self.choices.items() if kind != change.kind}
        if change.before is not None:
            choices[change.kind] = change.before
        place = max(at for at, one in enumerate(self.history) if one == change)
        return InUse(choices, self.history[:place] + self.history[place + 1 :])


def read_in_use(directory: Path) -> dict[Kind, Choice]:
    """The choices of a models directory by kind; a kind that is missing is as the settings say.

    Raises:
        ModelStoreError: the file is damaged; says how to mend that.
    """
    return dict(read_state(directory).choices)


def read_state(directory: Path) -> InUse:
    """The choices with their history. Raises as `read_in_use`."""
    path = directory / IN_USE
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except FileNotFoundError:
        return InUse({})
    except OSError as error:
        raise ModelStoreError(f"{path}: {error.strerror}") from error
    try:
        found = _File.model_validate(tomllib.loads(data[:_LARGEST].decode()))
    except (ValidationError, ValueError, RecursionError) as error:
        raise ModelStoreError(
            f"{path} is damaged ({str(error).splitlines()[0]}). Delete it, and choose again with "
            "`appliance models use`; until then the settings' models are in use"
        ) from error
    choices = {kind: choice for kind in KINDS if (choice := getattr(found, kind)) is not None}
    return InUse(choices, found.history)


def write_state(directory: Path, state: InUse) -> None:
    """Replace the file at once; a crash leaves the old one."""
    parts = [_HEAD]
    for kind in KINDS:
        if kind in state.choices:
            parts.append(f"\n[{kind}]\n" + _pairs(state.choices[kind].model_dump()))
    for change in state.history:
        parts.append("\n[[history]]\n" + _pairs({"kind": change.kind, "at": change.at}))
        if change.before is not None:
            parts.append("[history.before]\n" + _pairs(change.before.model_dump()))
    write_atomically(directory / IN_USE, "".join(parts))


def _pairs(values: Mapping[str, Any]) -> str:
    """TOML's basic strings are JSON's, but for DEL, which no value here may have."""
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )
