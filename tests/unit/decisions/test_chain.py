"""The chain: order, records, models that fail or invent, and the guard."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.calls.decision import Action, Decision, Intent, Priority
from appliance.calls.directory import Directory, Person
from appliance.calls.errors import InferenceError
from appliance.decisions.chain import Case, DecisionChain, Opinion, decided, passed
from appliance.decisions.context import Asked, TurnContext
from appliance.decisions.language_model import Proposal, ProposalRequest
from appliance.decisions.policies import standard_policies
from appliance.decisions.policies.guard import Guard
from tests.unit.decisions.front_desk import EVENING, SUNDAY, WEDNESDAY, front_desk

DIRECTORY = front_desk()


class ScriptedModel:
    """A language model that answers what it is told to, and remembers what it was asked."""

    def __init__(self, answer: Proposal | InferenceError) -> None:
        self.answer = answer
        self.asked: list[ProposalRequest] = []

    def propose(self, request: ProposalRequest) -> Proposal:
        self.asked.append(request)
        if isinstance(self.answer, InferenceError):
            raise self.answer
        return self.answer


def proposal(intent: str, target: str | None = None, priority: str = "normal") -> Proposal:
    return Proposal(intent, target, priority, '{"raw": true}', "decider-1", 12.0)


def ask(model: ScriptedModel, text: str, confidence: float = 1.0) -> Decision:
    chain = DecisionChain(standard_policies(model))
    return chain.decide(TurnContext(text, DIRECTORY, WEDNESDAY, confidence))


def verdict(decision: Decision, policy: str) -> tuple[str, str]:
    return next((v.verdict, v.reason) for v in decision.verdicts if v.policy == policy)


def test_the_model_is_asked_only_for_what_rules_left_open() -> None:
    model = ScriptedModel(proposal("transfer", "Sales"))
    assert ask(model, "billing please").target_id == "billing"
    assert model.asked == []
    decision = ask(model, "my widget makes a funny sound")
    assert decision.target_id == "sales"
    assert decision.model == "decider-1"
    assert model.asked[0].text == "my widget makes a funny sound"
    assert model.asked[0].open_now
    assert model.asked[0].hours_text == "8 to 17"


def test_a_model_that_fails_is_recorded_and_the_chain_goes_on() -> None:
    decision = ask(ScriptedModel(InferenceError("too slow")), "my widget makes a funny sound")
    assert verdict(decision, "language_model") == ("failed", "too slow")
    assert verdict(decision, "guard")[0] == "passed"
    assert decision.action is Action.CLARIFY


@pytest.mark.parametrize("target", ["Nobody", "+49301234567", "sofia/gateway/x/00", "", None])
def test_a_target_that_the_model_invents_is_refused(target: str | None) -> None:
    decision = ask(ScriptedModel(proposal("transfer", target)), "my widget makes a funny sound")
    assert decision.target_id is None
    assert decision.action is Action.CLARIFY


def test_an_intent_that_the_model_invents_is_refused() -> None:
    decision = ask(ScriptedModel(proposal("dial_out", "Sales")), "my widget makes a funny sound")
    assert decision.action is Action.CLARIFY
    assert verdict(decision, "language_model")[0] == "refused"


@pytest.mark.parametrize("intent", ["emergency", "goodbye"])
def test_a_model_neither_rings_the_alarm_nor_ends_a_call(intent: str) -> None:
    decision = ask(ScriptedModel(proposal(intent)), "my widget makes a funny sound")
    assert decision.action is Action.CLARIFY


def test_a_person_whom_the_caller_never_named_is_asked_about() -> None:
    decision = ask(ScriptedModel(proposal("transfer", "Alice Brown")), "is there a plumber")
    assert decision.action is Action.CLARIFY
    assert decision.candidates == ("alice",)


def test_a_guess_for_a_stranger_is_asked_about() -> None:
    decision = ask(
        ScriptedModel(proposal("transfer", "Sales")), "can i speak to margaret hollister"
    )
    assert decision.action is Action.CLARIFY
    assert decision.candidates == ("sales",)


def test_faint_farewells_end_no_call() -> None:
    chain = DecisionChain(standard_policies())
    for text in ("bye", "thank you"):
        decision = chain.decide(TurnContext(text, DIRECTORY, WEDNESDAY, 0.4))
        assert decision.action is not Action.HANG_UP
    turn = TurnContext("thank you", DIRECTORY, WEDNESDAY, 0.4, asked=Asked.ANYTHING_ELSE)
    assert chain.decide(turn).action is Action.HANG_UP


def test_what_the_model_would_say_is_not_said() -> None:
    assert ask(ScriptedModel(proposal("smalltalk")), "my widget sings").reply == ""


def test_hours_that_the_model_recognises_are_answered_by_code() -> None:
    decision = ask(ScriptedModel(proposal("hours")), "is it worth coming by now")
    assert decision.reply == "We are open today until five in the afternoon."


@pytest.mark.parametrize("text", ["is there a fire exit", "purple bananas", ""])
def test_without_a_model_the_rules_decide_alone(text: str) -> None:
    decision = DecisionChain(standard_policies()).decide(TurnContext(text, DIRECTORY, WEDNESDAY))
    assert decision.action is Action.CLARIFY
    assert decision.model == ""


def test_times_come_from_the_clock_that_was_handed_in() -> None:
    ticks = iter(range(1000))
    chain = DecisionChain([Guard()], monotonic=lambda: float(next(ticks)))
    decision = chain.decide(TurnContext("hello", DIRECTORY, WEDNESDAY))
    assert decision.verdicts[0].took_ms == 1000.0
    assert decision.took_ms == 3000.0


class Says:
    """A policy that says what a test wants."""

    name = "says"
    limits = False
    in_dictation = True

    def __init__(self, opinion: Callable[[], Opinion]) -> None:
        self.opinion = opinion

    def consider(self, case: Case) -> Opinion:
        return self.opinion()


def guarded(**changes: Any) -> Decision:
    chain = DecisionChain([Says(lambda: decided("a test", **changes)), Guard()])
    return chain.decide(TurnContext("anything", DIRECTORY, WEDNESDAY))


def test_the_guard_lets_the_directory_pass() -> None:
    decision = guarded(action=Action.TRANSFER, intent=Intent.TRANSFER, target_id="sales")
    assert (decision.action, decision.target_id) == (Action.TRANSFER, "sales")


@pytest.mark.parametrize(
    "changes",
    [
        {"action": Action.TRANSFER, "target_id": "0049301234567"},
        {"action": Action.TRANSFER, "target_id": None},
        {"action": "originate", "target_id": "sales"},
        {"action": Action.TAKE_MESSAGE, "target_id": "nobody"},
    ],
)
def test_the_guard_refuses_and_records(changes: dict[str, Any]) -> None:
    decision = guarded(intent=Intent.TRANSFER, **changes)
    assert decision.action is Action.CLARIFY
    assert decision.target_id is None
    assert "refused" in decision.labels
    assert verdict(decision, "guard")[0] == "refused"


def test_the_guard_drops_candidates_outside_the_directory() -> None:
    decision = guarded(action=Action.CLARIFY, candidates=("sales", "00491"))
    assert decision.candidates == ("sales",)


@pytest.mark.parametrize("extension", ["", "9", "201,00491", "201&sofia/x", "2 01", "²01"])
def test_the_guard_refuses_extensions_that_are_none(extension: str) -> None:
    crooked = replace(DIRECTORY, people=(Person("x", "Xaver Quill", extension),))
    chain = DecisionChain(standard_policies())
    decision = chain.decide(TurnContext("xaver quill please", crooked, WEDNESDAY))
    assert decision.action is Action.CLARIFY
    assert verdict(decision, "guard")[0] == "refused"


@given(st.text(max_size=60), st.booleans(), st.sampled_from(Asked))
def test_nothing_a_caller_says_leaves_the_directory(text: str, keyed: bool, asked: Asked) -> None:
    turn = TurnContext(
        text, DIRECTORY, WEDNESDAY, keyed=keyed, asked=asked, candidates=("sales", "lee"),
        keys={"1": "sales", "2": "no such target"},
    )  # fmt: skip
    decision = DecisionChain(standard_policies()).decide(turn)
    assert decision.action in frozenset(Action)
    for target_id in (decision.target_id, *decision.candidates):
        assert target_id is None or DIRECTORY.target(target_id)


def closed(text: str, directory: Directory = DIRECTORY) -> Decision:
    return DecisionChain(standard_policies()).decide(TurnContext(text, directory, EVENING))


def test_closed_hours_turn_a_transfer_into_a_message() -> None:
    decision = closed("billing please")
    assert (decision.action, decision.target_id) == (Action.TAKE_MESSAGE, "billing")
    assert "closed" in decision.labels
    assert decision.reply == "We are closed now and open again tomorrow at eight in the morning."


def test_closed_hours_let_emergencies_and_own_hours_through() -> None:
    assert closed("there is a fire").action is Action.TRANSFER
    assert closed("i forgot my password").target_id == "support"
    assert closed("i forgot my password").action is Action.TRANSFER


def test_an_emergency_without_anybody_is_no_transfer_to_nobody() -> None:
    empty = replace(DIRECTORY, people=(), departments=(), operator="", emergency="")
    decision = closed("there is a fire", empty)
    assert (decision.intent, decision.action) == (Intent.EMERGENCY, Action.CLARIFY)


def test_an_uncertain_transcript_is_asked_about() -> None:
    chain = DecisionChain(standard_policies())
    sure = chain.decide(TurnContext("lusia marketti please", DIRECTORY, WEDNESDAY, 0.95))
    unsure = chain.decide(TurnContext("lusia marketti please", DIRECTORY, WEDNESDAY, 0.3))
    assert (sure.action, sure.target_id) == (Action.TRANSFER, "lucia")
    assert (unsure.action, unsure.candidates) == (Action.CLARIFY, ("lucia",))


def test_urgency_is_kept_for_the_whole_call() -> None:
    chain = DecisionChain(standard_policies())
    turn = TurnContext("sales please", DIRECTORY, SUNDAY, priority=Priority.HIGH)
    assert chain.decide(turn).priority is Priority.HIGH


def test_a_decision_is_plain_data() -> None:
    stored = closed("billing please").as_dict()
    assert stored["verdicts"][0]["policy"] == "emergency"
    assert stored["action"] == "take_message"


def test_only_the_policies_for_dictation_are_asked_while_the_caller_dictates() -> None:
    chain = DecisionChain([Says(lambda: passed("asked")), *standard_policies()])
    turn = TurnContext("tell billing goodbye", DIRECTORY, WEDNESDAY, asked=Asked.DICTATION)
    decision = chain.decide(turn)
    assert decision.intent is Intent.MESSAGE
    assert verdict(decision, "says") == ("passed", "asked")
    assert verdict(decision, "directory") == ("passed", "the caller is dictating")
