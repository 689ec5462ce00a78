"""A call session: everything that can arrive, in every order that hurts."""

from dataclasses import replace

import gevent
import pytest
from gevent.event import AsyncResult

from appliance.calls.decision import Action, Decision, Intent, Verdict
from appliance.calls.errors import InferenceError, SwitchGoneError
from appliance.calls.events import (
    CallEnded,
    ConversationSaved,
    DecisionMade,
    LegEnded,
    MediaLost,
    MessageTaken,
    Outcome,
    Speaker,
    StageFailed,
    TurnTaken,
)
from appliance.controller.holding import HOLDING_PHRASE, STILL_HOLDING_PHRASE
from appliance.controller.inputs import AtCapacity, FinishedSpeaking, Hangup, Superseded
from appliance.dialogue.steps import Decided, FallBack, HangUp, SaveMessage, Say, Step
from appliance.speech.events import BargedIn, Expectation, SpeechDismissed, SpeechStarted
from tests.unit.actions.doubles import LIMIT_S, FakeAudio, Scene, switch_event
from tests.unit.controller.doubles import (
    PATIENT,
    Begin,
    nothing_left,
    outcome,
    transcript,
    turn_ended,
)


def test_the_first_words_are_said_and_the_state_is_saved(begin: Begin, scene: Scene) -> None:
    session = begin([Say("Good day."), Say("How can I help?", expect="closed")])
    assert session.spoken().said == "Good day. How can I help?"
    scene.kept.next(ConversationSaved)
    assert session.turns.expected == [Expectation.CLOSED]


