"""How an attempt to connect a caller to somebody ended."""

from enum import StrEnum

from appliance.calls.hangup import HangupCause


class TransferMode(StrEnum):
    """Attended: the person hears who calls and accepts. Blind: the caller is sent on at once."""

    ATTENDED = "attended"
    BLIND = "blind"


class TransferResult(StrEnum):
    """One attempt's result. Only ``CONNECTED`` ends the conversation with the appliance.

    ``CALLED_OFF``: the caller or an operator wanted something else before they were connected.
    """

    CONNECTED = "connected"
    BUSY = "busy"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    NO_RESPONSE = "no_response"
    UNREACHABLE = "unreachable"
    NO_MEDIA = "no_media"
    CALLED_OFF = "called_off"
    CALLER_HUNG_UP = "caller_hung_up"
    FAILED = "failed"

    @property
    def connected(self) -> bool:
        """Whether the caller is now with a person."""
        return self is TransferResult.CONNECTED


_BY_CAUSE = {
    HangupCause.USER_BUSY: TransferResult.BUSY,
    HangupCause.CALL_REJECTED: TransferResult.DECLINED,
    HangupCause.NO_ANSWER: TransferResult.NO_ANSWER,
    HangupCause.ALLOTTED_TIMEOUT: TransferResult.NO_ANSWER,
    HangupCause.RECOVERY_ON_TIMER_EXPIRE: TransferResult.UNREACHABLE,
    HangupCause.NO_USER_RESPONSE: TransferResult.UNREACHABLE,
    HangupCause.SUBSCRIBER_ABSENT: TransferResult.UNREACHABLE,
    HangupCause.USER_NOT_REGISTERED: TransferResult.UNREACHABLE,
    HangupCause.UNALLOCATED_NUMBER: TransferResult.UNREACHABLE,
    HangupCause.NO_ROUTE_DESTINATION: TransferResult.UNREACHABLE,
    HangupCause.DESTINATION_OUT_OF_ORDER: TransferResult.UNREACHABLE,
    HangupCause.REQUESTED_CHAN_UNAVAIL: TransferResult.UNREACHABLE,
    HangupCause.NORMAL_TEMPORARY_FAILURE: TransferResult.UNREACHABLE,
    HangupCause.ORIGINATOR_CANCEL: TransferResult.CALLER_HUNG_UP,
}


def result_of_originate(cause: HangupCause) -> TransferResult:
    """What a failed ``originate`` means for the caller."""
    return _BY_CAUSE.get(cause, TransferResult.FAILED)
