"""A process that is stopped for a while, as a machine is that is moved or suspended."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from appliance.media.unicast import UnicastAddresses

_FRAME = b"\1\0" * 160
_STOPPED_S = 0.6
_LIMIT_S = 10
_CALL = """
import dataclasses, json, sys
from gevent import get_hub
from appliance.media.call_audio import CallAudio

audio = CallAudio(8000, on_frame=lambda frame, at_ms: None, on_lost=lambda ms: None)
print(json.dumps(dataclasses.asdict(audio.open())), flush=True)
get_hub().threadpool.apply(sys.stdin.readline)
audio.catch_up()
print(json.dumps(dataclasses.asdict(audio.counts)), flush=True)
"""


class Stoppable:
    """A call's audio in a process of its own."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _CALL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        addresses = UnicastAddresses(**self._said())
        self._to = (addresses.remote_ip, addresses.remote_port)
        self._far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._far.bind((addresses.local_ip, addresses.local_port))

    def _said(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def send(self) -> None:
        self._far.sendto(_FRAME, self._to)

    def hears_within(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._far], [], [], seconds)
        if ready:
            self._far.recv(4096)
        return bool(ready)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)
        while self.hears_within(0):
            pass

    def counts(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._said()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._far.close()


@pytest.fixture
def call() -> Iterator[Stoppable]:
    call = Stoppable()
    yield call
    call.close()


def test_what_the_caller_said_meanwhile_is_heard(call: Stoppable) -> None:
    for _ in range(20):
        assert call.hears_within(_LIMIT_S)
        call.send()
    call.stop()
    assert not call.hears_within(_STOPPED_S)
    for _ in range(round(_STOPPED_S / 0.02)):
        call.send()
    call.process.send_signal(signal.SIGCONT)
    for _ in range(20):
        assert call.hears_within(_LIMIT_S)
        call.send()
    counts = call.counts()
    assert counts["overrun"] == 0, counts
    assert counts["received"] >= 20 + round(_STOPPED_S / 0.02) + 15, counts
