"""Whole conversations, told as scripts."""

from dataclasses import replace

import pytest

from appliance.calls.decision import Priority
from appliance.calls.directory import Did, Persona
from appliance.calls.events import Outcome
from appliance.calls.transfer import TransferMode, TransferResult
from appliance.dialogue import prompts
from appliance.dialogue.steps import Say
from tests.unit.dialogue.call_script import CLOSED, CallScript, northwind


def test_the_greeting_asks_how_to_help() -> None:
    CallScript().hears("Welcome to Northwind.", "How can I help you?")


def by_the_billing_line() -> CallScript:
    directory = northwind()
    return CallScript(directory, persona=directory.persona_of(directory.dids[0]))


def test_a_number_is_answered_by_its_persona_in_its_own_words() -> None:
    call = by_the_billing_line()
    assert call.steps == [Say("Good day. What is it about?")]
    call.says("are you a robot").hears("I am a machine {of} sorts.", "What is it about?")
    call.says("leave a message for alice").says("never mind").hears("All right. What else?")
    call.says("no thank you").hears("So long.")


def test_a_persona_has_words_of_its_own_after_hours() -> None:
    directory = northwind()
    persona = directory.persona_of(directory.dids[0])
    assert CallScript(directory, CLOSED, persona=persona).steps == [Say("Good day. We sleep.")]


def test_whoever_names_no_persona_is_answered_by_the_organisations() -> None:
    directory = northwind()
    assert directory.persona_of(Did("+49")).id == "desk"
    assert directory.persona_of(Did("+49", "gone")).id == "desk"
    assert northwind(persona="gone").persona_of(None).id == "desk"
    assert northwind(personas=()).persona_of(directory.dids[0]).greeting == "Hello."


def test_the_house_is_spoken_as_the_persona_says_it() -> None:
    directory = northwind()
    persona = replace(directory.persona_of(directory.dids[0]), introduction="")
    call = CallScript(directory, persona=persona).says("are you a robot")
    call.hears("I am the automatic assistant of the Northwind house.")


def test_a_department_by_name() -> None:
    call = CallScript().says("i would like to speak with billing")
    call.hears("One moment, I am connecting you to Billing.")
    assert call.is_connected_to("billing").mode is TransferMode.ATTENDED
    assert call.transfer_ends(TransferResult.CONNECTED).steps == []
    assert call.conversation.hung_up()[0] is Outcome.CONNECTED


def test_the_receptionist_hears_who_calls_and_why() -> None:
    call = CallScript().says("good morning this is john smith calling about my invoice")
    assert call.is_connected_to("billing").announcement == (
        "Call for Billing from John Smith, about an invoice. "
        "Press 1 to take the call, 2 to decline."
    )


def test_a_caller_without_a_name_is_announced_by_number() -> None:
    call = CallScript(caller_number="201555").says("sales please")
    assert "from two zero one five five five." in call.is_connected_to("sales").announcement


def test_a_person_configured_for_blind_transfer() -> None:
    call = CallScript().says("can i speak to john doe please")
    assert call.is_connected_to("john-doe").mode is TransferMode.BLIND


def test_one_clarifying_question_and_then_the_choice() -> None:
    call = CallScript().says("can i speak to john").hears("Did you mean John Smith or John Doe?")
    call.says("john smith please").is_connected_to("john-smith")


@pytest.mark.parametrize("answer", ["the second one", "doe", "john doe", "two"])
def test_ways_to_choose_the_second(answer: str) -> None:
    CallScript().says("can i speak to john").says(answer).is_connected_to("john-doe")


def test_a_choice_by_key() -> None:
    CallScript().says("can i speak to john").keys("1").is_connected_to("john-smith")


def test_never_a_second_clarifying_question() -> None:
    call = CallScript().says("can i speak to john").says("john")
    call.hears("connecting you to a person").is_connected_to("reception")


def test_unsure_of_the_name_and_right() -> None:
    call = CallScript().says("can i speak to anna brown").hears("Did you mean Alice Brown?")
    call.says("yes").is_connected_to("alice")


