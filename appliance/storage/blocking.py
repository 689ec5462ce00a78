"""Work that waits for a disk, kept away from gevent's event loop."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


def call_blocking(function: Callable[..., Result], *args: Any) -> Result:
    """Call ``function(*args)`` without stopping other greenlets.

    In a process that gevent has patched, a "thread" is a greenlet and a slow ``fsync`` would stop
    every call's audio, so the function runs on gevent's pool of real threads. In any other process
    the caller is on a thread of its own and the function is simply called.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        import gevent

        result: Result = gevent.get_hub().threadpool.apply(function, args)
        return result
    return function(*args)
