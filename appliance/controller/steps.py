"""Carrying out what the conversation decided, one action after the other."""

from collections.abc import Callable, Sequence
from datetime import datetime

import gevent

from appliance.actions.attended_transfer import attended_transfer
from appliance.actions.blind_transfer import blind_transfer
from appliance.actions.call import Call
from appliance.actions.desks import CALLED_OFF
from appliance.actions.fall_back import fall_back
from appliance.actions.hang_up import hang_up
from appliance.actions.take_message import take_message
from appliance.calls.decision import Decision
from appliance.calls.directory import Target
from appliance.calls.events import DecisionMade, Outcome, StageFailed
from appliance.calls.outside import OUTSIDE_ID, OutsideLine
from appliance.calls.transfer import TransferMode, TransferResult
from appliance.controller.inputs import FinishedSpeaking, Input, TransferDone
from appliance.controller.listening import Listener
from appliance.controller.speaking import SpeechOutput
from appliance.dialogue.conversation import Conversation
from appliance.dialogue.steps import Decided, FallBack, HangUp, SaveMessage, Say, Step, Transfer
from appliance.media.playback import Playback
from appliance.media.tones import ringback
from appliance.speech.events import Expectation

_LAST_WORDS_S = 10.0

Instead = Callable[[datetime], Sequence[Step]]
"""What the caller gets in place of the attempt that was called off."""


