"""Numbers outside: which of them may be dialled, in whose name, over which trunk.

What no rule allows is refused: calls through a trunk cost money.
"""

import re
from dataclasses import dataclass

from appliance.calls.directory import Directory
from appliance.calls.errors import ApplianceError
from appliance.calls.transfer import TransferMode

OUTSIDE_NUMBER = re.compile(r"\+?[0-9]{5,17}")
"""Shorter ones are emergency and service numbers, which people dial themselves."""

_AFTER_PREFIX = re.compile(r"[0-9]{2,15}")
_RING_S = 30
OUTSIDE_ID = "outside"


class NotPermittedError(ApplianceError):
    """A number may not be dialled; the message says why, for people."""

    code = "outside.not_permitted"


@dataclass(frozen=True, slots=True)
class OutsideLine:
    """A number outside that may be dialled; it stands where a person of the directory stands.

    Attributes:
        extension: of whoever is accountable for the call.
        trunk: the name of the trunk that leads there.
        shown: the number that is shown at the other end.
    """

    number: str
    extension: str
    trunk: str
    shown: str
    id: str = OUTSIDE_ID
    name: str = "a number outside"
    transfer_mode: TransferMode = TransferMode.ATTENDED
    ring_timeout_s: int = _RING_S

    @property
    def extensions(self) -> tuple[str, ...]:
        """The number to ring; the same shape as a person's."""
        return (self.number,)


def outside_line(directory: Directory, number: str, extension: str) -> OutsideLine:
    """The way to a number, in the name of an extension.

    Raises:
        NotPermittedError: there is none.
    """
    if not OUTSIDE_NUMBER.fullmatch(number):
        raise NotPermittedError("A number outside has 5 to 17 digits, with a + before or without.")
    if not extension:
        raise NotPermittedError(
            "Nobody would be accountable for this call: your account belongs to no person with an "
            "extension."
        )
    if extension not in directory.may_call_out:
        raise NotPermittedError(f"Extension {extension} may not call out.")
    for trunk in directory.trunks:
        for prefix in trunk.prefixes:
            rest = number.removeprefix(prefix)
            if number.startswith(prefix) and _AFTER_PREFIX.fullmatch(rest):
                shown = directory.dids[0].number if directory.dids else ""
                return OutsideLine(number, extension, trunk.name, shown)
    raise NotPermittedError(f"No trunk may dial {number}; the trunks' first digits say which may.")
