"""Which of a language model's sequences a request runs in, and what it finds there. Pure.

A sequence keeps what the model computed of the tokens in it. A request whose prompt begins with
the same tokens evaluates only the rest. Each call has a sequence of its own while there are enough;
then the one that was used longest ago is taken away. A call without one starts from a copy of
whichever holds the longest beginning of its prompt: calls that share a system prompt evaluate it
once altogether.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Tokens = npt.NDArray[np.int32]
"""Token ids, shape (n,)."""

_WORTH_COPYING = 32
"""Tokens that a copy must save: evaluating fewer takes about as long as copying (2 ms)."""


def common_length(a: Tokens, b: Tokens) -> int:
    """How many tokens two sequences begin with alike."""
    shorter = min(len(a), len(b))
    different = np.nonzero(a[:shorter] != b[:shorter])[0]
    return int(different[0]) if len(different) else shorter


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a request runs.

    Attributes:
        slot: number of the sequence.
        keep: how many tokens at its beginning stay; what follows is to be removed.
        copy_from: the sequence to copy into it first, if any.
    """

    slot: int
    keep: int
    copy_from: int | None = None


@dataclass(slots=True)
class _Slot:
    """Attributes: ``call`` is empty once the call is over, or when none was named."""

    call: str = ""
    used: int = 0
    tokens: Tokens = field(default_factory=lambda: np.zeros(0, np.int32))


class SlotTable:
    """What each sequence holds and whose it is.

    Args:
        count: how many sequences there are, at least 1.
    """

    def __init__(self, count: int) -> None:
        self._slots = [_Slot() for _ in range(count)]
        self._uses = 0

    def place(self, call: str, tokens: Tokens) -> Placement:
        """Where a prompt is to run. Until `record` says otherwise, the sequence counts as empty."""
        found = [common_length(slot.tokens, tokens) for slot in self._slots]
        number = self._chosen(call, found)
        donor = max(range(len(found)), key=lambda n: found[n])
        copied = donor != number and found[donor] >= found[number] + _WORTH_COPYING
        keep = found[donor] if copied else found[number]
        slot = self._slots[number]
        self._uses += 1
        slot.used = self._uses
        slot.call = call
        slot.tokens = tokens[:0]
        # The last token is evaluated again: the model's next word is computed with it.
        keep = min(keep, len(tokens) - 1)
        return Placement(number, max(0, keep), donor if copied else None)

    def record(self, number: int, tokens: Tokens) -> None:
        """The sequence holds these tokens now."""
        self._slots[number].tokens = tokens

    def forget(self, call: str) -> None:
        """The call is over: its sequence is the first to be given to another one."""
        for slot in self._slots:
            if call and slot.call == call:
                slot.call = ""

    def _chosen(self, call: str, found: list[int]) -> int:
        """The call's own; else one that nobody owns, the best or the oldest; else the oldest."""
        numbers = range(len(self._slots))
        for number in numbers:
            if call and self._slots[number].call == call:
                return number
        free = [number for number in numbers if not self._slots[number].call]
        if free:
            return max(free, key=lambda n: (found[n], -self._slots[n].used))
        return min(numbers, key=lambda n: self._slots[n].used)