class StepRunner:
    """Carries out steps on one call, and knows where the call stands.

    Attributes:
        connected: the caller is with a person; the appliance only waits for the end.
        handed_over: the leg is in other hands, which record its end.
        outside: the number outside that somebody has ordered the caller to be connected with; no
            conversation can name one.
    """

    def __init__(
        self, call: Call, listener: Listener, output: SpeechOutput, post: Callable[[Input], None],
        transfers_before: int = 0,
    ) -> None:  # fmt: skip
        self.connected = False
        self.handed_over = False
        self.outside: OutsideLine | None = None
        self._call = call
        self._listener = listener
        self._output = output
        self._post = post
        output.on_silent = self.on_silent
        self._transfers = transfers_before
        self._connecting: gevent.Greenlet | None = None
        self._target: Target | OutsideLine | None = None
        self._instead: Instead | None = None
        self._ringback: Playback | None = None
        self._ended: tuple[Outcome, str] | None = None

    @property
    def busy_connecting(self) -> bool:
        """Whether a desk is being rung, or the caller is with a person already."""
        return self._connecting is not None or self.connected

    def run(
        self, steps: Sequence[Step], delays_ms: dict[str, float] | None = None,
        decided_at: float | None = None,
    ) -> bool:  # fmt: skip
        """Carry out ``steps`` in order; True when the session is over.

        Raises:
            SwitchError: when the leg is gone.
        """
        say: list[Say] = []
        for step in [*steps, None]:
            if isinstance(step, Say):
                say.append(step)
                continue
            if say and not isinstance(step, Decided | SaveMessage):
                self._say(say, delays_ms, decided_at)
                say = []
            if step is not None and self._one(step, delays_ms, decided_at):
                return True
        return False

    def _say(
        self, parts: Sequence[Say], delays_ms: dict[str, float] | None, decided_at: float | None
    ) -> None:
        self._listener.expect(Expectation(parts[-1].expect))  # may find an interruption: first
        if self._ringback is not None:
            # What is said waits for the end of what is played, and this has none. It comes back.
            self._ringback.stop()
        self._output.say(
            " ".join(part.text for part in parts),
            interruptible=all(part.interruptible for part in parts),
            delays_ms=delays_ms, decided_at=decided_at,
        )  # fmt: skip

    def _one(
        self, step: Step, delays_ms: dict[str, float] | None, decided_at: float | None
    ) -> bool:
        match step:
            case Decided(decision=decision):
                self._record(decision)
            case SaveMessage():
                take_message(self._call, step)
            case Transfer():
                self._begin_transfer(step, delays_ms, decided_at)
            case HangUp(outcome=outcome, how=how):
                self._ended = (outcome, how)
                hang_up(self._call, self._output.last_words)
                return True
            case FallBack(reason=reason):
                return self.fall_back(reason)
        return False

    def _record(self, decision: Decision) -> None:
        log = self._call.log
        # Not the last turn of all: we may have said "One moment" while the decision was made.
        log.record(DecisionMade, turn=log.caller_turn, decision=decision.as_dict())
        for verdict in decision.verdicts:
            if verdict.verdict == "failed":
                log.record(
                    StageFailed, stage=verdict.policy, error=verdict.reason, fallback="rules"
                )

    def _begin_transfer(
        self, step: Transfer, delays_ms: dict[str, float] | None, decided_at: float | None
    ) -> None:
        target: Target | OutsideLine | None = self._call.directory.target(step.target_id)
        if step.target_id == OUTSIDE_ID:
            target, self.outside = self.outside, None
        if target is None:
            # The guard has refused anything outside the directory; this is its second lock.
            self._post(TransferDone(TransferResult.UNREACHABLE))
            return
        self._transfers += 1
        self._target = target
        meanwhile = None
        if step.meanwhile:
            meanwhile = self._output.say(
                step.meanwhile, interruptible=False, delays_ms=delays_ms, decided_at=decided_at
            )
        if step.mode is TransferMode.BLIND and not isinstance(target, OutsideLine):
            job = gevent.spawn(blind_transfer, self._call, target, self._transfers, meanwhile)
        else:
            job = gevent.spawn(
                attended_transfer, self._call, target, step.announcement, self._transfers, meanwhile
            )
        job.name = f"transfer-{self._call.call_id}"
        job.link(self._transferred)
        self._connecting = job
        gevent.sleep(0)  # it has begun when the next input is handled, and so can be called off

    def _transferred(self, job: gevent.Greenlet) -> None:
        """The transfer's greenlet has ended; by itself, because of a mistake, or killed."""
        result = job.value if isinstance(job.value, TransferResult) else TransferResult.FAILED
        self._post(TransferDone(result))

    def on_silent(self) -> None:
        """Everything was said: while a desk rings, the caller hears it ring."""
        if self._connecting is not None and not self.connected:
            self._ringback = self._call.line.play(ringback(self._call.line.rate_hz))
        else:
            self._post(FinishedSpeaking())

    @property
    def with_whom(self) -> str:
        """Who is being rung, or whom the caller is with; empty while there is nobody."""
        return self._target.name if self._target is not None and self.busy_connecting else ""

    @property
    def ringing(self) -> Target | OutsideLine | None:
        """Whose phones ring now; None while nobody's do."""
        return self._target if self._connecting is not None else None

    def end_as(self, outcome: Outcome, how: str) -> None:
        """Whatever ends the call now, this is how it ended."""
        self._ended = (outcome, how)

    def call_off(self, instead: Instead, key: str = CALLED_OFF) -> bool:
        """Stop what rings, and go on with ``instead`` once it is quiet. False: it is too late.

        Args:
            key: `DECLINE` when it is the desk that does not want the call.
        """
        if not self._call.desks.decide(self._call.call_id, key):
            return False
        self._instead = instead
        return True

    def change_course(self, instead: Instead, *, at_once: bool) -> None:
        """The caller wants something else than what rings; see `dialogue.second_thoughts`.

        Args:
            at_once: whoever takes the call now has the caller without another word, and ``instead``
                is what comes next if nobody does.
        """
        if self.call_off(instead) or not at_once:
            return
        self._instead = instead
        self._call.desks.hurry(self._call.call_id)

    def transfer_over(self, result: TransferResult) -> Instead | None:
        """The transfer's greenlet is done; with the caller or without.

        Returns what the caller gets instead, when it was called off.
        """
        instead, self._instead = self._instead, None
        self._connecting = None
        self.connected = result.connected
        if self.connected:
            # FreeSWITCH carries the audio between the two from here on.
            self._call.line.close()
        else:
            self._call.line.fall_silent()
        gone = result in (TransferResult.CONNECTED, TransferResult.CALLER_HUNG_UP)
        return None if gone else instead

    def fall_back(self, reason: str) -> bool:
        """Leave the caller to the dialplan: the hunt group, then voicemail."""
        last_words = self._output.last_words
        if last_words is not None:
            last_words.wait(_LAST_WORDS_S)
        self._ended = (Outcome.FELL_BACK, f"left to the dialplan: {reason}")
        fall_back(self._call)
        return True

    def outcome(self, conversation: Conversation) -> tuple[Outcome, str]:
        """How the call ended, and a sentence for people."""
        if self._ended is not None:
            return self._ended
        if self.connected:
            return Outcome.CONNECTED, f"connected to {self.with_whom}, until one of them hung up"
        return conversation.hung_up()

    def close(self) -> None:
        """The session is over: take down what is still ringing."""
        if self._connecting is not None:
            self._connecting.kill()
            self.connected = self._connecting.value is TransferResult.CONNECTED
