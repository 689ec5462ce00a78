"""Processes that must not outlive the one that started them, however it ends."""

import ctypes
import signal
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_starter = ThreadPoolExecutor(1, "starts-processes")


def start_child(
    arguments: Sequence[str], how: signal.Signals = signal.SIGKILL, **options: Any
) -> "subprocess.Popen[bytes]":
    """Start a process that gets the signal ``how`` when ours is gone; from any thread.

    Raises:
        OSError: it does not start.
    """

    def start() -> "subprocess.Popen[bytes]":
        bind = partial(dies_with_us, how)
        return subprocess.Popen(  # noqa: S603 - our own programs
            arguments, preexec_fn=bind, text=False, **options
        )

    # The kernel goes by the end of the thread that forked, and this one ends with the process.
    return _starter.submit(start).result()


def dies_with_us(how: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel end the new process when ours is gone; to be called between fork and exec.

    It is the starting thread's end that counts: only for what the main thread starts itself.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, how)
