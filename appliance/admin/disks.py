"""How much room is left where recordings and waiting events go. Blocks."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system that a directory is on; ``holds`` says what the directory is for."""

    holds: str
    free_bytes: int
    total_bytes: int


def disk_of(holds: str, directory: Path) -> Disk:
    """The disk of a directory, which need not be there yet.

    Raises:
        OSError: nothing can be said about it.
    """
    directory = directory.absolute()
    there = next(path for path in (directory, *directory.parents) if path.exists())
    usage = shutil.disk_usage(there)
    return Disk(holds, usage.free, usage.total)
