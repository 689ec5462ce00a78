"""The UDP socket of one call's ``unicast``, and the pair of addresses FreeSWITCH is told."""

import errno
from dataclasses import dataclass
from typing import Final

from gevent import monkey, socket

MAX_DATAGRAM: Final = 8192
"""More than 80 ms at 48 kHz; anything larger is not telephone audio."""

# Never waits and is used a hundred times a second and call: the system's own socket does without
# what gevent's adds for waiting, whether the process is patched or not.
_PlainSocket = monkey.get_original("socket", "socket")
_SWITCH_IP: Final = "127.0.0.2"
_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class UnicastAddresses:
    """The four values of ``unicast``: ``local`` is FreeSWITCH's end, ``remote`` is ours."""

    local_ip: str
    local_port: int
    remote_ip: str
    remote_port: int


@dataclass(slots=True)
class UnicastCounts:
    """Datagrams that were not the caller's audio, or could not be sent."""

    strangers: int = 0
    oversized: int = 0
    unsent: int = 0


class UnicastSocket:
    """A non-blocking UDP socket on loopback that talks with one peer only.

    FreeSWITCH binds the local pair itself, so a port has to be found that stays free until it
    does. Looking for one and letting go of it is a race; instead our own port is used twice. We
    hold 127.0.0.1:N for the whole call, which no other process can then be given, and FreeSWITCH
    gets 127.0.0.2:N, which nobody else has a reason to ask for.

    The peer is therefore known beforehand: the socket is locked to it from the start rather than
    to whoever happens to send first. Datagrams from any other address are counted and ignored.

    Raises:
        OSError: when no port can be had.
    """

    def __init__(self, ip: str = "127.0.0.1", switch_ip: str = _SWITCH_IP) -> None:
        self._socket, port = _bind_pair(ip, switch_ip)
        self.addresses = UnicastAddresses(switch_ip, port, ip, port)
        self.counts = UnicastCounts()
        self._peer = (switch_ip, port)

    def fileno(self) -> int:
        """For waiting until it is readable."""
        return int(self._socket.fileno())

    def receive(self) -> bytes | None:
        """The next datagram of the peer; empty for one to ignore; None when there is none now."""
        try:
            data, sender = self._socket.recvfrom(MAX_DATAGRAM + 1)
        except BlockingIOError:
            return None
        except OSError:  # an ICMP error of an earlier send is reported here
            return b""
        if sender != self._peer:
            self.counts.strangers += 1
            return b""
        if len(data) > MAX_DATAGRAM:
            self.counts.oversized += 1
            return b""
        return bytes(data)

    def send(self, frame: bytes) -> None:
        """Send one frame. What cannot be sent is counted: the next frame is due in 20 ms."""
        try:
            self._socket.sendto(frame, self._peer)
        except OSError:
            self.counts.unsent += 1

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()


def _bind_pair(ip: str, switch_ip: str) -> tuple[socket.socket, int]:
    for _ in range(_ATTEMPTS):
        ours = _PlainSocket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            ours.bind((ip, 0))
            ours.setblocking(False)
            port = int(ours.getsockname()[1])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as theirs:
                theirs.bind((switch_ip, port))
            return ours, port
        except OSError as error:
            ours.close()
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"no UDP port is free on both {ip} and {switch_ip}")
