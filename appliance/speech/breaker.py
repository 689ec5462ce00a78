"""When to leave a failing engine alone, and when to try it again."""

from enum import StrEnum


class Health(StrEnum):
    """What a breaker makes of its engine."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class CircuitBreaker:
    """One engine's state of health, driven by what became of the work it was given.

    Closed: it is given work. Failures in a row open it: it is given none, so that no caller waits
    for an engine that is known not to answer. After a rest it is half-open: one piece of work
    probes it. When that succeeds it is closed, and when not it rests twice as long.

    Whoever was allowed tells what came of it, with exactly one of `succeeded`, `failed` and
    `let_go`. ``now`` is seconds on any clock that only goes forward. One thread at a time.

    Args:
        failures: in a row, until it opens.
        rest_s: the first rest; each further one without a success between is twice as long.
        longest_rest_s: no rest is longer.
    """

    def __init__(
        self, failures: int = 2, rest_s: float = 2.0, longest_rest_s: float = 30.0
    ) -> None:
        self._failures = failures
        self._first_rest_s = rest_s
        self._longest_rest_s = longest_rest_s
        self._in_a_row = 0
        self._rest_s = rest_s
        self._rests_until: float | None = None
        self._probing = False

    def health(self, now: float) -> Health:
        """The state at ``now``."""
        if self._rests_until is None:
            return Health.CLOSED
        return Health.OPEN if now < self._rests_until else Health.HALF_OPEN

    def allows(self, now: float) -> bool:
        """Whether the engine may be given work now. A True is followed by what came of it."""
        health = self.health(now)
        if health is Health.CLOSED:
            return True
        if health is Health.OPEN or self._probing:
            return False
        self._probing = True
        return True

    def succeeded(self) -> None:
        """The engine did what it was asked."""
        self._in_a_row = 0
        self._rest_s = self._first_rest_s
        self._rests_until = None
        self._probing = False

    def failed(self, now: float) -> None:
        """It did not: no answer, a late one, or rubbish."""
        self._in_a_row += 1
        if self._rests_until is None:
            if self._in_a_row >= self._failures:
                self._rests_until = now + self._rest_s
        elif now >= self._rests_until:
            # Work begun before the rest may fail during it; only a failed probe lengthens it.
            self._rest_s = min(2 * self._rest_s, self._longest_rest_s)
            self._rests_until = now + self._rest_s
        self._probing = False

    def let_go(self) -> None:
        """Nothing is known: the work was dropped, or the engine was only busy with other work."""
        self._probing = False
