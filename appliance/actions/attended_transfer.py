"""Connect the caller to a person without letting go of the caller.

The desk's leg is put up beside the call. Whoever answers hears who is calling and why, and presses
1 to take the call or 2 to decline. Only then are the two legs bridged. Whatever else happens, the
caller is still with the appliance and the result says what happened.
"""

import time
from contextlib import suppress
from uuid import uuid4

import gevent
from gevent.event import AsyncResult

from appliance.actions.call import Call
from appliance.actions.claims import claimed
from appliance.actions.desk import ask_desk
from appliance.actions.desks import (
    CALL_VARIABLE,
    DESK_ROLE,
    ROLE_VARIABLE,
    TRANSFER_VARIABLE,
    DeskDecision,
    extension_of,
)
from appliance.actions.unbroken import asked, unbroken
from appliance.calls.directory import Target, checked_extension
from appliance.calls.errors import (
    ApplianceError,
    SwitchError,
    SwitchGoneError,
    SwitchTimeoutError,
)
from appliance.calls.events import LegEnded, TransferEnded, TransferStarted
from appliance.calls.hangup import HangupCause
from appliance.calls.outside import OutsideLine
from appliance.calls.transfer import TransferMode, TransferResult, result_of_originate
from appliance.media.playback import Playback
from appliance.switch import commands, originating
from appliance.switch.call_channel import CallChannel

# After FreeSWITCH says that a phone answered, its session needs this long at most to reach us.
_ARRIVAL_GRACE_S = 3.0
_LAST_WORDS_S = 10.0
# A leg can be ended only once FreeSWITCH has made it, which may be just after it was asked to.
_CANCEL_TRIES = 3
_CANCEL_EVERY_S = 0.5


def attended_transfer(
    call: Call,
    target: Target | OutsideLine,
    announcement: str,
    attempt: int,
    meanwhile: Playback | None,
) -> TransferResult:
    """Ring the target's phones and bridge when the call is accepted.

    Blocks for as long as it rings and is announced. Killing the greenlet that runs it, as is done
    when the caller hangs up, takes the desk's leg down and records that. Nothing is raised: what
    goes wrong on the way is the result FAILED, with its cause on record.

    Args:
        announcement: spoken to the desk, once more if no key comes.
        attempt: counts the transfers of this call from 1.
        meanwhile: what is being said to the caller; heard to its end before the bridge.
    """
    started = time.monotonic()
    transfer_id = str(uuid4())
    call.log.record(
        TransferStarted, transfer=attempt, target_id=target.id, target_name=target.name,
        extensions=target.extensions, mode=TransferMode.ATTENDED.value, leg_id=transfer_id,
        announcement=announcement,
    )  # fmt: skip
    result, cause = TransferResult.CALLER_HUNG_UP, ""
    try:
        result, cause = _connected(call, target, announcement, transfer_id, meanwhile)
    except ApplianceError as error:
        result, cause = TransferResult.FAILED, f"{error.code}: {error}"
    finally:
        call.log.record(
            TransferEnded, transfer=attempt, result=result.value, cause=cause,
            took_ms=round((time.monotonic() - started) * 1000),
        )  # fmt: skip
    return result


def _connected(
    call: Call,
    target: Target | OutsideLine,
    announcement: str,
    transfer_id: str,
    meanwhile: Playback | None,
) -> tuple[TransferResult, str]:
    """Try it with those of the target's phones that nobody else is being connected to."""
    if not target.extensions:
        return TransferResult.UNREACHABLE, HangupCause.UNALLOCATED_NUMBER.value
    with (
        call.desks.reserved(target.extensions) as ours,
        call.desks.expected(transfer_id) as arrival,
        call.desks.deciding(call.call_id) as decision,
        claimed(call, ours) as free,
    ):
        if not free:
            return TransferResult.BUSY, HangupCause.USER_BUSY.value
        attempt = _Attempt(call, target, free, transfer_id, arrival, decision)
        return attempt.run(announcement, meanwhile)


