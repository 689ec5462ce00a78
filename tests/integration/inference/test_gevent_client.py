"""The client in a process that gevent has patched, as the controller is."""

import socket
import subprocess
import sys

from tests.integration.inference.model_servers import WAIT_S, raw_server

# While one greenlet waits for a mute server, another one goes on counting.
SCRIPT = """
from gevent import monkey
monkey.patch_all()
import sys
import gevent
from appliance.inference.client import InferenceClient, InferenceTimeoutError

counted = 0

def count():
    global counted
    while True:
        gevent.sleep(0.005)
        counted += 1

gevent.spawn(count)
try:
    InferenceClient(sys.argv[1]).get_json("/health", 0.3)
except InferenceTimeoutError:
    print(counted)
"""


def test_waiting_for_a_model_stops_no_other_call() -> None:
    def mute(connection: socket.socket) -> None:
        connection.recv(1 << 20)

    with raw_server(mute) as url:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, url],
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=True,
        )
    assert int(done.stdout) >= 10
