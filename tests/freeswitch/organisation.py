"""The test organisation: three extensions, one trunk, one DID, and a controller to kill."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
from gevent import subprocess
from gevent.event import Event

from appliance.lab.freeswitch.phone import SipPhone
from appliance.storage.phone_store import a1_hash
from appliance.switch.rendering import (
    RenderedDid,
    RenderedExtension,
    RenderedTrunk,
    render,
)

DOMAIN = "appliance.local"
DID = "+4930123456"
PASSWORDS = {"201": "wolf-201", "202": "wolf-202", "203": "wolf-203"}
RING_SECONDS = 4
MUTE_SECONDS = 3


def files(
    trunk_port: int = 9,
    *,
    more: tuple[RenderedExtension, ...] = (),
) -> dict[str, str]:
    """The rendered files of the test organisation."""
    extensions = [
        RenderedExtension(number, a1_hash(number, DOMAIN, password), f"Desk {number}")
        for number, password in PASSWORDS.items()
    ]
    extensions[0] = RenderedExtension(
        "201", a1_hash("201", DOMAIN, PASSWORDS["201"]), "Desk 201", outbound=True
    )
    trunk = RenderedTrunk(
        "provider",
        f"127.0.0.1:{trunk_port}",
        addresses=("127.0.0.1/32",),
        outbound_prefixes=("+49", "0"),
    )
    did = RenderedDid(DID, ("201", "202"))
    return render([*extensions, *more], [trunk], [did], DOMAIN)


class TinyController:
    """Runs tiny_controller.py and keeps what it says."""

    def __init__(self, port: int, behaviour: str) -> None:
        self.port = port
        self.said: list[dict[str, Any]] = []
        self._news = Event()
        script = Path(__file__).with_name("tiny_controller.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(port), behaviour], stdout=subprocess.PIPE
        )
        self._reader = gevent.spawn(self._read)
        self.wait("listening")

    def _read(self) -> None:
        for line in self._process.stdout:
            self.said.append(json.loads(line))
            self._news.set()

    def wait(self, what: str, timeout_s: float = 10.0, **fields: str) -> dict[str, Any]:
        """The first thing said that matches, now or later."""
        return self.wait_for(
            lambda said: (
                said["what"] == what
                and all(said.get(name) == value for name, value in fields.items())
            ),
            timeout_s,
        )

    def wait_for(
        self, wanted: Callable[[dict[str, Any]], bool], timeout_s: float = 10.0
    ) -> dict[str, Any]:
        deadline = time.perf_counter() + timeout_s
        while True:
            self._news.clear()
            found = next((said for said in self.said if wanted(said)), None)
            if found is not None:
                return found
            if not self._news.wait(max(deadline - time.perf_counter(), 0)):
                raise AssertionError(f"not said in {timeout_s} s; said: {self.said[-10:]}")

    def kill(self) -> float:
        """kill -9; the moment it was done."""
        self._process.kill()
        at = time.perf_counter()
        self._process.wait()
        self._reader.join(5)
        self._process.stdout.close()
        return at


MakePhone = Callable[..., SipPhone]
StartController = Callable[..., TinyController]
