"""Two model servers in a row, as the settings name them: the first breaks, the second works."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from appliance.calls.directory import Department, Directory
from appliance.calls.errors import InferenceError
from appliance.decisions.language_model import ProposalRequest
from appliance.inference.config import InferenceConfig
from appliance.inference.work import Work, working_for
from appliance.lab.engine_faults import Engine, EngineFaults, Fault
from appliance.settings import Settings
from appliance.speech.chain import RestingError
from appliance.wiring.engines import Engines, engines_over_http
from tests.integration.inference.model_servers import model_server

SECOND = bytes(16000)
DIRECTORY = Directory("o", "Office", departments=(Department("b", "Billing", ("201",)),))
ANSWER = '{"intent": "transfer", "target": "billing", "priority": "normal", "say": "ok"}'


class Account:
    def __init__(self) -> None:
        self.failures: list[tuple[str, str, str]] = []
        self.uses: list[tuple[str, int]] = []

    def failed(self, stage: str, engine: str, error: str, instead: str) -> None:
        self.failures.append((stage, engine, instead))

    def used(self, stage: str, rank: int, engine: str, reason: str) -> None:
        self.uses.append((stage, rank))


@dataclass
class House:
    engines: Engines
    faults: tuple[EngineFaults, EngineFaults]
    account: Account

    def hear(self) -> str:
        with working_for(Work("a-call", account=self.account)):
            return self.engines.recognizer.transcribe(SECOND, 8000, timeout_s=2.0).text

    def think(self) -> str | None:
        assert self.engines.model is not None
        with working_for(Work("a-call", account=self.account)):
            return self.engines.model.propose(ProposalRequest("billing", DIRECTORY)).target

    def speak(self) -> bytes:
        with working_for(Work("a-call", account=self.account)):
            return b"".join(self.engines.voice.speak("Good morning to you.", 8000))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    config = InferenceConfig(
        port=0, recognizer="instant", recognizer_model="billing please",
        language_model="instant", language_model_file=ANSWER, voice="instant",
    )  # fmt: skip
    with (
        model_server(config) as server,
        EngineFaults(server.url) as first,
        EngineFaults(server.url) as second,
    ):
        both = f"{first.url},{second.url}"
        settings = Settings.model_validate(
            {
                "inference": {
                    "recognizer_urls": both, "language_model_urls": both, "voice_urls": both,
                    "speech_stall_s": 0.3,
                },
                "storage": {"directory": tmp_path},
            }
        )  # fmt: skip
        yield House(engines_over_http(settings), (first, second), Account())


def broken(house: House, servers: int, fault: Fault) -> None:
    for faults in house.faults[:servers]:
        for engine in Engine:
            faults.break_engine(engine, fault)


@pytest.mark.parametrize("fault", Fault)
def test_the_second_server_does_what_the_first_does_not(house: House, fault: Fault) -> None:
    broken(house, 1, fault)
    began = time.monotonic()
    assert house.hear() == "billing please"
    assert house.think() == "Billing"
    assert house.speak()
    # Half of 2 s for the first recogniser and model, 0.3 s for the voice.
    assert time.monotonic() - began < 5
    first, second = (faults.url for faults in house.faults)
    stages = ("recognizer", "language_model", "synthesizer")
    assert house.account.failures == [(stage, first, second) for stage in stages]
    assert house.account.uses == [(stage, 1) for stage in stages]


def test_when_both_break_there_are_keys_rules_and_another_voice(house: House) -> None:
    broken(house, 2, Fault.KILL)
    for _ in range(2):
        with pytest.raises(InferenceError):
            house.hear()
        with pytest.raises(InferenceError):
            house.think()
    began = time.monotonic()
    with pytest.raises(RestingError):
        house.hear()
    with pytest.raises(RestingError):
        house.think()
    assert time.monotonic() - began < 0.1  # nobody waits for what is known to be broken
    assert house.speak()
    assert house.account.uses[-1] == ("synthesizer", 2)
    assert {("recognizer", 2), ("language_model", 2)} <= set(house.account.uses)


def test_everything_is_mended_by_itself(house: House) -> None:
    broken(house, 2, Fault.KILL)
    with pytest.raises(InferenceError):
        house.hear()
    for faults in house.faults:
        faults.mend()
    assert house.hear() == "billing please"
    assert house.account.uses == [("recognizer", 2), ("recognizer", 0)]
