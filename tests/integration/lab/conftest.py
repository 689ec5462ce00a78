from collections.abc import Iterator

import pytest

from appliance.lab.backend import BenchBackend
from appliance.lab.contract import SwitchUnderTest
from appliance.lab.peer import Peer, PeerServer, dial
from appliance.lab.switch import BenchConfig, BenchSwitch
from appliance.lab.switch.dialplan import BenchDialplan
from tests.integration.lab.scripted_controller import ScriptedController


@pytest.fixture
def controllers() -> Iterator[PeerServer]:
    server = PeerServer()
    yield server
    server.stop()


@pytest.fixture
def bench(controllers: PeerServer) -> Iterator[BenchSwitch]:
    switch = BenchSwitch(
        BenchConfig(
            BenchDialplan(
                controllers=(controllers.address,),
                extensions=frozenset({"200", "201", "202", "203"}),
                hunt_group=("200",),
                mute_s=1,
            )
        )
    )
    switch.start()
    yield switch
    switch.stop()


@pytest.fixture
def under_test(bench: BenchSwitch, controllers: PeerServer) -> SwitchUnderTest:
    host, port = bench.address

    def control() -> Peer:
        return dial(host, port, bench.config.password)

    return SwitchUnderTest(BenchBackend(bench), control, controllers)


@pytest.fixture
def controller(bench: BenchSwitch, controllers: PeerServer) -> Iterator[ScriptedController]:
    scripted = ScriptedController(controllers, bench.address)
    yield scripted
    scripted.stop()
