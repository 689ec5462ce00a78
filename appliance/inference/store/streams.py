"""What every source of models' files gives: facts about a file, and its bytes from anywhere on."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from appliance.inference.store.errors import TransferError
from appliance.inference.store.manifest import ManifestModel, ModelFile

BLOCK = 256 * 1024
"""Bytes that are read at a time."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a source says of a file before it is fetched; None where it does not say."""

    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A file's bytes on their way.

    Attributes:
        start: where in the file they begin: what was asked for, or 0 where the source cannot.
        total: the whole file's size, where the source says.
        tag: tells this version of the file from others; empty where the source has no such thing.
    """

    start: int
    total: int | None
    tag: str
    blocks: Iterator[bytes]


class FileSource(Protocol):
    """Gives the files of models."""

    def facts(self, model: ManifestModel, file: ModelFile) -> FileFacts:
        """What is known of a file. Raises as `open`."""
        ...

    def open(
        self, model: ManifestModel, file: ModelFile, start: int, tag: str
    ) -> AbstractContextManager[Stream]:
        """The file from ``start`` on, if it still is the version ``tag``; else from 0.

        Raises:
            ModelStoreError: the source has no such file.
            TransferError: out of reach, or broken off; also while the blocks are read.
        """
        ...


@contextmanager
def local_stream(handle: int, start: int, tag: str) -> Iterator[Stream]:
    """A file on this machine as a stream; its tag is made of its size and time."""
    with os.fdopen(handle, "rb") as opened:
        facts = os.fstat(handle)
        current = f"{facts.st_size}-{facts.st_mtime_ns}"
        begin = start if tag == current and start <= facts.st_size else 0
        opened.seek(begin)
        yield Stream(begin, facts.st_size, current, _read(opened))


def _read(opened: BinaryIO) -> Iterator[bytes]:
    try:
        while block := opened.read(BLOCK):
            yield block
    except OSError as error:  # a stick that is pulled out, a share that is gone
        raise TransferError(f"the file cannot be read: {error.strerror}") from error
