"""Many callers at once over SIP: each is answered and greeted, and nobody hears a dead line."""

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import psutil
import pytest
from gevent import subprocess

from appliance.events.reader import recent_calls
from appliance.lab.freeswitch.backend import FreeSwitchBackend
from appliance.lab.freeswitch.baresip_config import find_baresip
from appliance.lab.freeswitch.ports import free_port
from appliance.lab.session import Lab, lab
from appliance.lab.stack import Stack
from tests.freeswitch.rtp_ears import RtpEar

pytestmark = [pytest.mark.freeswitch, pytest.mark.timeout(300)]

CALLERS = 20
PER_SECOND = 5
TALK_S = 20
# Noisy machines: these are to find a call that nobody serves, not to measure.
GREETED_WITHIN_S = 2.0
LONGEST_SILENCE_S = 6.0
SCENARIO = Path(__file__).with_name("sipp_caller.xml")


@pytest.fixture(scope="module")
def running(freeswitch_binary: Path) -> Iterator[Lab]:
    del freeswitch_binary  # skips where there is none
    if shutil.which("sipp") is None:
        pytest.skip("no load generator: install the package sip-tester")
    if find_baresip() is None:
        pytest.skip("baresip is not installed")
    work = Path(tempfile.mkdtemp(prefix="load-"))
    work.chmod(0o755)
    with lab(Stack(work), "freeswitch", say=lambda _line: None, started=lambda: None) as made:
        yield made
    shutil.rmtree(work, ignore_errors=True)


@pytest.fixture
def ears() -> Iterator[list[RtpEar]]:
    made = [RtpEar() for _ in range(CALLERS)]
    yield made
    for ear in made:
        ear.close()


def cores(processes: list[psutil.Process], before: list[float], seconds: float) -> float:
    return (sum(busy_s(process) for process in processes) - sum(before)) / seconds


def busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def longest_silence_s(ear: RtpEar, until: float) -> float:
    assert ear.first_packet_at is not None
    quiet_since, longest = ear.first_packet_at, 0.0
    for piece in ear.ear.pieces():
        longest = max(longest, piece.started_at - quiet_since)
        quiet_since = piece.ended_at
    return max(longest, until - quiet_since)


def test_twenty_callers_at_once_are_all_served(
    running: Lab, ears: list[RtpEar], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backend = running.backend
    assert isinstance(backend, FreeSwitchBackend)
    numbers = tmp_path / "callers.csv"
    rows = [f"{ear.port};{number:04}" for number, ear in enumerate(ears)]
    numbers.write_text("\n".join(["SEQUENTIAL", *rows, ""]))
    switch = psutil.Process(backend.switch.pid)
    controller = psutil.Process(running.stack.controller[0].pid)
    started = time.perf_counter()
    before = [busy_s(switch), busy_s(controller)]
    with open(tmp_path / "sipp.txt", "wb") as output:
        sipp = subprocess.Popen(
            [
                "sipp", f"127.0.0.1:{backend.switch.external_port}", "-sf", str(SCENARIO),
                "-s", "+15551000", "-i", "127.0.0.1", "-p", str(free_port()),
                "-inf", str(numbers), "-m", str(CALLERS), "-l", str(CALLERS),
                "-r", str(PER_SECOND), "-d", str(TALK_S * 1000), "-nostdin",
                "-timeout", str(TALK_S + 40), "-mp", str(free_port(count=4)),
            ],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=tmp_path,
        )  # fmt: skip
    gevent.sleep(TALK_S)  # all of them have called by then, and none has hung up
    seconds = time.perf_counter() - started
    switch_cores = cores([switch], before[:1], seconds)
    controller_cores = cores([controller], before[1:], seconds)
    ended = time.perf_counter()
    assert sipp.wait(60) == 0, (tmp_path / "sipp.txt").read_text(errors="replace")[-2000:]
    greeted = [
        (ear.ear.first_audible_at - ear.first_packet_at) * 1000
        for ear in ears
        if ear.ear.first_audible_at is not None and ear.first_packet_at is not None
    ]
    silences = [longest_silence_s(ear, ended) for ear in ears]
    with capsys.disabled():
        sys.stdout.write(
            f"\n    {len(greeted)} of {CALLERS} callers greeted: first audio to greeting median "
            f"{statistics.median(greeted):.0f} ms, worst {max(greeted):.0f} ms; longest silence "
            f"{max(silences):.1f} s; cores: FreeSWITCH {switch_cores:.2f}, "
            f"controller {controller_cores:.2f}\n"
        )
    assert len(greeted) == CALLERS
    assert max(greeted) < GREETED_WITHIN_S * 1000
    assert max(silences) < LONGEST_SILENCE_S
    records_end(running)


def records_end(running: Lab) -> None:
    """Every call has a record that says how it ended."""
    with gevent.Timeout(30, AssertionError("records without an end")):
        while True:
            calls = recent_calls(running.database, running.directory.organisation_id, limit=100)
            if len(calls) == CALLERS and all(call.outcome for call in calls):
                return
            gevent.sleep(0.2)  # no event tells of a row in a database
