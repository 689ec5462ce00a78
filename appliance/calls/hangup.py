"""Why a call or a leg ended, in FreeSWITCH's words (Q.850 causes with its own additions)."""

from enum import StrEnum


class HangupCause(StrEnum):
    """The causes that the appliance tells apart. Anything else parses to ``UNKNOWN``."""

    NORMAL_CLEARING = "NORMAL_CLEARING"
    ORIGINATOR_CANCEL = "ORIGINATOR_CANCEL"
    USER_BUSY = "USER_BUSY"
    NO_USER_RESPONSE = "NO_USER_RESPONSE"
    NO_ANSWER = "NO_ANSWER"
    CALL_REJECTED = "CALL_REJECTED"
    SUBSCRIBER_ABSENT = "SUBSCRIBER_ABSENT"
    USER_NOT_REGISTERED = "USER_NOT_REGISTERED"
    UNALLOCATED_NUMBER = "UNALLOCATED_NUMBER"
    NO_ROUTE_DESTINATION = "NO_ROUTE_DESTINATION"
    DESTINATION_OUT_OF_ORDER = "DESTINATION_OUT_OF_ORDER"
    NORMAL_TEMPORARY_FAILURE = "NORMAL_TEMPORARY_FAILURE"
    RECOVERY_ON_TIMER_EXPIRE = "RECOVERY_ON_TIMER_EXPIRE"
    MEDIA_TIMEOUT = "MEDIA_TIMEOUT"
    ALLOTTED_TIMEOUT = "ALLOTTED_TIMEOUT"
    INCOMPATIBLE_DESTINATION = "INCOMPATIBLE_DESTINATION"
    MANAGER_REQUEST = "MANAGER_REQUEST"
    REQUESTED_CHAN_UNAVAIL = "REQUESTED_CHAN_UNAVAIL"
    LOSE_RACE = "LOSE_RACE"
    PICKED_OFF = "PICKED_OFF"
    UNKNOWN = "UNKNOWN"

    @classmethod
    def parse(cls, text: str) -> "HangupCause":
        """Read a cause from a header or an ``-ERR CAUSE`` reply; never raises."""
        words = text.replace("-ERR", " ").split()
        try:
            return cls(words[0].upper()) if words else cls.UNKNOWN
        except ValueError:
            return cls.UNKNOWN
