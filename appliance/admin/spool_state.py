"""What waits in the spools of this machine, and which processes live that write there. Blocks."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

from appliance.storage.spool import LOCK, POSITION
from appliance.storage.spool_reader import spool_directories

_DEAD_LETTERS = "dead-letters.jsonl"


@dataclass(frozen=True, slots=True)
class SpoolState:
    """The spools under one directory.

    Attributes:
        waiting_bytes: events on disk that the database does not have yet.
        living: names of the controllers that write here now.
        left: spools of processes that are gone, still to be brought in.
        dead_letters: lines that the database refused for good.
    """

    waiting_bytes: int
    living: tuple[str, ...]
    left: int
    dead_letters: int


def spool_state(root: Path) -> SpoolState:
    """Look at the spools.

    Raises:
        OSError: they cannot be read.
    """
    waiting, living, left = 0, [], 0
    for directory in spool_directories(root):
        if not (directory / LOCK).exists():
            continue
        waiting += _waiting_bytes(directory)
        if _is_held(directory / LOCK):
            living.append(directory.name.rsplit(".", 2)[0])
        else:
            left += 1
    return SpoolState(waiting, tuple(sorted(living)), left, _lines(root / _DEAD_LETTERS))


def _waiting_bytes(directory: Path) -> int:
    segment, offset = 0, 0
    try:
        position = json.loads((directory / POSITION).read_text())
        segment, offset = int(position["segment"]), int(position["offset"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing was confirmed yet
    waiting = 0
    for path in directory.glob("*.jsonl"):
        if not path.stem.isdigit() or int(path.stem) < segment:
            continue
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            continue  # shipped and deleted just now
        waiting += max(0, size - offset) if int(path.stem) == segment else size
    return waiting


def _is_held(lock: Path) -> bool:
    """Whether a living process holds the lock. Looking takes it shared, for an instant."""
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(1 for _ in file)
    except FileNotFoundError:
        return 0
