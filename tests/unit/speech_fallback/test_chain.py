"""Several recognisers or language models in a row, and what the call is told of it."""

from collections.abc import Sequence

import pytest

from appliance.calls.directory import Directory
from appliance.calls.errors import InferenceError
from appliance.decisions.language_model import Proposal, ProposalRefusedError, ProposalRequest
from appliance.decisions.language_models import LanguageModelChain
from appliance.inference.client import (
    InferenceBusyError,
    InferenceRefusedError,
    InferenceTimeoutError,
)
from appliance.inference.work import Work, working_for
from appliance.speech.breaker import CircuitBreaker
from appliance.speech.chain import RestingError, Rung
from appliance.speech.recognizer import Recognizer, Transcript
from appliance.speech.recognizers import RecognizerChain


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Ear:
    """Hears its own name, or fails; takes the time it is told to."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.fails: InferenceError | None = None
        self.takes_s = 0.0
        self.limits: list[float] = []

    def transcribe(
        self, pcm: bytes, rate_hz: int, *, hotwords: Sequence[str] = (), timeout_s: float = 5.0
    ) -> Transcript:
        self.limits.append(timeout_s)
        self.clock.now += min(self.takes_s, timeout_s)
        if self.takes_s > timeout_s:
            raise InferenceTimeoutError("late")
        if self.fails is not None:
            raise self.fails
        return Transcript(self.name, 1.0, 0.0, 0.0, self.name)


class Account:
    def __init__(self) -> None:
        self.failures: list[tuple[str, str, str, str]] = []
        self.uses: list[tuple[str, int, str]] = []

    def failed(self, stage: str, engine: str, error: str, instead: str) -> None:
        self.failures.append((stage, engine, error, instead))

    def used(self, stage: str, rank: int, engine: str, reason: str) -> None:
        self.uses.append((stage, rank, engine))


class Ears:
    """A chain of two that rest after two failures in a row."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.first, self.second = Ear("first", self.clock), Ear("second", self.clock)
        rungs: list[Rung[Recognizer]] = [
            Rung(f"http://{ear.name}", ear, CircuitBreaker(2, 2.0), self.clock)
            for ear in (self.first, self.second)
        ]
        self.chain = RecognizerChain(rungs)
        self.account = Account()

    def hear(self, timeout_s: float = 3.0) -> str:
        with working_for(Work("a call", account=self.account)):
            return self.chain.transcribe(b"\0\0", 8000, timeout_s=timeout_s).text


@pytest.fixture
def ears() -> Ears:
    return Ears()


def test_the_first_that_is_well_is_asked(ears: Ears) -> None:
    assert ears.hear() == "first"
    assert ears.account.uses == [("recognizer", 0, "http://first")]
    assert ears.second.limits == []


def test_one_that_stalls_leaves_half_the_time_to_the_next(ears: Ears) -> None:
    ears.first.takes_s = 10.0
    assert ears.hear(timeout_s=3.0) == "second"
    assert ears.first.limits == [1.5]
    assert ears.second.limits == [1.5]
    assert ears.account.failures == [("recognizer", "http://first", "late", "http://second")]
    assert ears.account.uses == [("recognizer", 1, "http://second")]


def test_one_that_rests_costs_no_time_and_comes_back(ears: Ears) -> None:
    ears.first.takes_s = 10.0
    ears.hear()
    ears.hear()
    began = ears.clock.now
    assert ears.hear() == "second"
    assert ears.clock.now == began
    assert ears.second.limits[-1] == 3.0
    assert len(ears.account.failures) == 2
    ears.clock.now += 2.0
    ears.first.takes_s = 0.0
    assert ears.hear() == "first"
    assert [rank for _, rank, _ in ears.account.uses] == [1, 1, 1, 0]


def test_when_none_hears_it_is_the_keys_turn(ears: Ears) -> None:
    ears.first.fails = InferenceError("rubbish")
    ears.second.fails = InferenceError("gone")
    with pytest.raises(InferenceError, match="gone"):
        ears.hear()
    assert ears.account.uses == [("recognizer", 2, "keypad")]
    # The last one's failure goes on record where it is turned into keys.
    assert ears.account.failures == [("recognizer", "http://first", "rubbish", "http://second")]


def test_when_all_rest_it_is_told_at_once(ears: Ears) -> None:
    ears.first.fails = ears.second.fails = InferenceError("gone")
    for _ in range(2):
        with pytest.raises(InferenceError):
            ears.hear()
    with pytest.raises(RestingError, match="gone"):
        ears.hear()
    assert len(ears.first.limits) == 2


@pytest.mark.parametrize("error", [InferenceBusyError("busy"), InferenceRefusedError("no")])
def test_a_server_that_says_no_at_once_is_not_sick(ears: Ears, error: InferenceError) -> None:
    ears.first.fails = error
    for _ in range(5):
        assert ears.hear() == "second"
    assert len(ears.first.limits) == 5


class Model:
    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.asked = 0

    def propose(self, request: ProposalRequest) -> Proposal:
        self.asked += 1
        if not self.raw.startswith("{"):
            raise ProposalRefusedError("the answer is not JSON", self.raw)
        return Proposal("transfer", None, "normal", self.raw, "a model", 1.0)


@pytest.mark.parametrize(
    "raw",
    [
        "<html>",
        '{"say": "<|im_start|>system"}',
        '{"say": "{{7*7}}"}',
        '{"say": "[INST] hi [/INST]"}',
    ],
)
def test_a_model_that_answers_rubbish_is_left_for_the_next_and_then_rests(raw: str) -> None:
    bad, good = Model(raw), Model('{"intent": "transfer"}')
    chain = LanguageModelChain(
        [Rung("http://bad", bad, CircuitBreaker(2, 2.0)), Rung("http://good", good)], 2.0
    )
    account = Account()
    request = ProposalRequest("billing", Directory("o", "Office"))
    with working_for(Work("a call", account=account)):
        for _ in range(3):
            assert chain.propose(request).model == "a model"
    assert bad.asked == 2
    assert [engine for _, engine, _, _ in account.failures] == ["http://bad"] * 2
    assert {engine for _, _, engine in account.uses} == {"http://good"}


def test_without_any_model_the_rules_are_next() -> None:
    chain = LanguageModelChain([Rung("http://bad", Model("<html>"))], 2.0)
    account = Account()
    with (
        working_for(Work("a call", account=account)),
        pytest.raises(ProposalRefusedError),
    ):
        chain.propose(ProposalRequest("billing", Directory("o", "Office")))
    assert account.uses == [("language_model", 1, "rules")]
