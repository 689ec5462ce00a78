"""Ports for processes that cannot bind port 0 and tell us what they got."""

import random
import socket

_LOW, _HIGH = 20000, 32000
"""Below Linux's ephemeral range, so that no outgoing connection takes one in the meantime."""


def free_port(*, count: int = 1) -> int:
    """The first of ``count`` ports on 127.0.0.1 that are free now, for TCP and UDP alike.

    Raises:
        OSError: when a hundred draws found none.
    """
    for _ in range(100):
        first = random.randrange(_LOW, _HIGH - count, 2)
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise OSError(f"no {count} free ports in a row between {_LOW} and {_HIGH}")


def _is_free(port: int) -> bool:
    for each in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, each) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
