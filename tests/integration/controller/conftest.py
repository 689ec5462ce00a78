"""A whole controller in this process: the bench, a real database and spool, quick engines."""

import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import gevent
import pytest

from appliance import wiring
from appliance.calls.errors import InferenceError
from appliance.controller.supervisor import Supervisor
from appliance.events.reader import CallRecord, call_record
from appliance.inference.work import current_work
from appliance.lab.phones import VirtualPhone
from appliance.lab.stack import free_port
from appliance.lab.switch.bench import BenchConfig, BenchSwitch
from appliance.lab.switch.dialplan import BenchDialplan
from appliance.settings import Settings
from appliance.speech.recognizer import Transcript
from appliance.storage.database import Database
from appliance.storage.directory_import import import_directory
from appliance.wiring import Engines

LIMIT_S = 15.0


class QuickVoice:
    """Every sentence is a fifth of a second of something audible.

    ``said`` are the texts, each with the voice that was asked for.
    """

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def speak(self, text: str, rate_hz: int, *, timeout_s: float = 5.0) -> Iterator[bytes]:
        self.said.append((current_work().voice, text))
        yield b"\0\x20\0\xe0" * (rate_hz // 10)


class NoEars:
    """These callers press keys."""

    def transcribe(
        self, pcm: bytes, rate_hz: int, *, hotwords: Sequence[str] = (), timeout_s: float = 5.0
    ) -> Transcript:
        raise InferenceError("nobody listens")


class House:
    """One organisation on a bench, its controller, and people with telephones."""

    def __init__(self, bench: BenchSwitch, database: Database, organisation: str, did: str) -> None:
        self.bench = bench
        self.database = database
        self.organisation = organisation
        self.did = did
        self.voice = QuickVoice()
        self.supervisor: Supervisor

    def call(self) -> tuple[str, VirtualPhone]:
        """Somebody rings and is answered."""
        phone = VirtualPhone("+15550100", "Maria", now=self.bench.now)
        call_id = self.bench.dial(phone, self.did)
        assert phone.answered.wait(LIMIT_S)
        return call_id, phone

    def desk(self, extension: str) -> VirtualPhone:
        phone = VirtualPhone(extension, now=self.bench.now)
        self.bench.register(phone)
        return phone

    def bridged(self, call_id: str) -> bool:
        """Whether the two talk, and the caller would not come back for one who hangs up now."""
        channel = self.bench.channel(call_id)
        if channel is None or channel.bridge is None:
            return False
        return channel.bridge.up and not channel.variables.get("transfer_after_bridge")

    def record(self, call_id: str) -> CallRecord:
        """The call's record once it has an end."""

        def ended() -> bool:
            found = call_record(self.database, self.organisation, call_id)
            return found is not None and found.call.outcome is not None

        until(ended, "the record has an end")
        record = call_record(self.database, self.organisation, call_id)
        assert record is not None
        return record


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that no event tells of."""
    with gevent.Timeout(LIMIT_S, AssertionError(f"never: {what}")):
        while not condition():
            gevent.sleep(0.02)


@pytest.fixture
def house(postgres_url: str, database: Database, tmp_path: Path) -> Iterator[House]:
    number = str(10**11 + uuid4().int % 10**11)
    file = tmp_path / "house.yaml"
    file.write_text(
        textwrap.dedent(f"""
        organisation:
          name: "House {number}"
          operator: Reception
        personas: [{{name: Front desk, greeting: Good day.}}]
        dids: [{{number: "+{number}"}}]
        departments:
          - {{name: Reception, members: ["200", "201"]}}
        people:
          - {{name: Anna Jones, extension: "212"}}
        extensions: [{{number: "200", outbound: true}}]
        trunks: [{{name: provider, proxy: sip.example.org, outbound_prefixes: ["+49"]}}]
        """)
    )
    organisation = import_directory(database, file, domain=f"{uuid4().hex[:8]}.example")
    port = free_port()
    bench = BenchSwitch(
        BenchConfig(
            BenchDialplan(
                controllers=(f"127.0.0.1:{port}",),
                hunt_group=("299",),
                extensions=frozenset({"200", "201", "212"}),
            ),
            port=free_port(),
        )
    )
    bench.start()
    house = House(bench, database, organisation, f"+{number}")
    settings = Settings.model_validate(
        {
            "DATABASE_URL": postgres_url,
            "name": "controller-t",
            "switch": {
                "port": bench.address[1],
                "password": bench.config.password,
                "call_server_port": port,
            },
            "storage": {"directory": tmp_path / "state"},
        }
    )
    try:
        with wiring.controller(settings, Engines(NoEars(), house.voice, None)) as supervisor:
            house.supervisor = supervisor
            until(lambda: bool(bench.core.listeners), "the control link is up")
            yield house
            for channel in list(bench.core.channels.values()):
                channel.hang_up("MANAGER_REQUEST")
            assert supervisor.calls.idle.wait(LIMIT_S)
    finally:
        bench.stop()
