"""What waits in the spools of this machine, and which processes live that write there. Blocks."""

import fcntl
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from appliance.storage.spool import LOCK, POSITION, segment_path
from appliance.storage.spool_reader import spool_directories
from appliance.storage.vital_signs import VitalSigns, read_vital_signs

_DEAD_LETTERS = "dead-letters.jsonl"
_LONGEST_LINE = 2**20


@dataclass(frozen=True, slots=True)
class Living:
    """A controller that writes here now; ``signs`` are None until it has told how it does."""

    name: str
    signs: VitalSigns | None


@dataclass(frozen=True, slots=True)
class SpoolState:
    """The spools under one directory.

    Attributes:
        waiting_bytes: events on disk that the database does not have yet.
        files: that they are in.
        oldest: when the oldest of them happened; None when none waits.
        controllers: that write here now.
        left: spools of processes that are gone, still to be brought in.
        dead_letters: lines that the database refused for good.
    """

    waiting_bytes: int
    files: int
    oldest: datetime | None
    controllers: tuple[Living, ...]
    left: int
    dead_letters: int

    @property
    def living(self) -> tuple[str, ...]:
        """Names of the controllers."""
        return tuple(controller.name for controller in self.controllers)


@dataclass(frozen=True, slots=True)
class _Waiting:
    size: int
    files: int
    oldest: datetime | None


def spool_state(root: Path) -> SpoolState:
    """Look at the spools.

    Raises:
        OSError: they cannot be read.
    """
    found: list[_Waiting] = []
    living: list[Living] = []
    left = 0
    for directory in spool_directories(root):
        if not (directory / LOCK).exists():
            continue
        found.append(_waiting(directory))
        if _is_held(directory / LOCK):
            name = directory.name.rsplit(".", 2)[0]
            living.append(Living(name, read_vital_signs(directory)))
        else:
            left += 1
    return SpoolState(
        waiting_bytes=sum(one.size for one in found), files=sum(one.files for one in found),
        oldest=min((one.oldest for one in found if one.oldest is not None), default=None),
        controllers=tuple(sorted(living, key=lambda one: one.name)), left=left,
        dead_letters=_lines(root / _DEAD_LETTERS),
    )  # fmt: skip


def _waiting(directory: Path) -> _Waiting:
    segment, offset = 0, 0
    try:
        position = json.loads((directory / POSITION).read_text())
        segment, offset = int(position["segment"]), int(position["offset"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # nothing was confirmed yet
    sizes: dict[int, int] = {}
    for path in directory.glob("*.jsonl"):
        if not path.stem.isdigit() or int(path.stem) < segment:
            continue
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            continue  # shipped and deleted just now
        waits = max(0, size - offset) if int(path.stem) == segment else size
        if waits:
            sizes[int(path.stem)] = waits
    if not sizes:
        return _Waiting(0, 0, None)
    first = min(sizes)
    oldest = _time_of(segment_path(directory, first), offset if first == segment else 0)
    return _Waiting(sum(sizes.values()), len(sizes), oldest)


def _time_of(path: Path, offset: int) -> datetime | None:
    """When the event happened whose line begins there; None when it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            at = datetime.fromisoformat(json.loads(file.readline(_LONGEST_LINE))["at"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return at if at.tzinfo is not None else None


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
