"""What people order in a call in progress, from the operators' page or through the API."""

from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What may be ordered. The last three are about the desk that rings."""

    HANG_UP = "hang_up"
    TRANSFER = "transfer"
    SAY = "say"
    ACCEPT = "accept"
    DECLINE = "decline"
    VOICEMAIL = "voicemail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order. It is carried out at most once, whoever sends it how often.

    Attributes:
        order_id: UUID as text; names it wherever it goes.
        given_by: who, for people.
        text: what to say, for ``SAY``.
        to: whom to ring, for ``TRANSFER``: id of a target of the directory, or an extension.
    """

    order_id: str
    call_id: str
    organisation_id: str
    verb: Verb
    given_by: str
    text: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What came of an order; ``words`` are for whoever gave it."""

    done: bool
    words: str
