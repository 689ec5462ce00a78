"""The models known to work, from ``models/manifest.toml``.

The file is checked before anything in it is used: a manifest may come from anywhere, and its names
become paths and addresses.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.files import FILE_PATTERN, NAME_PATTERN, checked_name

Kind = Literal["recognizer", "language_model", "voice"]
KINDS: tuple[Kind, ...] = ("recognizer", "language_model", "voice")
ENGINES: Mapping[Kind, tuple[str, ...]] = {
    "recognizer": ("faster-whisper",),
    "language_model": ("llama-cpp",),
    "voice": ("piper", "espeak-ng"),
}
SETS = ("tiny", "small", "standard", "gpu")
MANIFEST = Path(__file__).resolve().parents[3] / "models" / "manifest.toml"
_LARGEST_MANIFEST = 1024 * 1024
_PART = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}"  # of a hub's address

Text = Annotated[str, Field(max_length=400, pattern=r"^[^\x00-\x1f\x7f]*$")]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class _Checked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelFile(_Checked):
    """One file of a model.

    Attributes:
        path: where it is at its source.
        file: its name in the model's folder; the last part of ``path`` unless said.
        size: bytes, where known exactly.
        sha256: where known; otherwise what is first downloaded is recorded and held to.
    """

    path: Annotated[str, Field(max_length=300)]
    file: Annotated[str, Field(pattern=rf"^{FILE_PATTERN}$")] = ""
    size: Annotated[int, Field(ge=0, le=2**40)] | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: object) -> object:
        if isinstance(given, dict) and "file" not in given and isinstance(given.get("path"), str):
            return {**given, "file": PurePosixPath(given["path"]).name}
        return given

    @model_validator(mode="after")
    def _stays_inside(self) -> "ModelFile":
        parts = self.path.split("/")
        if not all(re.fullmatch(FILE_PATTERN, part) and ".." not in part for part in parts):
            raise ValueError(f"path {self.path!r} must be relative, of plain names, without '..'")
        if ".." in self.file:
            raise ValueError(f"file {self.file!r} must be a plain name")
        return self


class Source(_Checked):
    """Where a model comes from: exactly one of these.

    Attributes:
        hub: a repository of the Hugging Face hub, ``owner/name``; ``revision`` is a commit or
            branch of it.
        url: an address that the files' paths are appended to.
        shipped: a folder beside the manifest: part of the appliance. A dot for what an engine
            brings along.
    """

    hub: Annotated[str, Field(pattern=rf"^{_PART}/{_PART}$")] | None = None
    revision: Annotated[str, Field(pattern=rf"^{_PART}$")] = "main"
    url: Annotated[str, Field(pattern=r"^(https?|file)://[^\s\x00-\x1f]{1,300}$")] | None = None
    shipped: Annotated[str, Field(pattern=r"^(\.|[a-z0-9-]+(/[a-z0-9-]+)*)$")] | None = None

    @model_validator(mode="after")
    def _one(self) -> "Source":
        if sum(place is not None for place in (self.hub, self.url, self.shipped)) != 1:
            raise ValueError("give one of hub, url and shipped")
        return self

    def __str__(self) -> str:
        """For people."""
        if self.hub is not None:
            return f"hub {self.hub}@{self.revision[:12]}"
        return self.url if self.url is not None else "comes with the appliance"


class Needs(_Checked):
    """What a model takes, in megabytes (10^6 bytes); None where nobody has measured it."""

    memory_mb: Count | None = None
    disk_mb: Count | None = None
    device: Literal["cpu", "cuda"] = "cpu"


class Cost(_Checked):
    """How much work a model is, to estimate a box's speed before the model is pulled.

    Attributes:
        parameters_m: millions of weights, as published.
        window_gflop: a recogniser's arithmetic for one 30 s window, from its layers and width.
    """

    parameters_m: Annotated[float, Field(gt=0)] | None = None
    window_gflop: Annotated[float, Field(gt=0)] | None = None


class ManifestModel(_Checked):
    """A model that can be pulled, or that is there from the start.

    Attributes:
        entry: what the engine is given: one of the files, or the folder when empty; for a voice
            without files, its name.
    """

    name: Annotated[str, Field(pattern=rf"^{NAME_PATTERN}$")]
    kind: Kind
    engine: Text
    source: Source
    licence: Text
    about: Text = ""
    languages: tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$|^many$")], ...]
    entry: Text = ""
    files: Annotated[tuple[ModelFile, ...], Field(max_length=64)] = ()
    needs: Needs = Needs()
    cost: Cost = Cost()

    @model_validator(mode="after")
    def _consistent(self) -> "ManifestModel":
        checked_name(self.name)
        if self.engine not in ENGINES[self.kind]:
            known = ", ".join(ENGINES[self.kind])
            raise ValueError(f"{self.name}: a {self.kind} is run by {known}, not {self.engine}")
        names = [file.file for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name}: two files of one name")
        if self.files and self.entry and self.entry not in names:
            raise ValueError(f"{self.name}: entry {self.entry!r} is none of its files")
        if not self.files and (self.source.shipped is None or not self.entry):
            raise ValueError(f"{self.name}: no files")
        return self


class ModelSet(_Checked):
    """One model of each kind that go together on a class of hardware."""

    about: Text
    recognizer: Text
    language_model: Text
    voice: Text
    cores: Annotated[int, Field(ge=1)]
    memory_mb: Count
    device: Literal["cpu", "cuda"] = "cpu"

    @property
    def names(self) -> dict[Kind, str]:
        """Model names by kind."""
        return {
            "recognizer": self.recognizer,
            "language_model": self.language_model,
            "voice": self.voice,
        }


class Manifest(_Checked):
    """Everything the file says."""

    models: Annotated[tuple[ManifestModel, ...], Field(max_length=500)]
    sets: dict[Literal["tiny", "small", "standard", "gpu"], ModelSet] = {}

    @model_validator(mode="after")
    def _consistent(self) -> "Manifest":
        if len(self.by_name) != len(self.models):
            raise ValueError("two models of one name")
        for title, one in self.sets.items():
            for kind, name in one.names.items():
                if name not in self.by_name or self.by_name[name].kind != kind:
                    raise ValueError(f"set {title}: {name!r} is no {kind} of this manifest")
        return self

    @cached_property
    def by_name(self) -> dict[str, ManifestModel]:
        """The models by their names."""
        return {model.name: model for model in self.models}


def load_manifest(path: Path = MANIFEST) -> Manifest:
    """Read a manifest.

    Raises:
        ModelStoreError: naming the file and what in it is wrong.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_MANIFEST + 1)
    except OSError as error:
        raise ModelStoreError(f"{path}: {error.strerror}; the manifest of models") from error
    if len(data) > _LARGEST_MANIFEST:
        raise ModelStoreError(f"{path}: too large for a manifest of models")
    try:
        return Manifest.model_validate(tomllib.loads(data.decode()))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:3]
        )
        raise ModelStoreError(f"{path}: {wrong}") from error
    except ModelStoreError as error:
        raise ModelStoreError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelStoreError(f"{path}: no valid TOML: {error}") from error
