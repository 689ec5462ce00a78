"""One call, from the moment FreeSWITCH hands it over until its last event is recorded.

Everything that can happen arrives in one inbox and is handled in order by one greenlet. The
conversation answers each input with steps, and :mod:`~appliance.controller.steps` carries them
out. The caller is never left without somebody: whatever goes wrong here, the session ends in a way
that makes FreeSWITCH go on with the dialplan's next action.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import gevent
import structlog
from gevent.queue import Empty, Queue

from appliance.actions.call import Call
from appliance.actions.mute import sends_nothing
from appliance.calls.errors import SwitchError
from appliance.calls.events import (
    CallEnded,
    ConversationSaved,
    LegEnded,
    MediaLost,
    Speaker,
    StageFailed,
    WordsHeard,
)
from appliance.calls.hangup import HangupCause
from appliance.controller.holding import Holding
from appliance.controller.inputs import (
    AtCapacity,
    CallerPressed,
    CallerSaid,
    FinishedSpeaking,
    Hangup,
    Input,
    MediaStopped,
    NotUnderstood,
    OrderGiven,
    SessionClosed,
    Superseded,
    TransferDone,
)
from appliance.controller.leg_events import pump
from appliance.controller.listening import Listener
from appliance.controller.order_runner import OrderRunner
from appliance.controller.speaking import SpeechOutput
from appliance.controller.steps import StepRunner
from appliance.dialogue.conversation import Conversation
from appliance.dialogue.second_thoughts import cannot_wait
from appliance.dialogue.steps import FallBack, HangUp, Step

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SessionTiming:
    """How long things may take, in seconds.

    Attributes:
        no_input_s: of the caller's silence before something is said again.
        holding_s: of waiting for an answer before a holding phrase is said.
        still_holding_s: from that phrase to the next.
        longest_call_s: with the appliance; a caller who stays longer is left to the dialplan.
        look_again_s: between two looks whether a caller who is with a person is still there, in
            case FreeSWITCH's word of the end never reached us.
    """

    no_input_s: float = 3.8
    holding_s: float = 1.5
    still_holding_s: float = 3.0
    longest_call_s: float = 1800.0
    look_again_s: float = 60.0


class CallSession:
    """One call's inbox and the greenlet that works through it."""

    def __init__(
        self, call: Call, inbox: "Queue[Input]", listener: Listener, output: SpeechOutput,
        conversation: Conversation, timing: SessionTiming,
        still_up: Callable[[str], bool], transfers_before: int = 0,
    ) -> None:  # fmt: skip
        self._call = call
        self._inbox = inbox
        self._listener = listener
        self._output = output
        self._conversation = conversation
        self._timing = timing
        self._still_up = still_up
        self._steps = StepRunner(call, listener, output, inbox.put, transfers_before)
        self._orders = OrderRunner(call, self._steps, output, conversation, self._carry_out)
        listener.on_waiting = self._waits
        listener.on_words = self._hears
        listener.on_busy = self._settle
        self._began = time.monotonic()
        self._quiet_since: float | None = None
        self._holding = Holding(
            self._hold, timing.holding_s, timing.still_holding_s, name=call.call_id
        )
        self._sure_of_media = False
        self._idle = False
        self._cause = HangupCause.NORMAL_CLEARING.value
        self._over = False

    @property
    def organisation_id(self) -> str:
        """Whose call it is."""
        return self._call.log.organisation_id

    @property
    def handed_over(self) -> bool:
        """Whether the call went on in other hands, of ours or of another controller."""
        return self._steps.handed_over

    def post(self, item: Input) -> None:
        """Hand the session something that happened elsewhere (the control link, a take-over)."""
        self._inbox.put(item)

    def run(self, first: Sequence[Step]) -> None:
        """Carry out the first steps, then handle inputs until the call leaves this session.

        Returns when the caller's leg is gone, was left to the dialplan, or is another session's.
        """
        events = gevent.spawn(pump, self._call, self._inbox.put)
        events.name = f"events-{self._call.call_id}"
        try:
            self._carry_out(first)
            while not self._over:
                self._wait_and_handle()
        finally:
            self._steps.close()
            self._listener.close()
            self._holding.end()
            self._output.close()
            self._call.line.close()
            events.kill()
            self._refuse_the_rest()
        self._record_end()

    def _refuse_the_rest(self) -> None:
        """Whoever ordered something at the last moment is told that it was too late."""
        while not self._inbox.empty():
            item = self._inbox.get()
            if isinstance(item, OrderGiven):
                self._orders.refuse(item, "The call has just left this controller.")

    def _wait_and_handle(self) -> None:
        self._idle = True
        self._settle()
        try:
            item = self._inbox.get(timeout=self._patience_s())
        except Empty:
            self._on_nothing()
            return
        self._idle = False
        self._settle()
        self._handle(item)

    def _settle(self) -> None:
        """Let it be known whether all that the caller says and keys has been acted on."""
        if self._idle and self._inbox.empty() and not self._listener.busy:
            self._call.settled.set()
        else:
            self._call.settled.clear()

    def _patience_s(self) -> float:
        """Seconds until something must happen although nothing arrived."""
        if self._steps.connected:
            return self._timing.look_again_s  # people may talk as long as they like
        left = self._timing.longest_call_s - (time.monotonic() - self._began)
        if self._quiet_since is not None:
            left = min(left, self._quiet_since + self._timing.no_input_s - time.monotonic())
        return max(left, 0.02)

    def _on_nothing(self) -> None:
        if self._steps.connected:
            self._look_again()
        elif time.monotonic() - self._began >= self._timing.longest_call_s:
            self._over = self._steps.fall_back("the call was longer than allowed")
        elif self._listener.busy:
            self._quiet_since = time.monotonic()
        elif self._quiet_since is not None:
            self._quiet_since = None
            self._on_silence()

    def _on_silence(self) -> None:
        """The caller says nothing; the first time, that may be because the phone sends nothing."""
        ask, self._sure_of_media = not self._sure_of_media, True
        if ask and sends_nothing(self._call.switch, self._call.call_id):
            self._handle(MediaStopped(self._call.line.audio_ms))
        else:
            self._carry_out(self._conversation.silent(_now()))

    def _look_again(self) -> None:
        try:
            self._over = not self._still_up(self._call.call_id)
        except SwitchError as error:
            log.info("the leg cannot be looked up", error=str(error))
        if self._over:
            self._cause = HangupCause.UNKNOWN.value

    def _handle(self, item: Input) -> None:
        match item:
            case Hangup(cause=cause):
                self._cause = cause
                self._over = True
            case SessionClosed():
                self._on_closed()
            case Superseded():
                self._steps.handed_over = True
                self._over = True
            case TransferDone(result=result):
                instead = self._steps.transfer_over(result)
                if instead is not None:
                    self._carry_out(instead(_now()))
                elif not result.connected:
                    self._carry_out(self._conversation.transferred(result, _now()))
            case OrderGiven():
                self._orders.carry_out(item, _now())
            case CallerSaid() if self._steps.ringing is not None:
                self._record_said(item)
                self._second_thoughts(item.text, item.confidence)
            case CallerPressed(digit=digit) if self._steps.ringing is not None:
                self._record_key(digit)
                self._second_thoughts(digit, 1.0, keyed=True)
            case _ if self._steps.busy_connecting:
                return
            case FinishedSpeaking():
                # It may have waited here while an answer was looked for, which is said by now.
                if not self._output.speaking:
                    self._quiet_since = time.monotonic()
            case CallerSaid():
                self._on_said(item)
            case CallerPressed(digit=digit):
                self._output.interrupt()
                self._record_key(digit)
                self._carry_out(self._conversation.pressed(digit, _now()))
            case NotUnderstood(error=error):
                self._failed("recognizer", error)
            case AtCapacity(error=error):
                self._turned_away(error)
            case MediaStopped(silent_ms=silent_ms):
                self._call.log.record(MediaLost, silent_ms=silent_ms)
                self._failed("media", f"no audio for {silent_ms} ms")

    def _on_closed(self) -> None:
        """Our session is closed, and no hang-up came before.

        The leg outlives our session while it is bridged; its end comes by the control link. Without
        a bridge the dialplan has it now, and another controller takes it up. When FreeSWITCH cannot
        be asked the call is nobody's: the reaper ends its record once the leg is known to be gone.
        """
        try:
            up = self._still_up(self._call.call_id)
        except SwitchError as error:
            log.warning("session lost, and the leg cannot be looked up", error=str(error))
            self._steps.handed_over = self._over = True
            return
        if up and self._steps.connected:
            return
        self._over = True
        self._steps.handed_over = up
        self._cause = HangupCause.UNKNOWN.value

    def _on_said(self, said: CallerSaid) -> None:
        self._quiet_since = None
        self._sure_of_media = True
        delays = self._record_said(said)
        self._waits(True)
        started = time.monotonic()
        steps = self._conversation.heard(said.text, said.confidence, _now())
        delays["decide"] = round((time.monotonic() - started) * 1000, 1)
        self._carry_out(steps, delays, said.decided_at)

    def _record_said(self, said: CallerSaid) -> dict[str, float]:
        delays = {"endpoint": said.endpoint_ms, "transcribe": round(said.transcribe_ms, 1)}
        self._call.log.turn(
            speaker=Speaker.CALLER, text=said.text, started_ms=said.started_ms,
            ended_ms=said.ended_ms, confidence=said.confidence, model=said.model,
            delays_ms=delays,
        )  # fmt: skip
        return delays

    def _record_key(self, digit: str) -> None:
        at_ms = self._call.line.audio_ms
        self._call.log.turn(
            speaker=Speaker.CALLER, text=digit, source="dtmf", started_ms=at_ms, ended_ms=at_ms
        )

    def _second_thoughts(self, text: str, confidence: float, *, keyed: bool = False) -> None:
        """The caller speaks while a desk rings: most of it changes nothing, some of it must."""
        decision = self._conversation.second_thoughts(text, confidence, _now(), keyed=keyed)
        if decision is not None:
            self._steps.change_course(
                partial(self._conversation.changed_course, decision),
                at_once=cannot_wait(decision),
            )

    def _failed(self, stage: str, error: str) -> None:
        self._call.log.record(StageFailed, stage=stage, error=error, fallback="keypad and a person")
        self._carry_out(self._conversation.failed(stage, _now()))

    def _turned_away(self, error: str) -> None:
        """Too many calls for the engines: this one goes to people, and the others stay quick."""
        self._call.log.record(
            StageFailed, stage="capacity", error=error, fallback="people, by the dialplan"
        )
        self._carry_out(self._conversation.turned_away())

    def _hears(self, text: str) -> None:
        self._call.log.record(WordsHeard, text=text)

    def _waits(self, waiting: bool) -> None:
        """The caller waits for an answer from now on, or does so no more."""
        if not waiting:
            self._holding.end()
        elif not self._steps.busy_connecting:
            self._holding.begin()

    def _hold(self, phrase: str) -> None:
        if not self._output.speaking:
            self._output.say(phrase, heard_out=True)

    def _carry_out(
        self, steps: Sequence[Step], delays_ms: dict[str, float] | None = None,
        decided_at: float | None = None,
    ) -> None:  # fmt: skip
        self._quiet_since = None
        self._holding.end()
        if any(isinstance(step, HangUp | FallBack) for step in steps):
            # The last words take a while; should we die over them, nobody begins anew.
            self._save()
        try:
            self._over = self._steps.run(steps, delays_ms, decided_at) or self._over
        except SwitchError as error:
            log.info("leg gone while carrying out a step", error=str(error))
            return
        if not self._output.speaking and not self._steps.busy_connecting:
            self._quiet_since = time.monotonic()
        if not self._over:
            self._save()

    def _save(self) -> None:
        self._call.log.record(ConversationSaved, state=self._conversation.state())

    def _record_end(self) -> None:
        if self._steps.handed_over:
            return
        outcome, how = self._steps.outcome(self._conversation)
        legs = [("desk", *leg) for leg in self._call.desk_legs]
        for role, leg_id, extension in [*legs, ("caller", self._call.call_id, "")]:
            self._call.log.record(
                LegEnded, leg_id=leg_id, role=role, extension=extension, cause=self._cause
            )
        self._call.log.record(
            CallEnded, outcome=outcome, cause=self._cause, how=how,
            talked_ms=self._call.log.earlier_ms + self._call.line.audio_ms,
        )  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)
