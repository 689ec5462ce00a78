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
from appliance.actions.desk import ask_desk
from appliance.actions.desks import CALL_VARIABLE, DESK_ROLE, ROLE_VARIABLE, TRANSFER_VARIABLE
from appliance.calls.directory import Target, checked_extension
from appliance.calls.errors import SwitchError
from appliance.calls.events import LegEnded, TransferEnded, TransferStarted
from appliance.calls.hangup import HangupCause
from appliance.calls.transfer import TransferMode, TransferResult, result_of_originate
from appliance.media.playback import Playback
from appliance.switch import commands
from appliance.switch.call_channel import CallChannel

# After FreeSWITCH says that a phone answered, its session needs this long at most to reach us.
_ARRIVAL_GRACE_S = 3.0
_LAST_WORDS_S = 10.0


def attended_transfer(
    call: Call, target: Target, announcement: str, attempt: int, meanwhile: Playback | None
) -> TransferResult:
    """Ring the target's phones and bridge when the call is accepted.

    Blocks for as long as it rings and is announced. Killing the greenlet that runs it, as is done
    when the caller hangs up, takes the desk's leg down and records that.

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
        with (
            call.desks.reserved(target.extensions) as free,
            call.desks.expected(transfer_id) as arrival,
        ):
            if free:
                attempt_ = _Attempt(call, target, free, transfer_id, arrival)
                result, cause = attempt_.run(announcement, meanwhile)
            else:
                result, cause = TransferResult.BUSY, HangupCause.USER_BUSY.value
    except SwitchError as error:
        result, cause = TransferResult.FAILED, f"{error.code}: {error}"
    finally:
        call.log.record(
            TransferEnded, transfer=attempt, result=result.value, cause=cause,
            took_ms=round((time.monotonic() - started) * 1000),
        )  # fmt: skip
    return result


class _Attempt:
    """One ringing of one target's free phones, up to the bridge."""

    def __init__(
        self, call: Call, target: Target, extensions: tuple[str, ...], transfer_id: str,
        arrival: "AsyncResult[CallChannel]",
    ) -> None:  # fmt: skip
        self._call = call
        self._target = target
        self._transfer_id = transfer_id
        self._arrival = arrival
        self._extensions = tuple(checked_extension(number) for number in extensions)
        self._request = self._originate_request()

    def run(self, announcement: str, meanwhile: Playback | None) -> tuple[TransferResult, str]:
        """Ring, ask, bridge; the desk's leg survives only a bridge."""
        dialling = gevent.spawn(commands.originate, self._call.switch, self._request)
        dialling.name = f"originate-{self._transfer_id}"
        result, cause = TransferResult.CALLER_HUNG_UP, HangupCause.ORIGINATOR_CANCEL.value
        try:
            self._wait_for_answer(dialling)
            if not self._arrival.ready():
                result, cause = _not_answered(dialling)
            else:
                result = ask_desk(self._call, self._arrival.get(), announcement)
                if result.connected:
                    result = self._bridge(self._arrival.get(), meanwhile)
                cause = ""
        finally:
            dialling.kill(block=False)
            if not result.connected:
                self._take_down(cause)
        return result, cause

    def _originate_request(self) -> commands.OriginateRequest:
        return commands.OriginateRequest(
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
            caller_id_number=self._call.caller_number,
            ring_timeout_s=self._target.ring_timeout_s,
        )

    def _wait_for_answer(self, dialling: gevent.Greenlet) -> None:
        patience_s = self._target.ring_timeout_s + _ARRIVAL_GRACE_S
        gevent.wait([self._arrival, dialling], timeout=patience_s, count=1)
        if not self._arrival.ready() and dialling.successful() and dialling.value.cause is None:
            self._arrival.wait(_ARRIVAL_GRACE_S)

    def _bridge(self, desk: CallChannel, meanwhile: Playback | None) -> TransferResult:
        """Connect the two legs, once the caller has heard the last word.

        Until the bridge is up, the caller's leg is set to come back through the dialplan: a desk
        that vanishes in between would otherwise take the caller with it. Once it is up, the leg
        ends with the bridge, whoever ends it; that needs nobody to be alive, so a controller that
        dies in mid-bridge leaves no dead line behind.
        """
        call = self._call
        if meanwhile is not None:
            meanwhile.wait(_LAST_WORDS_S)
        if desk.closed.is_set():
            return TransferResult.DECLINED
        link, caller = call.switch, call.call_id
        commands.set_variable(link, caller, "transfer_after_bridge", call.config.come_back_to)
        call.bridged.clear()
        commands.bridge(link, caller, desk.uuid)
        if not call.bridged.wait(call.config.bridge_timeout_s):
            return TransferResult.FAILED
        commands.set_variable(link, caller, "hangup_after_bridge", "true")
        commands.set_variable(link, caller, "transfer_after_bridge", "")
        return TransferResult.CONNECTED

    def _take_down(self, cause: str) -> None:
        # When the link is gone too, FreeSWITCH ends an unanswered leg at its ring time-out, and an
        # answered one when its session closes.
        with suppress(SwitchError):
            commands.cancel(self._call.switch, self._request)
        self._call.log.record(
            LegEnded, leg_id=self._transfer_id, role=DESK_ROLE,
            extension=",".join(self._extensions), cause=cause,
        )  # fmt: skip


def _not_answered(dialling: gevent.Greenlet) -> tuple[TransferResult, str]:
    if dialling.successful():
        cause = dialling.value.cause or HangupCause.DESTINATION_OUT_OF_ORDER
        return result_of_originate(cause), cause.value
    if dialling.ready():
        return TransferResult.FAILED, str(dialling.exception)
    return TransferResult.NO_ANSWER, HangupCause.NO_ANSWER.value
