"""Putting one call's parts together: line, listener, voice, conversation and session."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gevent.queue import Queue

from appliance.actions.call import Call, CallConfig
from appliance.actions.desks import Desks
from appliance.actions.line import Line
from appliance.calls.directory import Did, Directory
from appliance.calls.errors import SwitchError
from appliance.calls.events import (
    CallEnded,
    CallResumed,
    CallStarted,
    ConversationSaved,
    Event,
    Outcome,
    RecordingStarted,
    StageFailed,
    TransferStarted,
)
from appliance.calls.hangup import HangupCause
from appliance.controller.call_session import CallSession, SessionTiming
from appliance.controller.engine_account import EngineAccount
from appliance.controller.inputs import AtCapacity, Input
from appliance.controller.listening import Listener
from appliance.controller.model_servers import ModelServers
from appliance.controller.placing import CALLER_VARIABLE
from appliance.controller.registry import Calls
from appliance.controller.speaking import SpeechOutput
from appliance.decisions.chain import DecisionChain
from appliance.dialogue.conversation import Conversation
from appliance.dialogue.steps import Step
from appliance.events.log import CallLog, EventLog
from appliance.inference.work import Work, working_for
from appliance.speech.on_behalf import VoiceFor
from appliance.speech.recognizer import Recognizer
from appliance.speech.synthesizer import Synthesizer
from appliance.speech.turn_taker import TurnTaker, TurnTakerConfig
from appliance.speech.vocabulary import hotwords_of
from appliance.switch import commands
from appliance.switch.call_channel import CallChannel
from appliance.switch.control_link import ControlLink

# Set on the caller's leg by the first controller; whoever finds it set takes a call up again.
CONTROLLER_VARIABLE = "appliance_controller"
_CALLER_NAME_LIMIT = 200
_CALLER_NUMBER_LIMIT = 64
# FreeSWITCH binds its end of the stream some 40 ms after it was asked; a phone that sends nothing
# is greeted all the same.
_FIRST_FRAME_S = 1.0
_FILE_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Equipment:
    """What every call of this controller is given.

    Attributes:
        name: this controller's, in events and on the leg.
        directory_of: the current snapshot and the DID for a dialled number; None when no
            organisation has it.
        history_of: the events of an organisation's call so far, wherever they are kept.
        recordings: folder for stereo recordings of the conversations, or None.
        servers: told of every call; None when the engines are in this process.
        first_engines: stage to the name of the engine that is asked first.
    """

    name: str
    switch: ControlLink
    events: EventLog
    recognizer: Recognizer
    voice: Synthesizer
    chain: DecisionChain
    directory_of: Callable[[str], tuple[Directory, Did] | None]
    history_of: Callable[[str, str], list[Event]]
    call_config: CallConfig
    turn_taking: TurnTakerConfig
    timing: SessionTiming
    recognize_timeout_s: float = 3.0
    recordings: Path | None = None
    servers: ModelServers | None = None
    first_engines: Mapping[str, str] = field(default_factory=dict)


def hold_call(
    equipment: Equipment, desks: Desks, calls: Calls, channel: CallChannel,
    directory: Directory, did: Did, past: Sequence[Event],
) -> None:  # fmt: skip
    """Answer the call and hold it to its end.

    Args:
        past: what other sessions recorded of this call; empty for a new one.

    Raises:
        SwitchError: when the leg is gone, or could not be taken, before the conversation began.
            That is on record then.
    """
    _Assembly(equipment, desks, channel, directory, did, past).run(calls)


def _caller_number(channel: CallChannel) -> str:
    """Who calls; on a leg that we placed, who was rung."""
    return channel.event.var(CALLER_VARIABLE) or channel.event.get("Caller-Caller-ID-Number", "")


class _Assembly:
    def __init__(
        self, equipment: Equipment, desks: Desks, channel: CallChannel,
        directory: Directory, did: Did, past: Sequence[Event],
    ) -> None:  # fmt: skip
        self._equipment = equipment
        self._directory = directory
        self._did = did
        self._past = past
        self._inbox: Queue[Input] = Queue()
        self._log = CallLog(equipment.events, channel.uuid, directory.organisation_id)
        if past:
            self._log.continue_after(past)
        account = EngineAccount(self._log, dict(equipment.first_engines))
        self._persona = directory.persona_of(did)
        self._work = Work(
            channel.uuid, account=account, voice=self._persona.voice,
            language=self._persona.language,
        )  # fmt: skip
        self._line = Line(
            channel, VoiceFor(equipment.voice, self._work), on_voice_failed=self._on_voice_failed,
            record_to=self._recording(channel.uuid),
        )  # fmt: skip
        self._call = Call(
            self._line, self._log, directory, equipment.switch, desks, equipment.call_config,
            caller_number=_caller_number(channel)[:_CALLER_NUMBER_LIMIT],
            caller_name=channel.event.get("Caller-Caller-ID-Name", "")[:_CALLER_NAME_LIMIT],
        )  # fmt: skip

    def run(self, calls: Calls) -> None:
        """Open the line, and run the session."""
        self._record_start()
        handed_over = False
        try:
            self._tell_servers()
            self._take_leg()
            handed_over = self._hold(calls)
        finally:
            self._line.close()
            if self._equipment.servers is not None and not handed_over:
                self._equipment.servers.end(self._call.call_id)

    def _tell_servers(self) -> None:
        servers = self._equipment.servers
        if servers is not None:
            servers.begin(
                self._call.call_id, self._directory, datetime.now(UTC),
                full=lambda error: self._inbox.put(AtCapacity(error)),
            )  # fmt: skip

    def _take_leg(self) -> None:
        try:
            self._line.channel.set_variable(CONTROLLER_VARIABLE, self._equipment.name)
            self._line.open()
        except SwitchError as error:
            self._record_untaken(error)
            raise
        recording = self._line.audio.recording
        if recording is not None:
            self._log.record(RecordingStarted, part=self._log.part, path=str(recording))

    def _hold(self, calls: Calls) -> bool:
        """Hold the call; True when it is another session's afterwards."""
        equipment = self._equipment
        output = SpeechOutput(self._line, self._log)
        listener = self._listener(output)
        self._line.listen(listener.on_frame, listener.on_lost, listener.wanted)
        conversation, steps = self._conversation()
        session = CallSession(
            self._call, self._inbox, listener, output, conversation, equipment.timing,
            still_up=lambda leg_id: commands.exists(equipment.switch, leg_id),
            transfers_before=sum(isinstance(event, TransferStarted) for event in self._past),
        )  # fmt: skip
        with calls.holding(self._call.call_id, session):
            # A greeting sent before FreeSWITCH has bound its end of the stream would be lost.
            self._line.audio.first_frame(_FIRST_FRAME_S)
            with working_for(self._work):
                session.run(steps)
        return session.handed_over

    def _listener(self, output: SpeechOutput) -> Listener:
        equipment = self._equipment
        rate_hz = self._line.rate_hz
        return Listener(
            TurnTaker(rate_hz, equipment.turn_taking), equipment.recognizer, rate_hz,
            post=self._inbox.put, barged_in=output.interrupt,
            played=lambda: self._line.audio.now_playing,
            catch_up=lambda: self._line.audio.catch_up(),
            hotwords=hotwords_of(self._directory), timeout_s=equipment.recognize_timeout_s,
            name=self._call.call_id, work=self._work,
        )  # fmt: skip

    def _record_start(self) -> None:
        if self._past:
            self._log.record(CallResumed, controller=self._equipment.name, reason="take-over")
            return
        self._log.record(
            CallStarted, did=self._did.number, caller_number=self._call.caller_number,
            caller_name=self._call.caller_name, controller=self._equipment.name,
            sample_rate_hz=self._line.rate_hz,
        )  # fmt: skip

    def _record_untaken(self, error: SwitchError) -> None:
        """The leg could not be taken.

        When it is still there the dialplan offers it once more; who then fails too leaves it to
        the hunt group.
        """
        if self._hung_up():
            outcome, how = Outcome.CALLER_HUNG_UP, "the caller hung up before anything was said"
        elif self._past:
            outcome, how = Outcome.FELL_BACK, f"left to the dialplan: {error}"
        else:
            self._log.record(
                StageFailed, stage="switch", error=str(error), fallback="offered once more"
            )
            return
        self._log.record(
            CallEnded, outcome=outcome, cause=HangupCause.UNKNOWN.value, how=how,
            talked_ms=self._log.earlier_ms,
        )  # fmt: skip

    def _hung_up(self) -> bool:
        """Whether the leg is gone, and not our session with it alone: that ends too when FreeSWITCH
        is too slow for us. While it cannot be asked, the record is left open for the reaper.
        """
        if not self._line.channel.hung_up:
            return False
        try:
            return not commands.exists(self._equipment.switch, self._call.call_id)
        except SwitchError:
            return False

    def _conversation(self) -> tuple[Conversation, Sequence[Step]]:
        """A new conversation with its greeting, or the one that was saved with its excuse."""
        now = datetime.now(UTC)
        saved = [event for event in self._past if isinstance(event, ConversationSaved)]
        resumed = self._resumed(saved[-1].state) if saved else None
        if resumed is not None:
            return resumed, resumed.resumed(now)
        conversation = Conversation(
            self._directory,
            self._equipment.chain,
            self._persona,
            caller_number=self._call.caller_number,
        )
        return conversation, conversation.begin(now)

    def _resumed(self, state: Mapping[str, Any]) -> Conversation | None:
        """The saved conversation; None when its state is not one that this version understands."""
        try:
            return Conversation.resume(state, self._directory, self._equipment.chain, self._persona)
        except (KeyError, TypeError, ValueError) as error:
            self._log.record(
                StageFailed, stage="take-over", error=repr(error), fallback="a new conversation"
            )
            return None

    def _on_voice_failed(self, error: str) -> None:
        self._log.record(StageFailed, stage="synthesizer", error=error, fallback="silence")

    def _recording(self, call_id: str) -> Path | None:
        folder = self._equipment.recordings
        if folder is None or not _FILE_NAME.fullmatch(call_id):
            return None
        return folder / f"{datetime.now(UTC):%Y-%m-%d}" / f"{call_id}.wav"