def test_unsure_of_the_name_and_wrong() -> None:
    call = CallScript().says("can i speak to anna brown").says("no")
    call.hears("Whom would you like to speak to?").says("sales").is_connected_to("sales")


def test_two_failures_in_a_row_lead_to_a_person() -> None:
    call = CallScript().says("the weather is blue").hears("I did not understand", "Billing")
    call.says("bananas in the rain").is_connected_to("reception")


def test_a_failure_is_forgiven_by_success() -> None:
    call = CallScript().says("the weather is blue").says("what time do you close today")
    call.hears("until five in the afternoon", "anything else").says("purple")
    call.hears("I did not understand")


@pytest.mark.parametrize("phase", ["greeting", "choosing", "offering", "name", "text", "menu"])
def test_zero_and_operator_lead_to_a_person_from_everywhere(phase: str) -> None:
    for key in (True, False):
        call = CallScript()
        match phase:
            case "choosing":
                call.says("can i speak to john")
            case "offering":
                call.says("billing").transfer_ends(TransferResult.BUSY)
            case "name":
                call.says("leave a message for alice")
            case "text":
                call.says("leave a message for alice").says("john smith").says("yes")
            case "menu":
                call.engine_fails("recognizer")
        (call.keys("0") if key else call.says("operator")).is_connected_to("reception")


def test_silence_is_prompted_twice_then_a_person() -> None:
    call = CallScript().is_silent().hears("Are you still there?").is_silent()
    call.hears("I cannot hear you").is_silent().is_connected_to("reception")


def test_silence_after_an_answer_ends_the_call_kindly() -> None:
    call = CallScript().says("what are your opening hours")
    call.is_silent().is_silent().is_silent().hears("Goodbye")
    assert call.hangs_up().outcome is Outcome.INFORMED


def test_hours_and_nothing_else() -> None:
    call = CallScript().says("are you open today")
    call.hears("We are open today until five in the afternoon.", "anything else?")
    assert call.says("no thank you").hangs_up().outcome is Outcome.INFORMED


def test_a_message_with_read_back() -> None:
    call = CallScript(caller_number="201555").says("can i leave a message for alice")
    call.hears("message for Alice Brown", "What is your name").says("my name is john smith")
    call.hears("John Smith", "two zero one five five five", "Is that right?").says("yes")
    call.hears("What is the message?").says("please call me about the contract")
    call.hears("pass your message on to Alice Brown", "anything else")
    message = call.leaves()
    assert (message.target_id, message.caller_name) == ("alice", "John Smith")
    assert message.callback_number == "201555"
    assert message.text == "please call me about the contract"
    assert not message.urgent
    assert call.says("no").hangs_up().outcome is Outcome.MESSAGE_TAKEN


def test_a_number_is_corrected() -> None:
    call = CallScript().says("leave a message for alice").says("john smith").says("no")
    call.hears("Is the name wrong, or the number?").says("the number")
    call.hears("digit by digit").says("five five one two double three")
    call.hears("five five one two three three", "Is that right?").says("yes that is correct")
    assert call.says("call me").leaves().callback_number == "551233"


def test_a_name_is_corrected_in_passing() -> None:
    call = CallScript().says("leave a message for alice").says("john smith")
    call.says("no my name is anna jones").hears("I have Anna Jones").says("yes")
    assert call.says("hello").leaves().caller_name == "Anna Jones"


def test_a_number_is_keyed() -> None:
    call = CallScript(caller_number="anonymous").says("leave a message for alice")
    call.says("anna jones").hears("number").keys("0301234#").hears(
        "zero three zero one two three four"
    )
    assert call.keys("1").says("call me").leaves().callback_number == "0301234"


def test_a_keyed_number_ends_with_silence() -> None:
    call = CallScript(caller_number="").says("leave a message for alice").says("anna jones")
    assert call.keys("0301234").steps == []
    call.is_silent().hears("zero three zero")


def test_a_message_is_called_off() -> None:
    CallScript().says("leave a message for alice").says("never mind").hears("All right", "else")


def test_an_urgent_message_is_marked() -> None:
    call = CallScript().says("leave a message for alice it is very urgent").says("john smith")
    assert call.says("yes").says("call me").leaves().urgent


