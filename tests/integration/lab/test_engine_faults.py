"""The proxy that breaks engines, and that nothing it answers gets past the clients."""

from collections.abc import Callable, Iterator

import pytest

from appliance.calls.directory import Department, Directory
from appliance.calls.errors import InferenceError
from appliance.decisions.language_model import HttpLanguageModel, LanguageModel, ProposalRequest
from appliance.decisions.language_models import LanguageModelChain
from appliance.inference.client import (
    AtCapacityError,
    InferenceClient,
    InferenceTimeoutError,
    InferenceUnreachableError,
)
from appliance.inference.config import InferenceConfig
from appliance.lab.engine_faults import Engine, EngineFaults, Fault
from appliance.speech.breaker import CircuitBreaker
from appliance.speech.chain import Rung
from appliance.speech.fallback import JudgedVoice
from appliance.speech.recognizer import HttpRecognizer
from appliance.speech.synthesizer import HttpSynthesizer
from tests.integration.inference.model_servers import model_server

SECOND = bytes(16000)
TEXT = "I am sorry, I did not understand."
DIRECTORY = Directory("o", "Office", departments=(Department("b", "Billing", ("201",)),))
ANSWER = '{"intent": "transfer", "target": "billing", "priority": "normal", "say": "ok"}'
VARIETIES = range(5)  # as many kinds of rubbish as any engine has


class Bench:
    """A model server behind the proxy, and the clients of its engines."""

    def __init__(self, faults: EngineFaults) -> None:
        self.faults = faults
        self.client = InferenceClient(faults.url)
        voice = JudgedVoice(HttpSynthesizer(self.client, stall_s=0.3))
        model: LanguageModel = HttpLanguageModel(self.client, timeout_s=0.3)
        never = CircuitBreaker(failures=1000)
        chain = LanguageModelChain([Rung("the model", model, never)], 1.0)
        recognizer = HttpRecognizer(self.client)
        self.ask: dict[Engine, Callable[[], object]] = {
            Engine.RECOGNIZER: lambda: recognizer.transcribe(SECOND, 8000, timeout_s=0.3),
            Engine.LANGUAGE_MODEL: lambda: chain.propose(ProposalRequest("billing", DIRECTORY)),
            Engine.VOICE: lambda: list(voice.speak(TEXT, 8000)),
        }


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    config = InferenceConfig(
        port=0, recognizer="instant", language_model="instant", language_model_file=ANSWER,
        voice="instant",
    )  # fmt: skip
    with model_server(config) as server, EngineFaults(server.url) as faults:
        bench = Bench(faults)
        yield bench
        bench.client.close()


@pytest.fixture(autouse=True)
def _mended(bench: Bench) -> Iterator[None]:
    yield
    bench.faults.mend()


def test_everything_passes_through(bench: Bench) -> None:
    for ask in bench.ask.values():
        ask()
    assert bench.client.get_json("/health", 1.0)["status"] == "ready"


@pytest.mark.parametrize("engine", Engine)
def test_one_engine_breaks_and_the_others_go_on(bench: Bench, engine: Engine) -> None:
    bench.faults.break_engine(engine, Fault.KILL)
    with pytest.raises(InferenceUnreachableError):
        bench.ask[engine]()
    for other, ask in bench.ask.items():
        if other is not engine:
            ask()
    bench.faults.mend()
    bench.ask[engine]()


@pytest.mark.parametrize("engine", Engine)
def test_one_that_stalls_is_left_by_its_client(bench: Bench, engine: Engine) -> None:
    bench.faults.break_engine(engine, Fault.STALL)
    with pytest.raises(InferenceTimeoutError):
        bench.ask[engine]()


@pytest.mark.parametrize("variety", VARIETIES)
@pytest.mark.parametrize("engine", Engine)
def test_no_rubbish_gets_through(bench: Bench, engine: Engine, variety: int) -> None:
    bench.faults.break_engine(engine, Fault.RUBBISH)
    with pytest.raises(InferenceError):
        bench.ask[engine]()


def test_a_server_that_is_full_says_so_to_new_calls(bench: Bench) -> None:
    bench.faults.fill()
    with pytest.raises(AtCapacityError):
        bench.client.post_json("/v1/calls/a-call/begin", {"messages": []}, 1.0)
    for ask in bench.ask.values():
        ask()
