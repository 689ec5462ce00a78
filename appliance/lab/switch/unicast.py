"""The unicast stream of one channel: raw frames over UDP, both ways, with nobody checking."""

from collections.abc import Callable

import gevent
from gevent import socket

_MAX_DATAGRAM = 65_535


class Unicast:
    """A bound socket that sends to one address and takes frames from anybody.

    Raises:
        OSError: from the constructor, when the local pair cannot be bound.
        ValueError: when a port is no number.
    """

    def __init__(
        self,
        local: tuple[str, int],
        remote: tuple[str, int],
        on_frame: Callable[[bytes], None],
        name: str,
    ) -> None:
        """Bind ``local`` and begin to read; ``on_frame`` gets each datagram."""
        self._remote = remote
        self._on_frame = on_frame
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind(local)
        except OSError:
            self._socket.close()
            raise
        self.sent = 0
        self.received = 0
        self._reader = gevent.spawn(self._read)
        self._reader.name = f"bench-unicast-{name}"

    def send(self, frame: bytes) -> bool:
        """Send one frame; False when the socket refuses, which ends the stream."""
        try:
            # A connected peer that is gone is told by an ICMP error here or never: UDP.
            self._socket.sendto(frame, self._remote)
        except OSError:
            return False
        self.sent += 1
        return True

    def close(self) -> None:
        """Unbind."""
        self._reader.kill(block=False)
        self._socket.close()

    def _read(self) -> None:
        while True:
            try:
                frame = self._socket.recv(_MAX_DATAGRAM)
            except OSError:
                return
            if not frame:
                return  # the original's reading thread ends at an empty datagram
            self.received += 1
            self._on_frame(frame)
