"""What the database will never take, kept for people to look at."""

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from appliance.storage.blocking import call_blocking


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A line that was refused.

    Attributes:
        at: when it was set aside, ISO 8601 in UTC.
        reason: the database's own words.
        line: as it stood in the spool; bytes that are no UTF-8 are escaped.
    """

    at: str
    reason: str
    line: str


class DeadLetters:
    """A file of refused lines, beside the spools. Several processes may add to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()

    def add(self, line: bytes, reason: str) -> None:
        """Keep a line and why it was refused, on disk when this returns.

        Raises:
            OSError: the disk refuses; the line must then stay in the spool.
        """
        letter = {
            "at": datetime.now(UTC).isoformat(),
            "reason": reason,
            "line": line.decode("utf-8", "backslashreplace"),
        }
        data = json.dumps(letter).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        with self._lock:
            handle = os.open(self.path, flags, 0o600)
            try:
                os.write(handle, data)
                call_blocking(os.fsync, handle)
            finally:
                os.close(handle)

    def __iter__(self) -> Iterator[DeadLetter]:
        """Every letter, oldest first."""
        if not self.path.exists():
            return
        with self.path.open() as file:
            for text in file:
                yield DeadLetter(**json.loads(text))
