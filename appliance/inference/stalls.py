"""When an engine counts as stalled, and when it may be replaced. Pure: time is handed in."""

from collections import deque


class StallClock:
    """How long a worker has been at a request that nobody waits for any more.

    Time is counted only as it is looked at: after a stop of the whole process (a debugger, a
    suspended machine) every deadline has passed at once and no engine is to blame, so no single
    look adds more than ``longest_look_s``.
    """

    def __init__(self, longest_look_s: float = 0.5) -> None:
        self._longest_look_s = longest_look_s
        self._looked_at: float | None = None
        self._late_s = 0.0

    def begin(self) -> None:
        """The worker has begun or ended a request."""
        self._late_s = 0.0

    def look(self, deadline: float | None, now: float) -> float:
        """Seconds past the deadline; 0 while the worker is idle (``deadline`` None) or in time."""
        passed = 0.0 if self._looked_at is None else now - self._looked_at
        self._looked_at = now
        if deadline is None or now <= deadline:
            self._late_s = 0.0
        else:
            self._late_s += min(passed, now - deadline, self._longest_look_s)
        return self._late_s


class Replacements:
    """When a stalled engine may be replaced: at once, then after pauses that double.

    A thread that hangs cannot be ended, so each replacement may leave one behind with a model in
    its memory: there are at most ``most`` within ``window_s``, and never more than ``most`` threads
    left behind.

    Args:
        most: replacements within the window.
        first_pause_s: between the first and the second.
    """

    def __init__(self, most: int = 5, window_s: float = 600.0, first_pause_s: float = 1.0) -> None:
        self._most = most
        self._window_s = window_s
        self._first_pause_s = first_pause_s
        self._made: deque[float] = deque()
        self.total = 0

    def may(self, now: float, left_behind: int) -> bool:
        """Whether one may be made now; ``left_behind`` threads hang still."""
        return left_behind <= self._most and now >= self._earliest(now)

    def made(self, now: float) -> None:
        """One was made."""
        self._made.append(now)
        self.total += 1

    def _earliest(self, now: float) -> float:
        while self._made and now - self._made[0] >= self._window_s:
            self._made.popleft()
        if not self._made:
            return now
        if len(self._made) >= self._most:
            return self._made[0] + self._window_s
        return self._made[-1] + self._first_pause_s * 2.0 ** (len(self._made) - 1)
