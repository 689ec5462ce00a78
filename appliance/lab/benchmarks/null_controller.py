"""A controller that does nothing: it says to the switch what ours says, with every text fixed.

It answers each call, takes its audio, sends back a short greeting without any pacing, and waits
for the end. What the bench can do with it is what the bench can do.
"""

import sys

import gevent
from gevent import socket
from gevent.server import StreamServer

from appliance.lab.benchmarks.callers import RATE_HZ
from appliance.lab.sound import silence

COMMAND = ("bench", "--null-controller")
_ASK = b"connect\n\nlinger 10\n\nmyevents\n\n"
_ANSWER = b"sendmsg\ncall-command: execute\nexecute-app-name: answer\n\n"
_UNICAST = (
    "sendmsg\ncall-command: unicast\nlocal-ip: 127.0.0.2\nlocal-port: {port}\n"
    "remote-ip: 127.0.0.1\nremote-port: {port}\ntransport: udp\n\n"
)
_VOICE = b"\1" * len(silence(RATE_HZ))
_SPOKEN_FRAMES, _SILENT_FRAMES = 25, 10
_READ_BYTES = 65_536


def serve(port: int) -> None:
    """Take calls until killed; the process's main."""
    server = StreamServer(("127.0.0.1", port), _hold)
    server.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    gevent.get_hub().join()


def _hold(sock: socket.socket, _address: tuple[str, int]) -> None:
    sock.sendall(_ASK)
    sock.recv(_READ_BYTES)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as audio:
        audio.bind(("127.0.0.1", 0))
        port = audio.getsockname()[1]
        sock.sendall(b"api status\n\n" + _ANSWER + _UNICAST.format(port=port).encode())
        _, switch = audio.recvfrom(_READ_BYTES)
        for _ in range(_SPOKEN_FRAMES):
            audio.sendto(_VOICE, switch)
        for _ in range(_SILENT_FRAMES):
            audio.sendto(silence(RATE_HZ), switch)
        while (told := sock.recv(_READ_BYTES)) and b"CHANNEL_HANGUP" not in told:
            pass
    sock.close()
