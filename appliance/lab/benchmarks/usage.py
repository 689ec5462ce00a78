"""What a process, and the machine, use; as Linux counts it."""

import os
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROCESS_CLOCK = 2


def cpu_s(pid: int) -> float:
    """Seconds of processor time that a process and its threads have used, ended ones included.

    Raises:
        OSError: there is no such process.
    """
    # What clock_getcpuclockid(3) gives for the process; Python has no name for it.
    return time.clock_gettime((~pid << 3) | _PROCESS_CLOCK)


def busy_s() -> float:
    """Seconds of processor time that the whole machine has spent on anything, over all cores."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _waiting, interrupt, soft_interrupt, stolen = fields[:8]
    return (user + nice + system + interrupt + soft_interrupt + stolen) / _TICKS


def memory_mb(pid: int) -> float:
    """Megabytes of memory that are this process's own, and its part of what it shares (PSS).

    Raises:
        OSError: there is no such process, or it is another user's.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"/proc/{pid}/smaps_rollup has no Pss")
