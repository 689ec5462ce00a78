"""What a baresip phone hears and says, read from the WAV files that it writes as it goes.

baresip's module sndfile dumps every decoded frame the moment it arrives (``...-dec.wav``) and every
frame the moment it is sent (``...-enc.wav``), so the growth of the files tells the time.
"""

import time
from collections.abc import Callable
from pathlib import Path

import gevent

from appliance.lab.hearing import Ear

_HEADER_BYTES = 44
_LOOK_EVERY_S = 0.005


class DumpReader:
    """Feeds ears from the newest pair of dump files in a directory, 5 ms after each frame at most.

    A new pair (a new call, or a re-negotiated codec) is followed as soon as it appears.
    """

    def __init__(
        self,
        directory: Path,
        heard: Callable[[int], Ear],
        spoken: Callable[[int], Ear],
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """``heard`` and ``spoken`` give the ear for a sample rate in Hz."""
        self._directory = directory
        self._now = now
        self._offsets: dict[Path, int] = {}
        self._ears: dict[Path, Ear] = {}
        self._kinds = {"dec": heard, "enc": spoken}
        self._greenlet = gevent.spawn(self._follow)
        self._greenlet.name = f"dump-reader-{directory.parent.name}"

    def close(self) -> None:
        """Read what is left and stop."""
        self._greenlet.kill()
        self._look()

    def _follow(self) -> None:
        looks = 0
        while True:
            if looks % 4 == 0:
                self._find()
            self._look()
            looks += 1
            gevent.sleep(_LOOK_EVERY_S)

    def _find(self) -> None:
        for path in self._directory.glob("dump-*.wav"):
            if path in self._offsets or path.stat().st_size < _HEADER_BYTES:
                continue
            with path.open("rb") as file:
                rate_hz = int.from_bytes(file.read(_HEADER_BYTES)[24:28], "little")
            ear_for = self._kinds.get(path.stem.rpartition("-")[2])
            if ear_for is not None and rate_hz:
                self._offsets[path] = _HEADER_BYTES
                self._ears[path] = ear_for(rate_hz)

    def _look(self) -> None:
        at = self._now()
        for path, offset in self._offsets.items():
            size = path.stat().st_size
            whole = (size - offset) // 2 * 2
            if whole <= 0:
                continue
            with path.open("rb") as file:
                file.seek(offset)
                self._ears[path].feed(file.read(whole), at)
            self._offsets[path] = offset + whole
