"""Bring a model of the manifest into the directory: room first, then its files, then the lock."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.errors import ChecksumError, DiskFullError, ModelStoreError
from appliance.inference.store.files import sha256_of, sync_directory
from appliance.inference.store.lock import LockedFile, LockedModel, Vouched, write_lock
from appliance.inference.store.manifest import ManifestModel, ModelFile
from appliance.inference.store.streams import FileFacts, FileSource
from appliance.inference.store.transfer import Expected, Transfer

SPARE_BYTES = 256_000_000
"""What pulling leaves free: recordings, events and the database live on the same disk."""


def utc_now() -> str:
    """The time to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Progress(Protocol):
    """Shows how far a file is."""

    def begin(self, label: str, total: int | None) -> None:
        """A file of so many bytes begins."""
        ...

    def advance(self, count: int) -> None:
        """So many bytes more are there; negative when some were thrown away."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What pulling needs from outside.

    Attributes:
        now: the time, as ISO 8601, for the record.
        free_bytes: room on the disk of a folder.
        sleep: waits some seconds before another try.
        write: appends to an open file.
    """

    progress: Progress
    now: Callable[[], str] = utc_now
    sleep: Callable[[float], None] = time.sleep
    free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
    write: Callable[[int, bytes], int] = os.write


@dataclass(frozen=True, slots=True)
class Pulled:
    """What came of it.

    Attributes:
        fetched: files that were brought; empty when all were there already.
        trusted: those whose checksum nobody knew before.
    """

    fetched: tuple[str, ...]
    trusted: tuple[str, ...]


def pull(
    catalogue: Catalogue, model: ManifestModel, source: FileSource, around: Surroundings,
    vouched: Vouched = "first download",
) -> Pulled:  # fmt: skip
    """Fetch what is missing or damaged of a model. Call it inside `Catalogue.changing`.

    Args:
        vouched: what the record says of a file whose checksum nobody knows.

    Raises:
        ModelStoreError: of the kind that says what is wrong; nothing that was whole is lost.
    """
    if model.source.shipped is not None:
        raise ModelStoreError(f"{model.name} comes with the appliance; there is nothing to pull")
    before = catalogue.locked().get(model.name)
    known = before.files if before else {}
    folder, partial = catalogue.folder(model.name), catalogue.partial(model.name)
    whole = {
        file.file: entry
        for file in model.files
        if (entry := _already(folder / file.file, file, known)) is not None
    }
    missing = [file for file in model.files if file.file not in whole]
    if missing:
        partial.mkdir(parents=True, exist_ok=True)
        expected = {file.file: _expected(model, file, source, known, vouched) for file in missing}
        _check_room(model, missing, expected, partial, around)
        for file in missing:
            whole[file.file] = _fetched(model, file, source, expected[file.file], partial, around)
        _put_in_place(folder, partial, [n for n in whole if n not in expected], list(whole))
    lock = catalogue.locked()
    lock[model.name] = LockedModel(
        kind=model.kind, engine=model.engine, entry=model.entry, source=str(model.source),
        licence=model.licence, added=before.added if before else around.now(), files=whole,
    )  # fmt: skip
    write_lock(catalogue.directory, lock)
    trusted = tuple(f.file for f in missing if whole[f.file].vouched == vouched)
    return Pulled(tuple(file.file for file in missing), trusted)


def _already(path: Path, file: ModelFile, known: Mapping[str, LockedFile]) -> LockedFile | None:
    """The file's entry, when it is there and as it should be."""
    if not path.is_file() or path.is_symlink():
        return None
    size, sha256 = sha256_of(path)
    wanted = file.sha256 or (known[file.file].sha256 if file.file in known else None)
    if sha256 != wanted or file.size not in (None, size):
        return None
    vouched = "manifest" if file.sha256 else known[file.file].vouched
    return LockedFile(size=size, sha256=sha256, vouched=vouched)


def _expected(
    model: ManifestModel, file: ModelFile, source: FileSource, known: Mapping[str, LockedFile],
    unknown: Vouched,
) -> Expected:  # fmt: skip
    """What the file must be: as the manifest says, as it once was, or as the server says."""
    told = FileFacts() if file.sha256 and file.size is not None else source.facts(model, file)
    earlier = known.get(file.file)
    if file.size is not None and told.size is not None and told.size != file.size:
        raise ChecksumError(
            f"{model.name}: {file.file} has {told.size} bytes at its source and {file.size} in the "
            "manifest; try another source"
        )
    if file.sha256:
        return Expected(file.size if file.size is not None else told.size, file.sha256, "manifest")
    if earlier is not None:
        if told.sha256 not in (None, earlier.sha256) or told.size not in (None, earlier.size):
            raise ChecksumError(
                f"{model.name}: {file.file} at its source is not the one that was pulled on this "
                f"box before ({earlier.vouched}). If that is meant, delete the model's entry from "
                "models.lock and pull again"
            )
        return Expected(earlier.size, earlier.sha256, earlier.vouched)
    size = file.size if file.size is not None else told.size
    return Expected(size, told.sha256, "server" if told.sha256 else unknown)


def _check_room(
    model: ManifestModel, missing: list[ModelFile], expected: Mapping[str, Expected],
    partial: Path, around: Surroundings,
) -> None:  # fmt: skip
    """Raise `DiskFullError` when what is still to come does not fit."""
    sizes = [expected[file.file].size for file in missing]
    wanted = sum(size or 0 for size in sizes)
    if None in sizes:
        wanted = max(wanted, (model.needs.disk_mb or 0) * 1_000_000)
    there = sum(
        path.stat().st_size
        for file in missing
        for path in (partial / file.file, partial / f"{file.file}.part")
        if path.is_file()
    )
    free = around.free_bytes(partial)
    if wanted - there + SPARE_BYTES > free:
        raise DiskFullError(
            f"{model.name} takes {_mb(wanted - there)} more MB and {partial.parent.parent} has "
            f"{_mb(free)} MB free, of which {_mb(SPARE_BYTES)} stay free for calls. Make room, or "
            "mount a larger disk there"
        )


def _fetched(
    model: ManifestModel, file: ModelFile, source: FileSource, expected: Expected,
    partial: Path, around: Surroundings,
) -> LockedFile:  # fmt: skip
    around.progress.begin(f"{model.name}/{file.file}", expected.size)
    done = partial / file.file
    if done.is_file() and expected.sha256 is not None:
        size, sha256 = sha256_of(done)  # whole since a pull that broke off at a later file
        if sha256 == expected.sha256:
            around.progress.advance(size)
            return LockedFile(size=size, sha256=sha256, vouched=expected.vouched)
    transfer = Transfer(source, partial, around.progress.advance, around.sleep, around.write)
    return transfer.fetch(model, file, expected)


def _put_in_place(folder: Path, partial: Path, kept: list[str], wanted: list[str]) -> None:
    """Make the partial folder the model's, with the good files of the old one.

    An engine that has the old files open keeps them until it closes them.
    """
    for name in kept:
        (partial / name).unlink(missing_ok=True)
        os.link(folder / name, partial / name)
    for path in partial.iterdir():
        if path.name not in wanted:
            path.unlink()
    sync_directory(partial)
    old = partial.with_name(f"{partial.name}.old")
    if old.exists():
        shutil.rmtree(old)
    if folder.exists():
        folder.replace(old)
    partial.replace(folder)
    sync_directory(folder.parent)
    if old.exists():
        shutil.rmtree(old)


def _mb(count: int) -> str:
    return f"{count / 1e6:,.0f}"
