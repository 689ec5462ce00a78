"""The UDP socket of one call's ``unicast``, and the pair of addresses FreeSWITCH is told."""

import errno
from dataclasses import dataclass
from typing import Final

from gevent import monkey, socket

# Nobody waits on it in Python: the system's own socket, whether the process is patched or not.
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


class UnicastSocket:
    """A UDP socket on loopback for one peer, which the media thread reads and writes.

    FreeSWITCH binds the local pair itself, so a port has to be found that stays free until it
    does. Looking for one and letting go of it is a race; instead our own port is used twice. We
    hold 127.0.0.1:N for the whole call, which no other process can then be given, and FreeSWITCH
    gets 127.0.0.2:N, which nobody else has a reason to ask for.

    The peer is therefore known beforehand: the stream is locked to it from the start rather than
    to whoever happens to send first.

    Raises:
        OSError: when no port can be had.
    """

    def __init__(self, ip: str = "127.0.0.1", switch_ip: str = _SWITCH_IP) -> None:
        self._socket, port = _bind_pair(ip, switch_ip)
        self.addresses = UnicastAddresses(switch_ip, port, ip, port)
        self.peer = (switch_ip, port)

    def fileno(self) -> int:
        """For the media thread."""
        return int(self._socket.fileno())

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
