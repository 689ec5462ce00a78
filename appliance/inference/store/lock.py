"""What is on the disk, and what every file of it must hash to: ``models.lock``.

A checksum comes from the manifest or from the server where either knows it. Where neither does,
the first download is trusted and recorded; whatever comes later must be the same.
"""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.files import FILE_PATTERN, checked_name, write_atomically
from appliance.inference.store.manifest import ENGINES, Kind

LOCK = "models.lock"
_LARGEST_LOCK = 8 * 1024 * 1024

Vouched = Literal["manifest", "server", "first download", "added by hand"]
"""Who says that a file's checksum is right."""


class LockedFile(BaseModel):
    """One file as it was when it came: bytes, SHA-256, and who vouches for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    vouched: Vouched


class LockedModel(BaseModel):
    """One model in the directory.

    Attributes:
        entry: the file the engine is given; empty for the folder.
        source: where it came from, for people.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    engine: str
    entry: str = ""
    source: str
    licence: str = ""
    added: str
    files: dict[Annotated[str, Field(pattern=rf"^{FILE_PATTERN}$")], LockedFile]

    @model_validator(mode="after")
    def _consistent(self) -> "LockedModel":
        if self.engine not in ENGINES[self.kind]:
            raise ValueError(f"{self.engine!r} runs no {self.kind}")
        if self.entry and self.entry not in self.files:
            raise ValueError(f"entry {self.entry!r} is none of its files")
        return self


class _Lock(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    models: dict[str, LockedModel] = {}


def read_lock(directory: Path) -> dict[str, LockedModel]:
    """The models of a directory by name; none where nothing was ever pulled.

    Raises:
        ModelStoreError: the file is damaged; says how to mend that.
    """
    path = directory / LOCK
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_LOCK + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ModelStoreError(f"{path}: {error.strerror}") from error
    try:
        lock = _Lock.model_validate(json.loads(data))
        for name in lock.models:
            checked_name(name)
    except (ValidationError, ValueError, RecursionError, ModelStoreError) as error:
        first = str(error).splitlines()[0]
        raise ModelStoreError(
            f"{path} is damaged ({first}). Put it back from a backup; or move it away and run "
            "`appliance models pull` for the models again: files that the manifest knows are "
            "checked against it and not fetched twice"
        ) from error
    return lock.models


def write_lock(directory: Path, models: dict[str, LockedModel]) -> None:
    """Replace the file at once; a crash leaves the old one."""
    lock = _Lock(models=dict(sorted(models.items())))
    write_atomically(directory / LOCK, lock.model_dump_json(indent=1) + "\n")
