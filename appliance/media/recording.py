"""The stereo recording of a conversation: the caller left, the appliance right.

It covers the time the caller talks with the appliance. While the caller is bridged to a person no
audio passes here, and nobody records what they say.
"""

import logging
import os
from collections import deque
from pathlib import Path
from typing import Final

import gevent
from gevent.event import AsyncResult

from appliance.media import wav
from appliance.media.pcm import FRAME_MS, SAMPLE_BYTES, frame_bytes, silent_frame, stereo

_log = logging.getLogger(__name__)

_CHANNELS: Final = 2
_BLOCK_FRAMES: Final = 1000 // FRAME_MS
_WAITING_BLOCKS: Final = 5
_SKEW_FRAMES: Final = 25
_CLOSE_S: Final = 2.0


class StereoRecorder:
    """Writes a WAV file a second at a time from the thread pool, so that no disk holds up a call.

    After every second the header is brought up to date: what was written stays playable after a
    kill -9. When a write fails (a full disk) or the disk lags by more than five seconds, that
    second is left out as silence of the same length and recording goes on; ``lost_ms`` counts it.

    Attributes:
        path: the file; a number is added when the name is taken, as after a take-over.
    """

    def __init__(self, path: Path, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._silence = silent_frame(rate_hz)
        self._left: deque[bytes | None] = deque()
        self._right: deque[bytes | None] = deque()
        self._offset = wav.HEADER_BYTES
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._writing: AsyncResult | None = None
        self._failed = False
        self.lost_ms = 0
        self.path, file = _create(path)
        self._file: int | None = file

    def left(self, frame: bytes | None) -> None:
        """What the caller said in the next 20 ms; None for nothing."""
        self._left.append(frame)
        if len(self._left) >= _BLOCK_FRAMES:
            self._pair()

    def right(self, frame: bytes | None) -> None:
        """What was played to the caller in the next 20 ms; None for silence."""
        self._right.append(frame)
        if len(self._right) >= _BLOCK_FRAMES:
            self._pair()

    def close(self) -> None:
        """Write what is left, waiting for the disk for two seconds at most."""
        if self._file is None:
            return
        while frames := max(len(self._left), len(self._right)):
            self._write_block(min(frames, _BLOCK_FRAMES))
        with gevent.Timeout(_CLOSE_S, False):
            while self._writing is not None:
                self._writing.wait()
                self._write_next()
        file, self._file = self._file, None
        if self._writing is None:
            os.close(file)
        else:  # a write hangs: its descriptor is closed when it returns, not under it
            self._lose(sum(len(data) for _, data in self._waiting))
            self._writing.rawlink(lambda _: os.close(file))

    def _pair(self) -> None:
        """Write a second when both sides have it.

        Both sides run on the same clock; one may be a little ahead of the other, and where it is
        more than that, what the other lacks is silence.
        """
        behind, ahead = sorted((len(self._left), len(self._right)))
        if behind >= _BLOCK_FRAMES or ahead >= _BLOCK_FRAMES + _SKEW_FRAMES:
            self._write_block(_BLOCK_FRAMES)

    def _write_block(self, frames: int) -> None:
        """Put the next ``frames`` of both sides together and hand them to the disk.

        Once a second rather than with every frame, which saves most of the work of it.
        """
        sides = [self._taken(side, frames) for side in (self._left, self._right)]
        if self._file is None:
            return
        if len(self._waiting) >= _WAITING_BLOCKS:
            _, data = self._waiting.popleft()
            self._lose(len(data))
        self._waiting.append((self._offset, stereo(*sides)))
        self._offset += frames * frame_bytes(self._rate_hz) * _CHANNELS
        self._write_next()

    def _taken(self, side: deque[bytes | None], frames: int) -> bytes:
        taken = [side.popleft() if side else None for _ in range(frames)]
        return b"".join([frame or self._silence for frame in taken])

    def _write_next(self) -> None:
        """One write at a time, in order."""
        if self._writing is not None:
            if not self._writing.ready():
                return
            self._tell(self._writing.get())
            self._writing = None
        if self._waiting and self._file is not None:
            offset, data = self._waiting.popleft()
            pool = gevent.get_hub().threadpool
            self._writing = pool.spawn(self._write, self._file, offset, data)

    def _write(self, file: int, offset: int, data: bytes) -> OSError | None:
        """Runs in a thread: data first, then the header that counts it in; what went wrong."""
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(file, data[written:], offset + written)
            end = offset + len(data) - wav.HEADER_BYTES
            os.pwrite(file, wav.header(self._rate_hz, _CHANNELS, end), 0)
        except OSError as error:
            self._lose(len(data))
            return error
        return None

    def _tell(self, error: OSError | None) -> None:
        """Log the first failure, from a greenlet of the call's."""
        if error is not None and not self._failed:
            self._failed = True
            _log.warning("recording %s: %s; the call goes on", self.path, error)

    def _lose(self, size: int) -> None:
        self.lost_ms += size * 1000 // (self._rate_hz * _CHANNELS * SAMPLE_BYTES)


def _create(path: Path) -> tuple[Path, int]:
    """Create a file that did not exist; readable for the owner's group, as backups want it.

    Raises:
        OSError: when the directory cannot be written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        free = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        try:
            return free, os.open(free, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        except FileExistsError:
            continue
    raise FileExistsError(f"{path}: a thousand recordings have this name")
