"""The unicast stream of one channel: raw frames over UDP, both ways, with nobody checking."""

import struct
import time
from collections.abc import Callable

import gevent
from gevent import socket

_MAX_DATAGRAM = 65_535
# Linux's SO_TIMESTAMPNS, which the socket module has no name for; also the type of what comes.
_ARRIVAL_TIMES = 35
_TIMESPEC = struct.Struct("@ll")


class Unicast:
    """A bound socket that sends to one address and takes frames from anybody.

    Args:
        on_frame: gets each datagram and how many seconds ago it arrived by the kernel's clock, so
            that a bench which is late to look does not take the far end for late.

    Raises:
        OSError: from the constructor, when the local pair cannot be bound.
        ValueError: when a port is no number.
    """

    def __init__(
        self,
        local: tuple[str, int],
        remote: tuple[str, int],
        on_frame: Callable[[bytes, float], None],
        name: str,
    ) -> None:
        """Bind ``local`` and begin to read."""
        self._remote = remote
        self._on_frame = on_frame
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(local)
            self._socket.setsockopt(socket.SOL_SOCKET, _ARRIVAL_TIMES, 1)
        except OSError:
            self._socket.close()
            raise
        self._reader = gevent.spawn(self._read)
        self._reader.name = f"bench-unicast-{name}"

    def send(self, frame: bytes) -> bool:
        """Send one frame; False when the socket refuses, which ends the stream."""
        try:
            # A connected peer that is gone is told by an ICMP error here or never: UDP.
            self._socket.sendto(frame, self._remote)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Unbind."""
        self._reader.kill(block=False)
        self._socket.close()

    def _read(self) -> None:
        room = socket.CMSG_SPACE(_TIMESPEC.size)
        while True:
            try:
                frame, about, _flags, _sender = self._socket.recvmsg(_MAX_DATAGRAM, room)
            except OSError:
                return
            if not frame:
                return  # the original's reading thread ends at an empty datagram
            self._on_frame(frame, _age_s(about))


def _age_s(about: list[tuple[int, int, bytes]]) -> float:
    """Seconds since a datagram arrived; 0 when the kernel does not say."""
    for level, kind, data in about:
        if level == socket.SOL_SOCKET and kind == _ARRIVAL_TIMES:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            # The clock that the kernel stamps with; a step of it in this very moment is possible.
            sent_at = float(seconds) + float(nanoseconds) * 1e-9
            return max(time.time() - sent_at, 0.0)
    return 0.0
