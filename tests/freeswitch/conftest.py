"""One private FreeSWITCH for all these tests, with three extensions, one trunk and one DID."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.lab.freeswitch.baresip_config import Line, find_baresip
from appliance.lab.freeswitch.instance import RealFreeSwitch, find_freeswitch
from appliance.lab.freeswitch.phone import SipPhone
from appliance.lab.freeswitch.ports import free_port
from tests.freeswitch.organisation import (
    DOMAIN,
    MUTE_SECONDS,
    PASSWORDS,
    RING_SECONDS,
    MakePhone,
    StartController,
    TinyController,
    files,
)


@pytest.fixture(scope="session")
def freeswitch_binary() -> Path:
    binary = find_freeswitch()
    if binary is None:
        pytest.skip("no FreeSWITCH on PATH, and FREESWITCH= names none")
    return binary


@pytest.fixture(scope="session")
def work() -> Iterator[Path]:
    """A short path of its own: FreeSWITCH and baresip truncate long ones."""
    directory = Path(tempfile.mkdtemp(prefix="appliance-fs-"))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def controller_ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="session")
def switch(
    freeswitch_binary: Path, work: Path, controller_ports: tuple[int, int]
) -> Iterator[RealFreeSwitch]:
    running = RealFreeSwitch(
        freeswitch_binary,
        work / "switch",
        domain=DOMAIN,
        controllers="|".join(f"127.0.0.1:{port}" for port in controller_ports),
        environment={
            "SWITCH_RING_SECONDS": str(RING_SECONDS),
            "SWITCH_MUTE_SECONDS": str(MUTE_SECONDS),
        },
    )
    running.start(files())
    yield running
    running.stop()


@pytest.fixture
def phones(switch: RealFreeSwitch, work: Path) -> Iterator[MakePhone]:
    """``phones("201")`` is a registered desk; ``phones("+4915...", outside=True)`` a caller."""
    if find_baresip() is None:
        pytest.skip("baresip is not installed")
    running: list[SipPhone] = []

    def make(
        number: str,
        *,
        outside: bool = False,
        password: str | None = None,
        name: str = "",
        codecs: str = "PCMU,PCMA",
    ) -> SipPhone:
        if outside:
            line = Line(f"127.0.0.1:{switch.external_port}", "127.0.0.1", codecs=codecs)
        else:
            secret = PASSWORDS.get(number, "none") if password is None else password
            line = Line(f"127.0.0.1:{switch.internal_port}", DOMAIN, secret, codecs)
        folder = Path(tempfile.mkdtemp(prefix=f"phone-{number.strip('+')}-", dir=work))
        phone = SipPhone(number, line, folder, name)
        running.append(phone)
        phone.start()
        if not outside and password is None:
            assert phone.registered.wait(5), phone.events
        return phone

    yield make
    for phone in running:
        phone.close()
    switch.api("hupall")


@pytest.fixture
def controllers(controller_ports: tuple[int, int]) -> Iterator[StartController]:
    """``controllers("talk")`` runs a controller on the first port; ``second=True`` on the other."""
    running: list[TinyController] = []

    def start(behaviour: str, *, second: bool = False) -> TinyController:
        running.append(TinyController(controller_ports[second], behaviour))
        return running[-1]

    yield start
    for controller in running:
        controller.kill()
