"""Whatever comes in, in whatever order: nothing is raised, and every caller has a way on."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.calls.transfer import TransferResult
from appliance.decisions.chain import DecisionChain
from appliance.decisions.policies import standard_policies
from appliance.dialogue.conversation import Conversation
from appliance.dialogue.state import Phase
from appliance.dialogue.steps import FallBack, HangUp, Say, Step, Transfer
from tests.unit.dialogue.call_script import CLOSED, OPEN, northwind

CHAIN = DecisionChain(standard_policies())
DIRECTORIES = {
    "whole": northwind(),
    "no operator": northwind(operator="", emergency=""),
    "no departments": northwind(departments=()),
    "empty": northwind(departments=(), people=()),
}
SENTENCES = (
    "billing please", "can i speak to john", "john smith", "the second one", "yes", "no",
    "yes please", "no thank you", "leave a message for alice", "my name is anna jones",
    "two zero one five", "operator", "this is an emergency", "what are your opening hours",
    "goodbye", "repeat that please", "someone else", "try again", "never mind", "hello",
    "one moment please", "are you a robot", "purple bananas", "", "dial nine for an outside line",
    "extension nine nine nine", "this is urgent", "the number", "the name",
    "i will call back tomorrow", "an appointment with alice", "and or the", "{target}", "%s %n",
)  # fmt: skip
texts = st.one_of(st.sampled_from(SENTENCES), st.text(max_size=40))
inputs = st.one_of(
    st.tuples(st.just("heard"), texts),
    st.tuples(st.just("heard"), texts),
    st.tuples(st.just("pressed"), st.text("0123456789*#A", min_size=1, max_size=4)),
    st.tuples(st.just("silent"), st.none()),
    st.tuples(st.just("transferred"), st.sampled_from(TransferResult)),
    st.tuples(
        st.just("failed"), st.sampled_from(["recognizer", "decider", "synthesizer", "media"])
    ),
    st.tuples(st.just("resumed"), st.none()),
    st.tuples(st.just("turned away"), st.none()),
    st.tuples(st.just("while it rings"), texts),
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(DIRECTORIES)),
    st.sampled_from((OPEN, CLOSED)),
    st.text(max_size=20),
    st.lists(inputs, max_size=25),
)
def test_every_answer_leads_on(
    which: str, now: datetime, number: str, walk: list[tuple[str, Any]]
) -> None:
    directory = DIRECTORIES[which]
    call = Conversation(directory, CHAIN, caller_number=number)
    check(call, call.begin(now))
    for kind, value in walk:
        stored = json.loads(json.dumps(call.state()))
        twin = Conversation.resume(stored, directory, CHAIN)
        act: dict[str, Callable[[Conversation], list[Step]]] = {
            "heard": lambda c, v=value: c.heard(v, 0.9, now),  # type: ignore[misc]
            "pressed": lambda c, v=value: c.pressed(v, now),  # type: ignore[misc]
            "silent": lambda c: c.silent(now),
            "transferred": lambda c, v=value: c.transferred(v, now),  # type: ignore[misc]
            "failed": lambda c, v=value: c.failed(v, now),  # type: ignore[misc]
            "resumed": lambda c: c.resumed(now),
            "turned away": lambda c: c.turned_away(),
            "while it rings": lambda c, v=value: said_while_it_rings(c, v, now),  # type: ignore[misc]
        }
        steps = act[kind](call)
        if steps or kind != "while it rings":
            check(call, steps)
        again = act[kind](twin)
        assert shape(again) == shape(steps)
        assert json.loads(json.dumps(twin.state())) == json.loads(json.dumps(call.state()))


def said_while_it_rings(call: Conversation, text: str, now: datetime) -> list[Step]:
    """Empty when it is left to ring."""
    decision = call.second_thoughts(text, 0.9, now)
    return call.changed_course(decision, now) if decision is not None else []


def check(call: Conversation, steps: list[Step]) -> None:
    state = call.state()
    connected = state["ended"] is not None and state["ended"][0] == "connected"
    may_be_empty = bool(state["keys"]) or connected
    onward = [step for step in steps if isinstance(step, Say | Transfer | HangUp | FallBack)]
    assert onward or may_be_empty, state
    last = [step for step in steps if isinstance(step, Transfer | HangUp | FallBack)]
    assert len(last) <= 1
    assert not last or steps[-1] is last[0]
    for step in steps:
        if isinstance(step, Say):
            assert step.text.strip()
            assert step.expect in ("open", "closed", "digits")
    if isinstance(steps[-1] if steps else None, Transfer):
        assert state["phase"] == Phase.TRANSFERRING
    call.hung_up()


def shape(steps: list[Step]) -> list[object]:
    """Steps without measured times."""
    return [type(step).__name__ if not isinstance(step, Say) else step for step in steps]


@settings(max_examples=60, deadline=None)
@given(st.lists(texts, max_size=12))
def test_a_caller_can_always_get_out(walk: list[str]) -> None:
    """From anywhere, "operator", silence or the dialplan end the wait within a few turns."""
    call = Conversation(DIRECTORIES["whole"], CHAIN)
    call.begin(OPEN)
    for text in walk:
        call.heard(text, 0.9, OPEN)
        while call.state()["phase"] == Phase.TRANSFERRING:
            call.transferred(TransferResult.NO_ANSWER, OPEN)
    steps: list[Step] = []
    for _ in range(4):
        steps = call.silent(OPEN)
        if any(isinstance(step, Transfer | HangUp | FallBack) for step in steps):
            return
    raise AssertionError(steps)
