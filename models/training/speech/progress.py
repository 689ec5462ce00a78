"""Lines on standard error that say how far a step is."""

import sys
import time


def say(line: str) -> None:
    """Write a line with the time of day."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()