class _Attempt:
    """One ringing of one target's free phones, up to the bridge."""

    def __init__(
        self, call: Call, target: Target | OutsideLine, extensions: tuple[str, ...],
        transfer_id: str, arrival: "AsyncResult[CallChannel]", decision: DeskDecision,
    ) -> None:  # fmt: skip
        self._decision = decision
        self._call = call
        self._target = target
        self._transfer_id = transfer_id
        self._arrival = arrival
        self._extensions = extensions
        if not isinstance(target, OutsideLine):
            self._extensions = tuple(checked_extension(number) for number in extensions)
        self._request = self._originate_request()

    def run(self, announcement: str, meanwhile: Playback | None) -> tuple[TransferResult, str]:
        """Ring, ask, bridge; the desk's leg survives only a bridge."""
        dialling = asked(
            f"originate-{self._transfer_id}",
            originating.originate,
            self._call.switch,
            self._request,
        )
        result, cause = TransferResult.CALLER_HUNG_UP, HangupCause.ORIGINATOR_CANCEL.value
        try:
            self._wait_for_answer(dialling)
            if self._arrival.ready():
                self._decision.picked_up = True
                result = self._talk(self._arrival.get(), announcement, meanwhile)
                cause = ""
            elif self._decision.stopped.is_set():
                result, cause = self._decision.result, self._decision.cause
            else:
                result, cause = _not_answered(dialling)
        finally:
            if result.connected:
                desk = self._arrival.get()
                self._call.desk_legs.append((desk.uuid, extension_of(desk)))
                self._record_legs(HangupCause.LOSE_RACE.value, but=desk.uuid)
            else:
                self._take_down(dialling, cause)
        return result, cause

    def _originate_request(self) -> originating.OriginateRequest:
        outside = self._target if isinstance(self._target, OutsideLine) else None
        return originating.OriginateRequest(
            leg_id=self._transfer_id,
            extensions=self._extensions,
            domain=self._call.config.domain,
            socket_address=self._call.config.socket_address,
            variables={
                ROLE_VARIABLE: DESK_ROLE,
                CALL_VARIABLE: self._call.call_id,
                TRANSFER_VARIABLE: self._transfer_id,
            },
            caller_id_name=self._call.caller_name,
            # Providers carry no call that shows a number which is not ours.
            caller_id_number=outside.shown if outside else self._call.caller_number,
            trunk=outside.trunk if outside else "",
            limit=outside.extension if outside else "",
            ring_timeout_s=self._target.ring_timeout_s,
        )

    def _wait_for_answer(self, dialling: gevent.Greenlet) -> None:
        patience_s = self._target.ring_timeout_s + _ARRIVAL_GRACE_S
        stopped = self._decision.stopped
        gevent.wait([self._arrival, dialling, stopped], timeout=patience_s, count=1)
        answered = isinstance(dialling.value, originating.OriginateResult)
        if not self._arrival.ready() and answered and dialling.value.cause is None:
            self._arrival.wait(_ARRIVAL_GRACE_S)

    def _talk(
        self, desk: CallChannel, announcement: str, meanwhile: Playback | None
    ) -> TransferResult:
        try:
            result = ask_desk(self._call, desk, announcement, self._decision)
            if result.connected:
                result = self._bridge(desk, meanwhile)
        except SwitchError:
            if desk.hung_up:
                return TransferResult.DECLINED
            raise
        return result

    def _bridge(self, desk: CallChannel, meanwhile: Playback | None) -> TransferResult:
        """Connect the two legs, once the caller has heard the last word or cannot wait for it.

        Until the bridge is up, the caller's leg is set to come back through the dialplan: a desk
        that vanishes in between would otherwise take the caller with it. Once it is up, the leg
        ends with the bridge, whoever ends it; that needs nobody to be alive, so a controller that
        dies in mid-bridge leaves no dead line behind.
        """
        if meanwhile is not None:
            enough = [meanwhile.done, desk.closed, self._decision.hurried]
            gevent.wait(enough, timeout=_LAST_WORDS_S, count=1)
        if desk.hung_up:
            return TransferResult.DECLINED
        self._call.bridged.clear()
        try:
            return unbroken(f"bridge-{self._transfer_id}", self._bridged, desk.uuid)
        except gevent.GreenletExit:
            if self._call.bridged.is_set():
                return TransferResult.CONNECTED  # one of them hung up as soon as they were
            raise

    def _bridged(self, desk_id: str) -> TransferResult:
        call = self._call
        link, caller = call.switch, call.call_id
        commands.set_variable(link, caller, "transfer_after_bridge", call.config.come_back_to)
        # A bridge whose answer was lost may be up all the same: then it is seen on the leg.
        with suppress(SwitchTimeoutError, SwitchGoneError):
            commands.bridge(link, caller, desk_id)
        if not call.bridged.wait(call.config.bridge_timeout_s):
            return TransferResult.FAILED
        with suppress(SwitchError):  # they are talking; without this the caller only comes back
            commands.set_variable(link, caller, "hangup_after_bridge", "true")
            commands.set_variable(link, caller, "transfer_after_bridge", "")
        return TransferResult.CONNECTED

    def _take_down(self, dialling: gevent.Greenlet, cause: str) -> None:
        # When the link is gone too, FreeSWITCH ends an unanswered leg at its ring time-out, and an
        # answered one when its session closes.
        with suppress(SwitchError):
            unbroken(f"cancel-{self._transfer_id}", self._cancelled, dialling)
        if self._arrival.ready():
            self._arrival.get().close()
        self._record_legs(cause)

    def _record_legs(self, cause: str, but: str = "") -> None:
        """The end of every leg that was rung, save the one that now talks."""
        for leg_id, extension in zip(self._request.leg_ids, self._extensions, strict=True):
            if leg_id != but:
                self._call.log.record(
                    LegEnded, leg_id=leg_id, role=DESK_ROLE, extension=extension, cause=cause
                )

    def _cancelled(self, dialling: gevent.Greenlet) -> None:
        for _ in range(_CANCEL_TRIES):
            originating.cancel(self._call.switch, self._request)
            dialling.join(_CANCEL_EVERY_S)
            if dialling.ready():
                return


def _not_answered(dialling: gevent.Greenlet) -> tuple[TransferResult, str]:
    outcome = dialling.value
    if isinstance(outcome, ApplianceError):
        raise outcome
    if outcome is None:
        return TransferResult.NO_ANSWER, HangupCause.NO_ANSWER.value
    cause = outcome.cause or HangupCause.DESTINATION_OUT_OF_ORDER
    return result_of_originate(cause), cause.value
