"""What a caller says or keys while a phone rings: most of it is not meant for the appliance."""

import pytest

from appliance.calls.decision import Priority
from appliance.calls.transfer import TransferResult
from appliance.dialogue.second_thoughts import cannot_wait
from tests.unit.dialogue.call_script import CallScript


def ringing(request: str = "billing please") -> CallScript:
    return CallScript().says(request)


@pytest.mark.parametrize(
    "said",
    [
        "it is ringing", "yes", "okay thank you", "goodbye", "please hurry up", "sales",
        "i am on the phone", "i will call anna tomorrow", "what are your opening hours", "",
        "billing please", "hello", "repeat that please", "leave a message for alice",
    ],
)  # fmt: skip
def test_what_is_not_meant_for_us_lets_it_ring(said: str) -> None:
    call = ringing()
    assert call.says_while_it_rings(said).steps == []
    call.transfer_ends(TransferResult.BUSY).hears("Billing is on another call")


def test_an_emergency_is_connected_at_once() -> None:
    call = ringing().says_while_it_rings("there is a fire")
    assert call.decision.priority is Priority.EMERGENCY
    assert "emergency" in call.is_connected_to("nurse").announcement.lower()


def test_help_that_is_on_its_way_is_not_called_off() -> None:
    call = ringing("i need an ambulance")
    for said in ("never mind", "operator", "there is a fire"):
        assert call.says_while_it_rings(said).steps == []


def test_an_emergency_rings_the_same_desk_anew_with_other_words() -> None:
    call = ringing("can i speak to emma green").says_while_it_rings("this is an emergency")
    assert "emergency" in call.is_connected_to("nurse").announcement.lower()


@pytest.mark.parametrize("said", ["never mind", "cancel that please", "stop"])
def test_the_caller_takes_it_back(said: str) -> None:
    call = ringing().says_while_it_rings(said).hears("All right", "anything else")
    call.says("sales please").is_connected_to("sales")


def test_the_caller_wants_a_person() -> None:
    ringing().says_while_it_rings("operator").is_connected_to("reception")
    ringing().keys_while_it_rings("0").is_connected_to("reception")


def test_a_person_who_rings_already_rings_on() -> None:
    call = ringing("operator")
    assert call.says_while_it_rings("operator").steps == []
    assert call.keys_while_it_rings("0").steps == []


def test_a_correction_rings_the_right_desk() -> None:
    ringing().says_while_it_rings("no i meant alice brown").is_connected_to("alice")


def test_the_star_takes_it_back_and_other_keys_nothing() -> None:
    call = ringing()
    for key in "123456789#":
        assert call.keys_while_it_rings(key).steps == []
    call.keys_while_it_rings("*").hears("All right")


def test_words_the_recogniser_is_unsure_of_count_only_in_an_emergency() -> None:
    call = ringing()
    assert call.says_while_it_rings("never mind", 0.4).steps == []
    assert call.says_while_it_rings("operator", 0.4).steps == []
    call.says_while_it_rings("there is a fire", 0.4).is_connected_to("nurse")


def test_who_takes_it_back_may_want_it_again() -> None:
    call = ringing("operator").says_while_it_rings("never mind").says("operator")
    call.is_connected_to("reception")
    assert call.conversation.state()["attempts"] == {"reception": 2}


def test_nobody_s_phone_rings_for_ever_for_a_caller_who_takes_it_back_each_time() -> None:
    call = ringing()
    for _ in range(2):
        call.keys_while_it_rings("*").says("billing please").is_connected_to("billing")
    call.keys_while_it_rings("*").says("billing please").hears("leave a message")


def test_an_emergency_is_never_offered_a_message() -> None:
    call = ringing("can i speak to emma green")
    for _ in range(2):
        call.keys_while_it_rings("*").says("can i speak to emma green").is_connected_to("nurse")
    assert "emergency" in call.says_while_it_rings("there is a fire").falls_back().reason


def test_nothing_is_rung_nothing_is_called_off() -> None:
    call = CallScript()
    assert call.says_while_it_rings("there is a fire").steps == []
    assert call.says("there is a fire").is_connected_to("nurse")


@pytest.mark.parametrize(
    ("said", "waits"),
    [("there is a fire", False), ("operator", False), ("never mind", True),
     ("no i meant alice brown", True)],
)  # fmt: skip
def test_what_cannot_wait_until_the_caller_is_connected(said: str, waits: bool) -> None:
    call = ringing()
    decision = call.conversation.second_thoughts(said, 1.0, call.now)
    assert decision is not None
    assert cannot_wait(decision) is not waits
