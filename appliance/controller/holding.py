"""A few words while the caller waits, so that nobody listens to a dead line.

One wait is everything between the end of the caller's turn and the answer to it: listening,
deciding, and whatever of it is slow. In one wait each phrase is said once at most.
"""

from collections.abc import Callable, Sequence

import gevent

HOLDING_PHRASE = "One moment, please."
STILL_HOLDING_PHRASE = "I am still working on it."
PHRASES = (HOLDING_PHRASE, STILL_HOLDING_PHRASE)


class Holding:
    """Says the phrases of one wait, when it is long enough for them.

    Args:
        say: says a phrase to the caller.
        first_s: of waiting before the first phrase.
        next_s: from the beginning of one phrase to the next.
    """

    def __init__(
        self, say: Callable[[str], object], first_s: float, next_s: float, name: str,
        phrases: Sequence[str] = PHRASES,
    ) -> None:  # fmt: skip
        self._say = say
        self._first_s = first_s
        self._next_s = next_s
        self._name = name
        self._phrases = tuple(phrases)
        self._waiting: gevent.Greenlet | None = None

    def begin(self) -> None:
        """The caller waits from now on; goes on with the wait there is, if there is one."""
        if self._waiting is None:
            self._waiting = gevent.spawn_later(self._first_s, self._hold)
            self._waiting.name = f"holding-{self._name}"

    def end(self) -> None:
        """The answer is here, or will not come."""
        if self._waiting is not None:
            self._waiting.kill(block=False)
            self._waiting = None

    def _hold(self) -> None:
        for number, phrase in enumerate(self._phrases):
            if number:
                gevent.sleep(self._next_s)
            self._say(phrase)
