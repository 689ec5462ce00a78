"""The cases that hold the bench switch to FreeSWITCH, run against FreeSWITCH itself."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.calls.directory import Department, Did, Directory, Person
from appliance.lab.contract import ContractCase, SwitchUnderTest
from appliance.lab.contract_cases import CASES
from appliance.lab.freeswitch.backend import freeswitch_lab
from appliance.lab.freeswitch.baresip_config import find_baresip
from appliance.lab.freeswitch.ports import free_port
from appliance.lab.peer import Peer, PeerServer, dial

pytestmark = pytest.mark.freeswitch

DIRECTORY = Directory(
    organisation_id="00000000-0000-0000-0000-000000000001",
    name="Contract",
    people=tuple(Person(number, f"Desk {number}", number) for number in ("201", "202", "203")),
    departments=(Department("reception", "Reception", ("200",)),),
    dids=(Did("+15551000"),),
    operator="reception",
)


@pytest.fixture(scope="module")
def under_test(freeswitch_binary: Path, work: Path) -> Iterator[SwitchUnderTest]:
    del freeswitch_binary  # skips where there is none
    if find_baresip() is None:
        pytest.skip("baresip is not installed")
    server = PeerServer()
    with freeswitch_lab(
        DIRECTORY,
        Path(tempfile.mkdtemp(prefix="contract-", dir=work)),
        controllers=server.address,
        password="contract-password",
        event_socket_port=free_port(),
    ) as backend:

        def control() -> Peer:
            return dial("127.0.0.1", backend.switch.event_socket_port, backend.switch.password)

        yield SwitchUnderTest(backend, control, server)
    server.stop()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_freeswitch_keeps_the_contract(case: ContractCase, under_test: SwitchUnderTest) -> None:
    differences = case.differences(under_test)
    assert not differences, "\n".join(differences)