def test_a_turn_is_recorded_decided_and_answered(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.spoken()
    decision = Decision("hours", Intent.HOURS, Action.ANSWER)
    session.conversation.steps["heard"] = [Decided(decision), Say("We never close.")]
    session.says("what are your hours")
    assert session.spoken().said == "We never close."
    [turn] = [turn for turn in scene.kept.of(TurnTaken) if turn.speaker is Speaker.CALLER]
    assert (turn.text, turn.confidence, turn.model) == ("what are your hours", 0.9, "a model")
    [made] = scene.kept.of(DecisionMade)
    assert made.decision["intent"] == "hours"
    assert made.turn == turn.turn


def test_a_policy_that_failed_is_on_record(begin: Begin, scene: Scene) -> None:
    session = begin()
    verdict = Verdict("language_model", "failed", "out of reach", 1.0)
    decision = Decision("x", Intent.UNKNOWN, Action.CLARIFY, verdicts=(verdict,))
    session.conversation.steps["heard"] = [Decided(decision), Say("Pardon?")]
    session.says("x")
    failed = scene.kept.next(StageFailed)
    assert (failed.stage, failed.error) == ("language_model", "out of reach")


def test_keys_are_turns_and_stop_the_voice(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    session = begin()
    greeting = session.spoken()
    session.conversation.steps["pressed"] = [Say("Yes?")]
    scene.audio.audio_ms = 700
    scene.channel.press("0")
    assert session.conversation.next() == ("pressed", "0")
    assert session.spoken().said == "Yes?"
    assert greeting.interrupted
    [keyed] = [turn for turn in scene.kept.of(TurnTaken) if turn.source == "dtmf"]
    assert (keyed.text, keyed.started_ms, keyed.ended_ms) == ("0", 700, 700)


def test_a_hang_up_ends_the_record_with_what_the_call_came_to(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.spoken()
    session.conversation.outcome = (Outcome.INFORMED, "told the hours")
    scene.channel.hang_up("ORIGINATOR_CANCEL")
    session.end()
    ended = outcome(scene)
    assert (ended.outcome, ended.how) == (Outcome.INFORMED, "told the hours")
    assert ended.cause == "ORIGINATOR_CANCEL"
    [leg] = scene.kept.of(LegEnded)
    assert (leg.role, leg.leg_id) == ("caller", "caller-1")
    nothing_left(session)


def test_the_control_link_s_word_of_the_end_counts_too(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.spoken()
    session.session.post(Hangup("MEDIA_TIMEOUT"))
    session.end()
    assert outcome(scene).cause == "MEDIA_TIMEOUT"


def test_another_leg_s_end_is_not_ours(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.spoken()
    scene.channel.events.put(switch_event("CHANNEL_HANGUP", Unique_ID="desk"))
    scene.channel.press("5")
    session.conversation.next()
    assert not session.job.ready()


def test_a_hang_up_during_the_goodbye_does_not_wait_for_its_end(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    session = begin([Say("Goodbye.", interruptible=False), HangUp(Outcome.INFORMED, "done")])
    goodbye = session.spoken()
    scene.channel.hang_up()
    session.end()
    assert goodbye.interrupted
    assert outcome(scene).outcome is Outcome.INFORMED


def test_the_end_is_saved_before_the_last_words(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller that dies over the goodbye is not followed by one that begins anew."""
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    session = begin([Say("Goodbye.", interruptible=False), HangUp(Outcome.INFORMED, "done")])
    goodbye = session.spoken()
    assert len(scene.kept.of(ConversationSaved)) == 1
    goodbye.finish()
    session.end()
    assert ("hangup", "NORMAL_CLEARING") in scene.channel.told
    assert outcome(scene).how == "done"


def test_falling_back_leaves_the_call_to_the_hunt_group(begin: Begin, scene: Scene) -> None:
    session = begin([Say("I am handing you over."), FallBack("nobody understood")])
    session.end()
    ended = outcome(scene)
    assert ended.outcome is Outcome.FELL_BACK
    assert "nobody understood" in ended.how
    assert ("set", "appliance_fallback", "hunt") in scene.channel.told
    nothing_left(session)


@pytest.mark.parametrize("step", [HangUp(Outcome.INFORMED, "done"), FallBack("trouble")])
def test_a_leg_that_is_gone_when_we_end_it(begin: Begin, scene: Scene, step: Step) -> None:
    for verb in ("hangup", "set"):
        scene.channel.failing[verb] = SwitchGoneError("gone")
    session = begin([step])
    if isinstance(step, HangUp):
        scene.channel.hang_up()
    session.end()
    outcome(scene)


def test_a_call_that_is_too_long_is_left_to_the_dialplan(begin: Begin, scene: Scene) -> None:
    session = begin(timing=replace(PATIENT, longest_call_s=0.0))
    session.end()
    assert outcome(scene).outcome is Outcome.FELL_BACK


def test_silence_is_answered_when_patience_is_over(begin: Begin, scene: Scene) -> None:
    session = begin(timing=replace(PATIENT, no_input_s=0.0))
    assert session.conversation.next() == ("silent",)


def test_a_caller_who_speaks_is_not_asked_whether_he_is_there(begin: Begin, scene: Scene) -> None:
    """Neither while he speaks nor while his words are looked for."""
    session = begin(timing=replace(PATIENT, no_input_s=0.03))
    session.frame(SpeechStarted(100, 0))
    with gevent.Timeout(0.2, False):
        session.conversation.inputs.peek()
    session.frame(turn_ended())
    _, answer = session.recognizer.next()
    with gevent.Timeout(0.2, False):
        session.conversation.inputs.peek()
    assert session.conversation.inputs.empty()
    answer.set(InferenceError("gone"))
    assert session.conversation.next() == ("failed", "recognizer")


def test_a_caller_who_broke_in_and_said_nothing_is_not_left_in_silence(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cough stops the voice; whoever then waits is spoken to again."""
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    session = begin(timing=replace(PATIENT, no_input_s=0.0))
    greeting = session.spoken()
    session.frame(SpeechStarted(100, 0), BargedIn(600, 0), SpeechDismissed(2100))
    assert greeting.interrupted
    assert session.conversation.next() == ("silent",)


def test_an_end_that_comes_late_does_not_cut_what_is_said_since(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holding phrase may be over while its answer is still looked for."""
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    session = begin(timing=replace(PATIENT, no_input_s=0.0))
    answer = session.spoken()
    session.session.post(FinishedSpeaking())
    with gevent.Timeout(0.2, False):
        session.conversation.inputs.peek()
    assert session.conversation.inputs.empty()
    answer.finish()
    assert session.conversation.next() == ("silent",)


def test_a_slow_decision_is_bridged_with_a_phrase(begin: Begin, scene: Scene) -> None:
    session = begin(timing=replace(PATIENT, holding_s=0.0))
    session.spoken()
    session.conversation.thinking = deciding = AsyncResult()
    session.conversation.steps["heard"] = [Say("We never close.")]
    session.says("what are your hours")
    assert session.spoken().said == HOLDING_PHRASE
    deciding.set(None)
    assert session.spoken().said == "We never close."


def test_a_decision_belongs_to_the_caller_s_turn_whatever_we_have_said_since(
    begin: Begin, scene: Scene
) -> None:
    session = begin(timing=replace(PATIENT, holding_s=0.0))
    session.spoken()
    session.conversation.thinking = deciding = AsyncResult()
    decision = Decision("hours", Intent.HOURS, Action.ANSWER)
    session.conversation.steps["heard"] = [Decided(decision), Say("We never close.")]
    session.says("what are your hours")
    assert session.spoken().said == HOLDING_PHRASE
    deciding.set(None)
    made = scene.kept.next(DecisionMade)
    [turn] = [turn for turn in scene.kept.of(TurnTaken) if turn.speaker is Speaker.CALLER]
    assert HOLDING_PHRASE in [turn.text for turn in scene.kept.of(TurnTaken)]
    assert made.turn == turn.turn


def test_a_slow_transcription_is_bridged_too(begin: Begin, scene: Scene) -> None:
    session = begin(timing=replace(PATIENT, holding_s=0.0))
    session.spoken()
    session.frame(turn_ended())
    _, answer = session.recognizer.next()
    assert session.spoken().said == HOLDING_PHRASE
    answer.set(InferenceError("too slow"))
    assert session.conversation.next() == ("failed", "recognizer")


def test_listening_and_deciding_are_one_wait_with_each_phrase_once(
    begin: Begin, scene: Scene
) -> None:
    session = begin(timing=replace(PATIENT, holding_s=0.0, still_holding_s=0.0))
    session.spoken()
    session.frame(turn_ended())
    _, answer = session.recognizer.next()
    assert [session.spoken().said, session.spoken().said] == [HOLDING_PHRASE, STILL_HOLDING_PHRASE]
    session.conversation.thinking = deciding = AsyncResult()
    session.conversation.steps["heard"] = [Say("We never close.")]
    answer.set(transcript("what are your hours"))
    assert session.conversation.next() == ("heard", "what are your hours")
    gevent.idle()
    deciding.set(None)
    assert session.spoken().said == "We never close."


def test_an_answer_waits_for_the_end_of_the_phrase_and_a_key_does_not(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(timing=replace(PATIENT, holding_s=0.0))
    session.spoken()
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    session.conversation.thinking = deciding = AsyncResult()
    session.conversation.steps["heard"] = [Say("We never close.")]
    session.says("what are your hours")
    phrase = session.spoken()
    deciding.set(None)
    answer = session.spoken()
    assert (phrase.said, answer.said) == (HOLDING_PHRASE, "We never close.")
    assert not phrase.interrupted
    phrase.finish()
    scene.channel.press("0")
    assert session.conversation.next()[0] == "heard"
    assert session.conversation.next() == ("pressed", "0")
    assert answer.interrupted
    said = [turn.text for turn in scene.kept.of(TurnTaken) if turn.speaker is Speaker.APPLIANCE]
    assert HOLDING_PHRASE in said


def test_a_key_stops_the_phrase_and_what_waits_for_it(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = begin(timing=replace(PATIENT, holding_s=0.0))
    session.spoken()
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    session.conversation.thinking = deciding = AsyncResult()
    session.conversation.steps["heard"] = [Say("We never close.")]
    session.says("what are your hours")
    phrase = session.spoken()
    deciding.set(None)
    answer = session.spoken()
    scene.channel.press("0")
    assert session.conversation.next()[0] == "heard"
    assert session.conversation.next() == ("pressed", "0")
    assert phrase.interrupted
    assert answer.interrupted


def test_nothing_heard_ends_the_wait(begin: Begin, scene: Scene) -> None:
    session = begin(timing=replace(PATIENT, holding_s=0.02))
    session.spoken()
    session.frame(turn_ended())
    _, answer = session.recognizer.next()
    answer.set(transcript(""))
    with gevent.Timeout(0.1, False):
        scene.audio.saying.peek()
    assert scene.audio.saying.empty()


def test_a_phrase_does_not_cut_what_is_being_said(
    begin: Begin, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeAudio, "plays_at_once", False)
    session = begin(timing=replace(PATIENT, holding_s=0.0))
    greeting = session.spoken()
    session.frame(turn_ended())
    _, answer = session.recognizer.next()
    gevent.idle()
    assert not greeting.interrupted
    answer.set(transcript(""))


def test_a_call_for_which_there_is_no_room_goes_to_people(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.spoken()
    session.conversation.steps["turned away"] = [Say("All lines are busy."), FallBack("busy")]
    session.session.post(AtCapacity("10 of 10 calls"))
    session.end()
    [failed] = scene.kept.of(StageFailed)
    assert (failed.stage, failed.error) == ("capacity", "10 of 10 calls")
    assert "All lines are busy." in [playback.said for playback in scene.audio.said]
    assert ("set", "appliance_fallback", "hunt") in scene.channel.told
    assert outcome(scene).outcome is Outcome.FELL_BACK


def test_a_quick_answer_needs_no_phrase(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.spoken()
    session.conversation.steps["heard"] = [Say("We never close.")]
    session.says("what are your hours")
    assert session.spoken().said == "We never close."
    assert HOLDING_PHRASE not in [playback.said for playback in scene.audio.said]


def test_a_recogniser_out_of_reach(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.conversation.steps["failed"] = [Say("Press a key.", expect="digits")]
    session.frame(turn_ended())
    _, answer = session.recognizer.next()
    answer.set(InferenceError("out of reach"))
    failed = scene.kept.next(StageFailed)
    assert (failed.stage, failed.error) == ("recognizer", "out of reach")
    assert session.conversation.next() == ("failed", "recognizer")


def test_a_phone_that_sends_nothing(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.listener.on_lost(3000)
    assert scene.kept.next(MediaLost).silent_ms == 3000
    assert session.conversation.next() == ("failed", "media")


def test_a_message_is_kept_before_the_caller_hears_so(begin: Begin, scene: Scene) -> None:
    session = begin([SaveMessage("anna", "Anna", "Maria", "1", "call me"), Say("It is kept.")])
    session.spoken()
    assert len(scene.kept.of(MessageTaken)) == 1


def test_the_session_is_lost_and_the_leg_is_with_the_dialplan(begin: Begin, scene: Scene) -> None:
    """Another controller takes it up, and ends its record."""
    session = begin()
    session.spoken()
    scene.channel.close()
    session.end()
    assert scene.kept.of(CallEnded) == []
    nothing_left(session)


def test_the_session_is_lost_because_the_leg_is_gone(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.up = False
    session.spoken()
    scene.channel.close()
    session.end()
    assert outcome(scene).cause == "UNKNOWN"


def test_freeswitch_is_gone_altogether(begin: Begin, scene: Scene) -> None:
    """Nobody can say what became of the leg: the record is left to the reaper."""
    session = begin()
    session.up = SwitchGoneError("no connection to FreeSWITCH")
    session.spoken()
    scene.channel.close()
    session.end()
    assert scene.kept.of(CallEnded) == []
    nothing_left(session)


def test_a_word_after_the_end_changes_nothing(begin: Begin, scene: Scene) -> None:
    session = begin()
    session.spoken()
    scene.channel.hang_up()
    session.end()
    before = len(scene.kept.events)
    session.session.post(Hangup("NORMAL_CLEARING"))
    session.session.post(Superseded())
    scene.channel.press("1")
    gevent.idle()
    assert len(scene.kept.events) == before


def test_a_bridge_is_seen_on_the_caller_s_leg(begin: Begin, scene: Scene) -> None:
    begin().spoken()
    scene.channel.events.put(switch_event("CHANNEL_BRIDGE"))
    assert scene.call.bridged.wait(LIMIT_S)


def test_a_mistake_in_the_conversation_cleans_up_and_is_raised(begin: Begin, scene: Scene) -> None:
    """The supervisor logs it; the dialplan has the caller then."""
    session = begin()
    session.spoken()
    session.conversation.steps = None  # type: ignore[assignment]
    scene.channel.press("1")
    with pytest.raises(AttributeError):
        session.end()
    assert scene.kept.of(CallEnded) == []
    nothing_left(session)
