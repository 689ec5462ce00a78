"""FreeSWITCH's end of one unicast stream, on loopback."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from gevent import socket
from gevent.event import Event

from appliance.media.unicast import UnicastAddresses


class FarEnd:
    """Binds the pair it was told, keeps what it is sent, and sends when asked to."""

    def __init__(self, addresses: UnicastAddresses) -> None:
        self._to = (addresses.remote_ip, addresses.remote_port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((addresses.local_ip, addresses.local_port))
        self.heard: list[tuple[float, bytes]] = []
        self._more = Event()
        self._reader = gevent.spawn(self._read)

    def send(self, datagram: bytes) -> None:
        self._socket.sendto(datagram, self._to)

    def speech(self) -> list[tuple[float, bytes]]:
        return [(at, frame) for at, frame in self.heard if any(frame)]

    def wait_frames(self, count: int, timeout_s: float = 5.0) -> None:
        """Wait for so many frames more."""
        wanted = len(self.heard) + count
        with gevent.Timeout(timeout_s):
            while len(self.heard) < wanted:
                self._more.clear()
                self._more.wait()

    def close(self) -> None:
        self._reader.kill()
        self._socket.close()

    def _read(self) -> None:
        while True:
            frame = self._socket.recv(4096)
            self.heard.append((time.perf_counter(), frame))
            self._more.set()


@contextmanager
def far_end(addresses: UnicastAddresses) -> Iterator[FarEnd]:
    end = FarEnd(addresses)
    try:
        yield end
    finally:
        end.close()
