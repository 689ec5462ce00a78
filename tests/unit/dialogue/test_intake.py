"""The message form by itself."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.dialogue.intake import Field, Intake


def form(number: str = "201555") -> Intake:
    return Intake.begin("alice", "", number)


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("john smith", "John Smith"),
        ("my name is john smith", "John Smith"),
        ("it is anna", "Anna"),
        ("this is doctor lee speaking", "Doctor Lee"),
        ("i am grace", "Grace"),
        ("yes hello my name is peter", "Peter"),
        ("MARIA.", "Maria"),
        ("Jürgen Groß", "Jurgen Groß"),
    ],
)
def test_names(answer: str, name: str) -> None:
    taken = form()
    assert taken.heard(answer)
    assert taken.name == name
    assert taken.field == Field.CONFIRM


@pytest.mark.parametrize("answer", ["yes", "", "hello", "two zero one"])
def test_what_is_no_name_is_asked_again_and_then_left_out(answer: str) -> None:
    taken = form()
    assert not taken.heard(answer)
    assert taken.question() == "What is your name, please?"
    taken.heard(answer)
    assert taken.question() == (
        "I will have you called back on two zero one five five five. Is that right?"
    )


@pytest.mark.parametrize(
    ("caller_number", "offered"),
    [("201555", "201555"), ("+49 30 123", "4930123"), ("anonymous", ""), ("", ""), ("1" * 40, "")],
)
def test_the_caller_s_own_number_is_offered(caller_number: str, offered: str) -> None:
    assert form(caller_number).number == offered


def test_no_number_at_all() -> None:
    taken = form("")
    taken.heard("anna")
    assert taken.field == Field.NUMBER
    taken.heard("no")
    assert taken.question() == "I have Anna, and no number. Is that right?"


def test_too_short_a_number_is_asked_again() -> None:
    taken = form("")
    taken.heard("anna")
    assert not taken.heard("two zero")
    assert taken.heard("two zero one")
    assert taken.number == "201"


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        (["no", "the name"], Field.NAME),
        (["no", "number"], Field.NUMBER),
        (["no", "both"], Field.NAME),
        (["no the number is wrong"], Field.NUMBER),
        (["no that is not my name"], Field.NAME),
        (["yes that is fine"], Field.TEXT),
        (["no it is five five five one"], Field.CONFIRM),
    ],
)
def test_corrections(answers: list[str], field: Field) -> None:
    taken = form()
    taken.heard("anna")
    for answer in answers:
        taken.heard(answer)
    assert taken.field is field


def test_keys_answer_the_read_back() -> None:
    taken = form()
    taken.heard("anna")
    assert not taken.keyed("7")
    assert taken.keyed("2")
    assert taken.field == Field.WHICH


@given(st.lists(st.one_of(st.text(max_size=30), st.sampled_from(["yes", "no", "name", "number"]))))
def test_no_form_lasts_for_ever(answers: list[str]) -> None:
    taken = form("")
    for answer in [*answers, *["purple"] * 20]:
        if taken.done:
            break
        taken.heard(answer)
        taken = Intake.resume(json.loads(json.dumps(taken.state())))
        assert taken.question()
    assert taken.done
    assert len(taken.number) in (0, *range(3, 16))
