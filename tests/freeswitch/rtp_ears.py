"""Ears for many callers: RTP heard at ports of our own, and silence sent back."""

import struct
import time

import gevent
from gevent import socket

from appliance.lab.hearing import Ear

_HEADER_BYTES = 12
_FRAME_BYTES = 160
_SILENCE = b"\xff" * _FRAME_BYTES
_PCMU = 0


def _linear(byte: int) -> int:
    """One byte of G.711's mu-law as a 16-bit sample."""
    value = ~byte & 0xFF
    magnitude = (((value & 0x0F) << 3) + 0x84) << ((value & 0x70) >> 4)
    return (0x84 - magnitude) if value & 0x80 else (magnitude - 0x84)


_TABLE = [struct.pack("<h", _linear(byte)) for byte in range(256)]


class RtpEar:
    """One caller's ear, and a mouth that says nothing but keeps talking RTP.

    Attributes:
        first_packet_at: when audio began to come, at the latest when the call was answered.
    """

    def __init__(self) -> None:
        self.ear = Ear(8000, keep=False)
        self.first_packet_at: float | None = None
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._reader = gevent.spawn(self._listen)

    def close(self) -> None:
        self._reader.kill()
        self._socket.close()

    def _listen(self) -> None:
        sequence = 0
        while True:
            packet, switch = self._socket.recvfrom(2048)
            now = time.perf_counter()
            if self.first_packet_at is None:
                self.first_packet_at = now
            self.ear.feed(b"".join(_TABLE[byte] for byte in packet[_HEADER_BYTES:]), now)
            header = struct.pack(
                "!BBHII", 0x80, _PCMU, sequence & 0xFFFF, sequence * _FRAME_BYTES, self.port
            )
            self._socket.sendto(header + _SILENCE, switch)
            sequence += 1
