"""From a session at the call server to a call on record: new, taken up again, or not to be had."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import gevent
import pytest
from gevent.event import AsyncResult

from appliance.actions.call import CallConfig
from appliance.actions.desks import DESK_ROLE, ROLE_VARIABLE, TRANSFER_VARIABLE
from appliance.calls.directory import Did, Directory
from appliance.calls.errors import InferenceError, SwitchError, SwitchGoneError, SwitchTimeoutError
from appliance.calls.events import (
    CallEnded,
    CallResumed,
    CallStarted,
    ConversationSaved,
    Event,
    Outcome,
    RecordingStarted,
    StageFailed,
    TransferEnded,
    TransferStarted,
)
from appliance.controller.assembly import CONTROLLER_VARIABLE, Equipment
from appliance.controller.supervisor import Supervisor
from appliance.decisions.chain import DecisionChain
from appliance.decisions.language_model import Proposal, ProposalRequest
from appliance.decisions.policies import standard_policies
from appliance.dialogue.conversation import Conversation
from appliance.speech.turn_taker import TurnTakerConfig
from tests.unit.actions.doubles import (
    CALL_ID,
    DIRECTORY,
    LIMIT_S,
    ORGANISATION,
    FakeAudio,
    FakeChannel,
    FakeLink,
    FakeVoice,
    KeptEvents,
    switch_event,
)
from tests.unit.controller.doubles import PATIENT, FakeRecognizer

DID = Did("+15551000")


class NoModel:
    """A language model that is out of reach: the rules decide alone."""

    def propose(self, request: ProposalRequest) -> Proposal:
        raise InferenceError("none")


class Office:
    """A supervisor with everything it needs, and callers."""

    def __init__(self) -> None:
        self.kept = KeptEvents()
        self.link = FakeLink()
        self.link.answers["uuid_exists"] = "true"
        self.past: list[Event] | Exception = []
        self.recalled: list[tuple[str, str]] = []
        self.chain = DecisionChain(standard_policies(cast("Any", NoModel())))
        self.supervisor = Supervisor(
            Equipment(
                name="controller-2", switch=cast("Any", self.link), events=self.kept.log,
                recognizer=FakeRecognizer(), voice=FakeVoice(), chain=self.chain,
                directory_of=self._directory_of, history_of=self._history_of,
                call_config=CallConfig("appliance.local", "127.0.0.1:8085"),
                turn_taking=TurnTakerConfig(), timing=PATIENT, recordings=Path("recordings"),
            )
        )  # fmt: skip
        self.sessions: list[gevent.Greenlet] = []

    def _directory_of(self, number: str) -> tuple[Directory, Did] | None:
        return (DIRECTORY, DID) if number.lstrip("+") == "15551000" else None

    def _history_of(self, organisation: str, call_id: str) -> list[Event]:
        self.recalled.append((organisation, call_id))
        if isinstance(self.past, Exception):
            raise self.past
        return self.past

    def rings(self, did: str = "+15551000", **headers: str) -> FakeChannel:
        channel = FakeChannel(
            CALL_ID, Caller_Destination_Number=did, Caller_Caller_ID_Number="+15550101",
            **headers,
        )  # fmt: skip
        return self.bring(channel)

    def bring(self, channel: FakeChannel) -> FakeChannel:
        self.sessions.append(gevent.spawn(self.supervisor.on_session, cast("Any", channel)))
        return channel

    def over(self) -> None:
        for session in self.sessions:
            session.get(timeout=LIMIT_S)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr("appliance.actions.line.CallAudio", FakeAudio)
    office = Office()
    yield office
    gevent.killall(office.sessions)


def saved(office: Office, steps: int = 0) -> ConversationSaved:
    conversation = Conversation(DIRECTORY, office.chain, caller_number="+15550101")
    return ConversationSaved(
        call_id=CALL_ID, organisation_id=ORGANISATION, seq=7 + steps, state=conversation.state()
    )


def test_a_new_call_is_greeted_and_recorded(office: Office) -> None:
    channel = office.rings(variable_read_rate="16000", Caller_Caller_ID_Name="M" * 10_000)
    started = office.kept.next(CallStarted)
    assert (started.did, started.controller, started.sample_rate_hz, started.seq) == (
        "+15551000", "controller-2", 16000, 1,
    )  # fmt: skip
    assert len(started.caller_name) == 200
    office.kept.next(ConversationSaved)
    assert len(office.supervisor.calls) == 1
    assert channel.told[0] == ("set", CONTROLLER_VARIABLE, "controller-2")
    channel.hang_up()
    office.over()
    assert len(office.kept.of(CallEnded)) == 1
    assert len(office.supervisor.calls) == 0
    assert channel.closed.is_set()


def test_a_number_of_nobody_s_is_left_to_the_dialplan(office: Office) -> None:
    channel = office.rings("+4930999")
    office.over()
    assert channel.closed.is_set()
    assert office.kept.events == []


def test_the_number_that_was_dialled_survives_the_way_through_the_dialplan(
    office: Office,
) -> None:
    office.rings("again", variable_appliance_did="+15551000")
    assert office.kept.next(CallStarted).did == "+15551000"


def test_a_call_is_taken_up_where_another_controller_left_it(office: Office) -> None:
    office.past = [
        TransferStarted(
            call_id=CALL_ID, organisation_id=ORGANISATION, seq=3, transfer=1, target_id="anna",
            target_name="Anna", extensions=("212",), mode="attended", leg_id="x",
        ),
        saved(office),
    ]  # fmt: skip
    channel = office.rings(
        Answer_State="answered", **{f"variable_{CONTROLLER_VARIABLE}": "controller-1"}
    )
    resumed = office.kept.next(CallResumed)
    # Or the dialplan would take the call back.
    assert channel.told[0] == ("execute", "sched_cancel", "")
    assert resumed.seq == 8
    assert resumed.controller == "controller-2"
    assert office.recalled == [(ORGANISATION, CALL_ID)]
    assert office.kept.of(CallStarted) == []
    office.kept.next(ConversationSaved)


def test_transfers_are_numbered_on_after_a_take_over(office: Office) -> None:
    """The second controller's first transfer is not the first one's."""
    office.past = [
        TransferStarted(
            call_id=CALL_ID, organisation_id=ORGANISATION, seq=3, transfer=1, target_id="anna",
            target_name="Anna", extensions=("212",), mode="attended", leg_id="x",
        ),
        saved(office),
    ]  # fmt: skip
    office.link.answers["originate"] = AsyncResult()
    channel = office.rings(**{f"variable_{CONTROLLER_VARIABLE}": "controller-1"})
    office.kept.next(ConversationSaved)
    channel.press("0")
    assert office.kept.next(TransferStarted).transfer == 2
    channel.hang_up()
    office.link.answers["originate"].set("-ERR ORIGINATOR_CANCEL")
    assert office.kept.next(TransferEnded).transfer == 2


@pytest.mark.parametrize("state", [{}, {"phase": "no such phase"}, {"phase": 7, "priority": 1}])
def test_a_state_that_cannot_be_read_begins_a_new_conversation(
    office: Office, state: dict[str, object]
) -> None:
    office.past = [
        ConversationSaved(call_id=CALL_ID, organisation_id=ORGANISATION, seq=7, state=state)
    ]
    office.rings(**{f"variable_{CONTROLLER_VARIABLE}": "controller-1"})
    office.kept.next(ConversationSaved)
    assert len(office.supervisor.calls) == 1


def test_a_call_with_nothing_saved_is_greeted(office: Office) -> None:
    office.rings(**{f"variable_{CONTROLLER_VARIABLE}": "controller-1"})
    office.kept.next(ConversationSaved)
    assert office.recalled


@pytest.mark.parametrize("verb", ["set", "answer", "unicast"])
def test_a_caller_who_hangs_up_before_we_have_answered_is_on_record(
    office: Office, verb: str
) -> None:
    channel = FakeChannel(CALL_ID, Caller_Destination_Number="+15551000")

    def gone(*_: str) -> None:
        office.link.answers["uuid_exists"] = "false"
        channel.close()
        raise SwitchGoneError("the caller hung up")

    setattr(channel, {"set": "set_variable"}.get(verb, verb), gone)
    office.bring(channel)
    office.over()
    [ended] = office.kept.of(CallEnded)
    assert ended.outcome is Outcome.CALLER_HUNG_UP
    assert len(office.supervisor.calls) == 0


@pytest.mark.parametrize("word", ["true", SwitchGoneError("no connection to FreeSWITCH")])
def test_a_session_that_ended_without_its_leg_is_no_hang_up(
    office: Office, word: str | Exception
) -> None:
    """FreeSWITCH was too slow, and we let go of the session; the dialplan offers the call again."""
    office.link.answers["uuid_exists"] = word
    channel = FakeChannel(CALL_ID, Caller_Destination_Number="+15551000")

    def too_slow() -> None:
        channel.close()
        raise SwitchTimeoutError("no answer to 'sendmsg' within 5 s")

    channel.answer = too_slow  # type: ignore[method-assign]
    office.bring(channel)
    office.over()
    assert office.kept.of(CallEnded) == []
    assert office.kept.of(StageFailed)[0].fallback == "offered once more"


def test_a_leg_that_cannot_be_taken_is_offered_once_more_and_then_left(office: Office) -> None:
    channel = FakeChannel(CALL_ID, Caller_Destination_Number="+15551000")
    channel.failing["unicast"] = SwitchError("refused")
    office.bring(channel)
    office.over()
    assert channel.closed.is_set()
    assert office.kept.of(CallEnded) == []
    assert office.kept.of(StageFailed)[0].error == "refused"
    office.past = list(office.kept.events)
    again = FakeChannel(
        CALL_ID, Caller_Destination_Number="+15551000",
        **{f"variable_{CONTROLLER_VARIABLE}": "controller-1"},
    )  # fmt: skip
    again.failing["unicast"] = SwitchError("refused")
    office.bring(again)
    office.over()
    [ended] = office.kept.of(CallEnded)
    assert ended.outcome is Outcome.FELL_BACK
    assert [event.seq for event in office.kept.events] == [1, 2, 3, 4]


def test_no_port_for_the_caller_s_audio(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeAudio, "no_port", True)
    channel = office.rings()
    office.over()
    assert channel.closed.is_set()
    assert "no port" in office.kept.of(StageFailed)[0].error


def test_a_mistake_of_ours_leaves_the_call_to_the_dialplan(office: Office) -> None:
    office.past = ZeroDivisionError()
    channel = office.rings(**{f"variable_{CONTROLLER_VARIABLE}": "controller-1"})
    office.over()  # nothing is raised
    assert channel.closed.is_set()


def test_the_same_leg_on_a_new_session_takes_the_call_over(office: Office) -> None:
    first = office.rings()
    office.kept.next(ConversationSaved)
    office.past = list(office.kept.events)
    second = office.rings(**{f"variable_{CONTROLLER_VARIABLE}": "controller-2"})
    office.kept.next(CallResumed)
    assert first.closed.wait(LIMIT_S)
    assert len(office.supervisor.calls) == 1
    assert office.kept.of(CallEnded) == []
    second.hang_up()
    office.over()
    assert [recording.part for recording in office.kept.of(RecordingStarted)] == [1, 2]
    assert len(office.kept.of(CallEnded)) == 1


def test_hang_ups_come_by_the_control_link_too(office: Office) -> None:
    office.rings()
    office.kept.next(ConversationSaved)
    office.supervisor.on_switch_event(
        switch_event("CHANNEL_HANGUP_COMPLETE", Unique_ID="someone", Hangup_Cause="X")
    )
    office.supervisor.on_switch_event(
        switch_event("CHANNEL_HANGUP_COMPLETE", Unique_ID=CALL_ID, Hangup_Cause="NO_ANSWER")
    )
    office.over()
    assert office.kept.of(CallEnded)[0].cause == "NO_ANSWER"


def test_a_desk_s_leg_that_nobody_waits_for_is_let_go(office: Office) -> None:
    variables = {f"variable_{ROLE_VARIABLE}": DESK_ROLE, f"variable_{TRANSFER_VARIABLE}": "x"}
    channel = office.bring(FakeChannel("desk", **variables))
    office.over()
    assert channel.closed.is_set()
    assert office.kept.events == []


def test_draining_waits_for_the_calls_there_are(office: Office) -> None:
    stopped: list[None] = []
    office.supervisor.stop_taking = lambda: stopped.append(None)
    assert office.supervisor.drain(0.0)
    channel = office.rings()
    gevent.idle()
    assert not office.supervisor.drain(0.0)  # not yet answered, and waited for all the same
    office.kept.next(ConversationSaved)
    assert not office.supervisor.drain(0.0)
    draining = gevent.spawn(office.supervisor.drain, LIMIT_S)
    channel.hang_up()
    assert draining.get(timeout=LIMIT_S)
    assert len(stopped) == 4
