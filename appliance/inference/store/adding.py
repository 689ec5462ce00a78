"""Bring in a model from a file or folder at hand: a download of one's own, a USB stick.

What is in the folder is not trusted: links, folders in folders, devices and odd names are refused
before anything is copied.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.files import (
    as_name,
    checked_file_name,
    checked_name,
    open_regular,
)
from appliance.inference.store.manifest import Kind, ManifestModel, ModelFile, Source
from appliance.inference.store.pulling import Surroundings, pull
from appliance.inference.store.streams import FileFacts, Stream, local_stream

_MOST_FILES = 64
_GGUF_MAGIC = b"GGUF"
_CARD = "MODEL_CARD"


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file or folder turned out to be.

    Attributes:
        files: everything to copy, by the name it gets.
        entry: the one the engine is given; empty for the folder.
    """

    name: str
    kind: Kind
    engine: str
    entry: str
    files: dict[str, Path]


def recognise(path: Path) -> Recognised:
    """Tell what a file or folder is, by what is in it.

    Raises:
        ModelStoreError: no model, or something in it that is not copied; says what is known.
    """
    if path.is_symlink():
        raise ModelStoreError(f"{path} is a link; name the file or folder itself")
    if path.is_dir():
        files = {checked_file_name(item.name): item for item in _listed(path)}
        return _in_folder(path.resolve().name, files)
    if not path.exists():
        raise ModelStoreError(f"{path}: no such file or folder; is the stick mounted?")
    checked_file_name(path.name)
    files = {path.name: path}
    beside = path.with_name(f"{path.name}.json")
    if path.suffix == ".onnx" and beside.exists():
        files[beside.name] = beside
    card = path.with_name(_CARD)
    if path.suffix == ".onnx" and card.is_file() and not card.is_symlink():
        files[card.name] = card
    return _in_folder(path.stem, files)


def add(
    catalogue: Catalogue, found: Recognised, name: str | None, around: Surroundings
) -> ManifestModel:
    """Copy a model into the directory. Call it inside `Catalogue.changing`.

    Args:
        name: what it is to be called; by default what its file or folder is. The name of a model
            of the manifest has its files held to the manifest's checksums.

    Raises:
        ModelStoreError: the name is taken, there is no room, or it is not what the manifest says.
    """
    title = checked_name(name) if name else found.name
    known = catalogue.manifest.by_name.get(title)
    if known is not None and (known.kind != found.kind or known.source.shipped is not None):
        raise ModelStoreError(f"{title} is another model of the manifest: give a --name of its own")
    if title in catalogue.locked():
        raise ModelStoreError(f"{title} is here already: give another --name")
    model = _known(known, found) if known else _unknown(title, found)
    pull(catalogue, model, _AtHand(found.files), around, vouched="added by hand")
    return model


class _AtHand:
    """The source of what is being added: files by name, wherever they are."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def facts(self, _model: ManifestModel, file: ModelFile) -> FileFacts:
        handle = open_regular(self._files[file.file])
        try:
            return FileFacts(os.fstat(handle).st_size)
        finally:
            os.close(handle)

    def open(
        self, _model: ManifestModel, file: ModelFile, start: int, tag: str
    ) -> AbstractContextManager[Stream]:
        return local_stream(open_regular(self._files[file.file]), start, tag)


def _known(known: ManifestModel, found: Recognised) -> ManifestModel:
    """The manifest's model, with those of its files that are at hand."""
    there = tuple(file for file in known.files if file.file in found.files)
    lacking = [f.file for f in known.files if f not in there and f.file != _CARD]
    if lacking:
        raise ModelStoreError(f"{known.name}: {', '.join(lacking)} missing beside the others")
    return known.model_copy(update={"files": there})


def _unknown(title: str, found: Recognised) -> ManifestModel:
    return ManifestModel(
        name=title, kind=found.kind, engine=found.engine, entry=found.entry,
        source=Source(url="file:///"), licence="unknown", languages=(),
        files=tuple(ModelFile(path=name, file=name) for name in sorted(found.files)),
    )  # fmt: skip


def _listed(folder: Path) -> list[Path]:
    items = sorted(folder.iterdir())
    if len(items) > _MOST_FILES:
        raise ModelStoreError(f"{folder} has {len(items)} files in it; name the model's own folder")
    shown = [item for item in items if not item.name.startswith(".")]
    for item in shown:
        if item.is_symlink():
            raise ModelStoreError(f"{item} is a link; copy the file itself")
        if not item.is_file():
            raise ModelStoreError(f"{item} is no ordinary file; a model's folder has files only")
    return shown


def _in_folder(title: str, files: dict[str, Path]) -> Recognised:
    if {"model.bin", "config.json"} <= files.keys():
        if "tokenizer.json" not in files:
            raise ModelStoreError(f"{title}: tokenizer.json is missing beside model.bin")
        return Recognised(as_name(title), "recognizer", "faster-whisper", "", files)
    if (gguf := _only(title, files, ".gguf")) is not None:
        handle = open_regular(files[gguf])
        try:
            magic = os.read(handle, 4)
        finally:
            os.close(handle)
        if magic != _GGUF_MAGIC:
            raise ModelStoreError(f"{files[gguf]} does not begin as a GGUF file; copy it again")
        return Recognised(_stem(gguf), "language_model", "llama-cpp", gguf, files)
    if (onnx := _only(title, files, ".onnx")) is not None:
        if f"{onnx}.json" not in files:
            raise ModelStoreError(f"{files[onnx]}: the voice's {onnx}.json is missing beside it")
        return Recognised(_stem(onnx), "voice", "piper", onnx, files)
    raise ModelStoreError(
        f"{title}: no model that is known: a folder with model.bin, config.json and "
        "tokenizer.json (Whisper for CTranslate2), a .gguf file, or a Piper voice's .onnx with its "
        ".onnx.json"
    )


def _only(title: str, files: Iterable[str], ending: str) -> str | None:
    found = [name for name in files if name.endswith(ending)]
    if len(found) > 1:
        raise ModelStoreError(f"{title}: {len(found)} {ending} files; name the one you mean")
    return found[0] if found else None


def _stem(file: str) -> str:
    return as_name(file.rpartition(".")[0])
