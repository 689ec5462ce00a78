"""Files and names: what is safe to write, and writing it so that no half of it is ever seen."""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from appliance.inference.store.errors import ModelStoreError

NAME_PATTERN = r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?"
"""A model's name: also the name of its folder."""

FILE_PATTERN = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9_])?"
"""A file's name in a model's folder: no folder in it, nothing hidden, nothing a shell minds."""

_NAME = re.compile(NAME_PATTERN)
_FILE = re.compile(FILE_PATTERN)
_BLOCK = 1024 * 1024


def checked_name(name: str) -> str:
    """The name, when it is one.

    Raises:
        ModelStoreError: it is none, or one that the store keeps for itself.
    """
    if not _NAME.fullmatch(name) or ".." in name or name.endswith((".lock", ".toml")):
        raise ModelStoreError(
            f"{name[:80]!r} is no name for a model: lower-case letters, digits, dots and dashes, "
            "such as whisper-base"
        )
    return name


def checked_file_name(name: str) -> str:
    """A file's name, when it is a plain one.

    Raises:
        ModelStoreError: it names a folder, hides, or has characters that do not belong there.
    """
    if not _FILE.fullmatch(name) or ".." in name:
        raise ModelStoreError(
            f"{name[:80]!r} is no plain file name: letters, digits, dots, dashes and underscores"
        )
    return name


def as_name(text: str) -> str:
    """A model's name made from a file's: ``My Model_Q4.gguf`` gives ``my-model-q4``.

    Raises:
        ModelStoreError: nothing is left of it.
    """
    plain = re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")
    return checked_name(re.sub(r"\.{2,}", ".", plain)[:64].strip("-."))


def write_atomically(path: Path, text: str) -> None:
    """Replace a file's content: whoever reads it sees the old or the new, never a half.

    Raises:
        OSError: as the file system says; the old content is then still there.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Have the names in a directory survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_regular(path: Path) -> int:
    """A handle to read a regular file; links, devices and pipes are refused.

    Raises:
        ModelStoreError: it is something else.
        OSError: it cannot be read.
    """
    if path.is_symlink():
        raise ModelStoreError(f"{path} is a link; name or copy the file itself")
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ModelStoreError(f"{path} is no ordinary file")
    return handle


def sha256_of(path: Path, progress: Callable[[int], None] | None = None) -> tuple[int, str]:
    """A regular file's size in bytes and its SHA-256 in hexadecimal.

    Args:
        progress: called with the bytes read since the last call.
    """
    digest = hashlib.sha256()
    size = 0
    with os.fdopen(open_regular(path), "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
            if progress is not None:
                progress(len(block))
    return size, digest.hexdigest()
