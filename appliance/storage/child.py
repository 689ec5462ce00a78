"""Processes that must not outlive the one that started them, however it ends."""

import ctypes
import signal

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def dies_with_us(how: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel end the new process when ours is gone; to be called between fork and exec.

    It is the starting thread's end that counts, so start such processes from the main thread.
    """
    _libc.prctl(_PR_SET_PDEATHSIG, how)