def test_a_name_given_before_is_not_asked_again() -> None:
    call = CallScript().says("this is anna jones can i leave a message for alice")
    call.hears("I have Anna Jones", "Is that right?")


def test_an_emergency_while_dictating() -> None:
    call = CallScript().says("leave a message for alice").says("help there is a fire")
    call.is_connected_to("nurse")


def test_an_emergency_goes_straight_through() -> None:
    call = CallScript().says("this is an emergency").hears("Stay calm")
    step = call.is_connected_to("nurse")
    assert step.announcement.startswith("Emergency call from two zero one")
    assert step.mode is TransferMode.ATTENDED
    assert call.decision.priority is Priority.EMERGENCY


def test_an_emergency_that_nobody_takes_tries_the_operator_then_the_dialplan() -> None:
    call = CallScript().says("i need an ambulance").transfer_ends(TransferResult.NO_ANSWER)
    call.hears("Stay on the line").is_connected_to("reception")
    assert "emergency" in call.transfer_ends(TransferResult.BUSY).falls_back().reason


def test_an_emergency_rings_at_night() -> None:
    CallScript(now=CLOSED).says("there is a fire").is_connected_to("nurse")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (TransferResult.BUSY, "is on another call"),
        (TransferResult.DECLINED, "cannot take your call"),
        (TransferResult.NO_ANSWER, "does not answer"),
        (TransferResult.NO_RESPONSE, "could not get hold of"),
        (TransferResult.UNREACHABLE, "cannot be reached"),
        (TransferResult.NO_MEDIA, "is not working"),
        (TransferResult.FAILED, "could not connect"),
    ],
)
def test_each_failure_has_its_own_words_and_an_offer(result: TransferResult, words: str) -> None:
    call = CallScript().says("billing").transfer_ends(result)
    call.hears("Billing", words, "leave a message, try someone else, or speak to the operator")


def test_declined_then_a_message() -> None:
    call = CallScript().says("can i speak to alice").transfer_ends(TransferResult.DECLINED)
    call.says("yes please").hears("message for Alice Brown")


def test_busy_then_someone_else() -> None:
    call = CallScript().says("billing").transfer_ends(TransferResult.BUSY).says("someone else")
    call.hears("Whom would you like").says("sales").is_connected_to("sales")


def test_busy_then_try_again() -> None:
    call = CallScript().says("billing").transfer_ends(TransferResult.BUSY)
    call.says("can you try again please").is_connected_to("billing")


def test_busy_then_the_operator_is_busy_too() -> None:
    call = CallScript().says("billing").transfer_ends(TransferResult.BUSY).says("the operator")
    call.is_connected_to("reception")
    call.transfer_ends(TransferResult.BUSY).hears("Reception is on another call", "message?")
    call.says("yes").hears("I will take a message for Reception")


def test_the_caller_hangs_up_while_it_rings() -> None:
    call = CallScript().says("billing").transfer_ends(TransferResult.CALLER_HUNG_UP)
    assert call.hangs_up().outcome is Outcome.CALLER_HUNG_UP


def test_closed_means_a_message_instead() -> None:
    call = CallScript(now=CLOSED).hears("We are closed").says("billing please")
    call.hears("open again tomorrow at eight in the morning", "leave a message for Billing?")
    call.says("yes").hears("What is your name")


def test_closed_and_no_message() -> None:
    call = CallScript(now=CLOSED).says("billing please").says("no")
    call.hears("anything else").says("no").hangs_up()


def test_a_desk_with_its_own_hours_rings_at_night() -> None:
    CallScript(now=CLOSED).says("the night desk please").is_connected_to("night")


def test_the_recogniser_fails_and_the_keypad_takes_over() -> None:
    call = CallScript().engine_fails("recognizer")
    call.hears("trouble", "For Billing, press 1.", "For a person, press 0.")
    call.keys("2").is_connected_to("sales")


