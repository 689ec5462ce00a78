"""What this box has: processors, memory, an NVIDIA GPU. Containers' limits count."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_NVIDIA = Path("/proc/driver/nvidia/gpus")
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Box:
    """Hardware as this process may use it; memory in MB (10^6 bytes)."""

    cores: int
    memory_mb: int
    free_memory_mb: int
    nvidia_gpus: int


def look(read: Callable[[Path], str] | None = None) -> Box:
    """Look around.

    Args:
        read: gives a file's text, raising OSError where there is none; a seam for tests.
    """
    read = read or (lambda path: path.read_text(encoding="ascii"))
    total, free = _memory(_tried(read, Path("/proc/meminfo")))
    limit = _tried(read, _CGROUP / "memory.max").strip()
    if limit.isdigit():
        total, free = min(total, int(limit)), min(free, int(limit))
    gpus = len(list(_NVIDIA.iterdir())) if _NVIDIA.is_dir() else 0
    return Box(
        _cores(_tried(read, _CGROUP / "cpu.max")), total // 1_000_000, free // 1_000_000, gpus
    )


def _cores(quota: str) -> int:
    """Processors we may run on, or fewer where a container gets only a share of their time."""
    cores = len(os.sched_getaffinity(0))
    parts = quota.split()
    if len(parts) == 2 and all(part.isdigit() and int(part) > 0 for part in parts):
        cores = min(cores, max(1, int(parts[0]) // int(parts[1])))
    return cores


def _memory(text: str) -> tuple[int, int]:
    """All and available memory in bytes."""
    found = {}
    for line in text.splitlines():
        key, _, rest = line.partition(":")
        number = rest.split()[:1]
        if number and number[0].isdigit():
            found[key] = int(number[0]) * 1024
    total = found.get("MemTotal", 0)
    return total, found.get("MemAvailable", total)


def _tried(read: Callable[[Path], str], path: Path) -> str:
    try:
        return read(path)
    except OSError:
        return ""
