"""One file from a source to the disk: resumed where it broke off, counted, hashed, checked.

What has arrived stays in ``FILE.part`` with the version it belongs to in ``FILE.tag``. A file gets
its own name only when it is whole and its checksum is right.
"""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.inference.store.errors import (
    ChecksumError,
    DiskFullError,
    ModelStoreError,
    TransferError,
)
from appliance.inference.store.files import sha256_of, write_atomically
from appliance.inference.store.lock import LockedFile, Vouched
from appliance.inference.store.manifest import ManifestModel, ModelFile
from appliance.inference.store.streams import FileSource, Stream

_TRIES = 4  # without a byte in between
_LONGEST_WAIT_S = 8.0
_LONGEST_TAG = 200
MOST_UNKNOWN = 64 * 2**30
"""Bytes that are taken of a file whose size nobody says; no model for one box is larger."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a file must turn out to be; None where nobody knows."""

    size: int | None
    sha256: str | None
    vouched: Vouched


class Transfer:
    """Fetches files into one folder.

    Args:
        into: exists; everything in it is ours.
        progress: called with the bytes that were added to what is there; negative when some were
            thrown away.
        sleep: waits some seconds before another try.
        write: appends a block to the open file; a seam for tests.
    """

    def __init__(
        self,
        source: FileSource,
        into: Path,
        progress: Callable[[int], None],
        sleep: Callable[[float], None],
        write: Callable[[int, bytes], int] = os.write,
    ) -> None:
        self._source = source
        self._into = into
        self._progress = progress
        self._sleep = sleep
        self._write = write

    def fetch(self, model: ManifestModel, file: ModelFile, expected: Expected) -> LockedFile:
        """Fetch one file; returns what it is.

        Raises:
            ChecksumError: it is not what it should be; what arrived is thrown away.
            TransferError: it did not arrive in several tries; what did is kept.
            DiskFullError: the disk filled up; what arrived is kept.
            ModelStoreError: the source has no such file.
        """
        part = self._into / f"{file.file}.part"
        resumed = part.exists() and part.stat().st_size > 0
        if resumed:
            self._progress(part.stat().st_size)
        while True:
            self._gather(model, file, expected, part)
            size, sha256 = sha256_of(part)
            wrong = _mismatch(file.file, size, sha256, expected)
            if not wrong:
                break
            self._forget(part, size)
            # Halves of two versions, or a disk that lied: whole and in one go is worth one try.
            if not resumed:
                raise ChecksumError(
                    f"{model.name}: {wrong}. It was thrown away; try another source, and tell "
                    "whoever keeps this one"
                )
            resumed = False
        part.replace(self._into / file.file)
        self._tag_of(part).unlink(missing_ok=True)
        return LockedFile(size=size, sha256=sha256, vouched=expected.vouched)

    def _gather(
        self, model: ManifestModel, file: ModelFile, expected: Expected, part: Path
    ) -> None:
        """Bring the file's bytes together, in as many goes as it takes."""
        failures = 0
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                self._one_go(model, file, expected, part, before)
                return
            except TransferError as error:
                came = part.stat().st_size - before if part.exists() else 0
                failures = 1 if came > 0 else failures + 1
                if failures >= _TRIES:
                    raise TransferError(
                        f"{error}. What has arrived is kept: run the command again"
                    ) from error
                self._sleep(min(_LONGEST_WAIT_S, 2.0 ** (failures - 1)))

    def _one_go(
        self, model: ManifestModel, file: ModelFile, expected: Expected, part: Path, have: int
    ) -> None:
        """One connection; `TransferError` when the file is not whole after it."""
        if expected.size is not None and have == expected.size:
            return
        tag = self._read_tag(part)
        if have and not tag and expected.sha256 is None:
            # Nothing would tell that what is to come belongs to what is there.
            self._forget(part, have)
            have = 0
        with self._source.open(model, file, have, tag) as stream:
            if stream.start != have or (stream.total is not None and have > stream.total):
                self._forget(part, have)
                have = 0
            limit = _limit(expected, stream)
            self._save_tag(part, stream.tag)
            have = self._append(stream, part, have, limit, f"{model.name}: {file.file}")
        whole = stream.total if stream.total is not None else expected.size
        if have == 0 and whole != 0:
            raise TransferError(f"{model.name}: {file.file}: the source sends nothing")
        if whole is not None and have < whole:
            raise TransferError(f"{model.name}: {file.file} ended after {have} of {whole} bytes")

    def _append(self, stream: Stream, part: Path, have: int, limit: int, what: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        handle = os.open(part, flags, 0o644)
        try:
            for block in stream.blocks:
                if have + len(block) > limit:
                    raise ChecksumError(f"{what} is larger than the {limit} bytes it should have")
                left = memoryview(block)
                while left:
                    left = left[self._write(handle, bytes(left)) :]
                have += len(block)
                self._progress(len(block))
            os.fsync(handle)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFullError(
                    f"{what}: the disk of {part.parent} is full after {have} bytes. "
                    "Make room and run the command again: it goes on from there"
                ) from error
            raise ModelStoreError(f"{what}: cannot write {part}: {error.strerror}") from error
        finally:
            os.close(handle)
        return have

    def _forget(self, part: Path, size: int) -> None:
        part.unlink(missing_ok=True)
        self._tag_of(part).unlink(missing_ok=True)
        self._progress(-size)

    def _tag_of(self, part: Path) -> Path:
        return part.with_suffix(".tag")

    def _read_tag(self, part: Path) -> str:
        try:
            return self._tag_of(part).read_text(encoding="utf-8")[:_LONGEST_TAG]
        except (OSError, ValueError):
            return ""

    def _save_tag(self, part: Path, tag: str) -> None:
        plain = tag.isascii() and tag.isprintable() and len(tag) <= _LONGEST_TAG
        write_atomically(self._tag_of(part), tag if plain else "")


def _limit(expected: Expected, stream: Stream) -> int:
    known = [size for size in (expected.size, stream.total) if size is not None]
    return min(known) if known else MOST_UNKNOWN


def _mismatch(name: str, size: int, sha256: str, expected: Expected) -> str:
    """What is wrong with a file that has arrived; empty when nothing is."""
    if expected.size is not None and size != expected.size:
        return f"{name} has {size} bytes and should have {expected.size} ({expected.vouched})"
    if expected.sha256 is not None and sha256 != expected.sha256:
        return (
            f"{name} has the SHA-256 {sha256} and should have {expected.sha256} "
            f"({expected.vouched})"
        )
    return ""
