"""What people order, from the operators' page or through the API: in a call in progress, or one."""

from dataclasses import dataclass
from enum import StrEnum


class Verb(StrEnum):
    """What may be ordered.

    ``ACCEPT``, ``DECLINE`` and ``VOICEMAIL`` are about the desk that rings; ``CALL`` makes a call.
    """

    HANG_UP = "hang_up"
    TRANSFER = "transfer"
    SAY = "say"
    ACCEPT = "accept"
    DECLINE = "decline"
    VOICEMAIL = "voicemail"
    CALL = "call"


NEW_CALL = "new"
"""In place of a call's id: any controller may take the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order. It is carried out at most once, whoever sends it how often.

    Attributes:
        order_id: UUID as text; names it wherever it goes.
        given_by: who, for people.
        text: what to say, for ``SAY``.
        to: whom to ring, for ``TRANSFER``: id of a target of the directory, an extension, or a
            number outside; whom to connect then, for ``CALL``: an extension, the id of a
            department, all of whose phones ring, a number outside, or one of our own numbers,
            where the appliance itself answers.
        ring: whom to ring first, for ``CALL``: an extension or a number outside. Its leg has the
            order's id.
        extension: whose permission to call out is used.
    """

    order_id: str
    call_id: str
    organisation_id: str
    verb: Verb
    given_by: str
    text: str = ""
    to: str = ""
    ring: str = ""
    extension: str = ""


@dataclass(frozen=True, slots=True)
class OrderAnswer:
    """What came of an order; ``words`` are for whoever gave it."""

    done: bool
    words: str
