"""The least that any controller must do: receive, webrtcvad, send. What ours is held beside."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path

import gevent
import webrtcvad
from gevent import socket

from appliance.lab.benchmarks.callers import RATE_HZ, questions
from appliance.lab.benchmarks.rig import in_thread
from appliance.lab.benchmarks.usage import cpu_s
from appliance.lab.clock import FrameClock
from appliance.lab.processes import ApplianceProcess
from appliance.lab.sound import frames_of
from appliance.lab.switch.unicast import Unicast

COMMAND = ("bench", "--bare-loop")
_HOST, _LOAD_HOST = "127.0.0.3", "127.0.0.1"
_DATAGRAM = 2048
_WARM_UP_S = 1.0


def serve(ports: Sequence[int]) -> None:
    """Answer every frame that comes from each port with itself, until killed; the process's main.

    A greenlet for each call, which runs webrtcvad on what came.
    """
    for port in ports:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((_HOST, port))
        sock.connect((_LOAD_HOST, port))
        gevent.spawn(_echo, sock).name = f"bare-loop-{port}"
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    gevent.get_hub().join()


def _echo(sock: socket.socket) -> None:
    vad = webrtcvad.Vad(2)
    while True:
        frame = sock.recv(_DATAGRAM)
        vad.is_speech(frame, RATE_HZ)
        sock.send(frame)


def bare_loop_cpu(calls: Sequence[int], seconds: float, work: Path) -> list[float]:
    """Cores that the bare loop uses for so many calls, with the same load as the controller's.

    Args:
        calls: one process for each number, measured one after the other.
    """
    with ExitStack() as undo:
        loops = [_BareLoop(number, work) for number in calls]
        for loop in loops:
            loop.process.start()
            undo.callback(loop.process.kill)
        return [loop.cpu(seconds) for loop in loops]


class _BareLoop:
    def __init__(self, calls: int, work: Path) -> None:
        self._ports = _free_udp_ports(calls)
        numbers = ",".join(str(port) for port in self._ports)
        name = f"bare-loop-{calls}"
        self.process = ApplianceProcess(name, (*COMMAND, numbers), {}, work / "logs")

    def cpu(self, seconds: float) -> float:
        """Load it and measure."""
        in_thread(self.process.wait_ready)
        with ExitStack() as undo:
            clock = FrameClock()
            clock.start()
            undo.callback(clock.stop)
            for port in self._ports:
                undo.callback(_speak(clock, port).close)
            gevent.sleep(_WARM_UP_S)
            began_at, used_s = time.perf_counter(), cpu_s(self.process.pid)
            gevent.sleep(seconds)
            return (cpu_s(self.process.pid) - used_s) / (time.perf_counter() - began_at)


def _speak(clock: FrameClock, port: int) -> Unicast:
    """Send speech from ``port`` at the clock's beat, for ever."""
    stream = Unicast((_LOAD_HOST, port), (_HOST, port), lambda _frame, _age_s: None, str(port))
    frames = cycle(frames_of(b"".join(questions()), RATE_HZ))

    def speak(_now: float) -> None:
        stream.send(next(frames))

    clock.add(stream, speak)
    return stream


def _free_udp_ports(count: int) -> list[int]:
    """Different ports that are free at this moment; on our second address nobody else asks."""
    with ExitStack() as undo:
        probes = [
            undo.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            for _ in range(count)
        ]
        for probe in probes:
            probe.bind((_LOAD_HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