def test_in_the_menu_a_busy_department_leads_back_to_the_menu() -> None:
    call = CallScript().engine_fails("recognizer").keys("1").transfer_ends(TransferResult.BUSY)
    call.hears("Billing is on another call", "press 1").keys("0").is_connected_to("reception")
    call.transfer_ends(TransferResult.NO_ANSWER).falls_back()


def test_the_menu_ends_when_the_recogniser_is_back() -> None:
    CallScript().engine_fails("recognizer").says("sales please").is_connected_to("sales")


def test_engines_that_keep_failing_lead_to_a_person() -> None:
    call = CallScript().engine_fails("recognizer").engine_fails("recognizer")
    call.engine_fails("synthesizer").is_connected_to("reception")


def test_a_menu_key_at_night_is_left_to_the_dialplan() -> None:
    CallScript(now=CLOSED).engine_fails("recognizer").keys("1").falls_back()


def test_no_audio_from_the_phone() -> None:
    CallScript().engine_fails("media").hears("you can use the keys", "press 1")


def test_an_extension_is_keyed() -> None:
    call = CallScript().keys("22")
    assert call.steps == []
    call.keys("1").is_connected_to("alice")


def test_an_extension_that_does_not_exist() -> None:
    CallScript().keys("999").hears("no such extension")


def test_what_callers_say_never_dials_outside() -> None:
    call = CallScript().says("dial nine for an outside line").hears("only connect you with people")
    assert call.decision.target_id is None
    call.says("dial zero zero four four one two three four five six").is_connected_to("reception")


def test_repeat() -> None:
    call = CallScript().says("what time do you close today")
    call.says("can you repeat that please").hears("until five in the afternoon")


def test_taken_over_in_the_middle_of_a_message() -> None:
    call = CallScript().says("leave a message for alice").says("john smith").is_taken_over()
    call.hears("interrupted", "I have John Smith", "Is that right?").says("yes")
    assert call.says("call me").leaves().caller_name == "John Smith"


def test_taken_over_while_connecting_asks_before_ringing_again() -> None:
    call = CallScript().says("billing").is_taken_over().hears("Shall I connect you to Billing?")
    call.says("yes").is_connected_to("billing")


def test_a_directory_without_anybody_is_left_to_the_dialplan() -> None:
    empty = northwind(departments=(), people=(), operator="", emergency="")
    call = CallScript(empty).says("hello there general").says("general")
    call.falls_back()
    CallScript(empty).says("this is an emergency").falls_back()
    CallScript(empty).keys("0").hears("")


@pytest.mark.parametrize(
    "name",
    ["Bob%0AInjected: yes", "<script>alert(1)</script>", "{target}", "x" * 10_000, "'; DROP"],
)
def test_absurd_caller_numbers_are_spoken_as_nothing_worse(name: str) -> None:
    call = CallScript(caller_number=name).says("billing please")
    announcement = call.is_connected_to("billing").announcement
    assert not set(announcement) & set("%<>{}\n;")
    assert len(announcement) < 200


def test_sentences_that_can_be_spoken_beforehand_hold_no_open_slots() -> None:
    directory = northwind()
    sentences = list(prompts.fixed_sentences(directory, directory.persona_of(None)))
    assert "Welcome to Northwind." in sentences
    assert any("For Billing, press 1." in text for text in sentences)
    assert "One moment, I am connecting you to Billing." in sentences
    assert not [text for text in sentences if "{" in text or not text.strip()]


def test_the_words_of_a_persona_are_no_templates() -> None:
    directory = northwind()
    persona = Persona(help="{target", goodbye="{target.name}", anything_else="{}")
    sentences = list(prompts.fixed_sentences(directory, persona))
    assert {"{target", "{target.name}", "{}"} <= set(sentences)
    CallScript(directory, persona=persona).hears("{target")


def test_a_call_without_room_is_told_and_goes_to_people() -> None:
    call = CallScript().lines_are_full()
    assert call.hears("all our lines are busy").falls_back().reason == "all lines are busy"
    assert call.is_taken_over().falls_back().reason == "all lines are busy"


def test_a_call_whose_desk_rings_already_needs_no_room() -> None:
    CallScript().says("billing").lines_are_full().hears("still connecting")
