"""What is said of the disk's room."""

import re

import pytest

from appliance.admin.disks import Disk
from appliance.admin.health import State, disk_part

_MB = 1024**2


@pytest.mark.parametrize(
    ("free", "state", "words"),
    [
        (50_000 * _MB, State.OK, "48.8 GB are free."),
        (512 * _MB, State.DEGRADED, "Only 0.5 GB are free for recordings"),
        (_MB, State.DOWN, "is full.*make room"),
        (0, State.DOWN, "is full"),
    ],
)
def test_room_in_words(free: int, state: State, words: str) -> None:
    disks = (Disk("recordings", free, 100_000 * _MB), Disk("spool", 10**12, 10**12))
    part = disk_part(disks)
    assert part.state is state
    assert re.search(words, part.words)
