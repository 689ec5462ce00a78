"""Recordings: where those of a call are, how loud they are over time, and who looked lately.

A request names a call and perhaps a part of it, never a file. The file is the one that a controller
recorded for it, and only if it lies in the folder of recordings.
"""

import contextlib
import re
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from aiohttp import web

from appliance.admin.services import SERVICES
from appliance.events.reader import RecordingRecord
from appliance.media import wav
from appliance.media.pcm import SAMPLE_BYTES

BINS = 480
_KEPT = 128
_BLOCK_FRAMES = 1 << 16
_SAME_LOOK_S = 600.0
_LOOKS = 4096
_CHANNELS = 2
_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.wav")


@dataclass(frozen=True, slots=True)
class Waveform:
    """How loud each side was: the peak of each of ``BINS`` equal stretches, 0 to 1."""

    duration_ms: int
    caller: tuple[float, ...]
    appliance: tuple[float, ...]


class Recordings:
    """The folder of recordings. Safe to use from several threads.

    Args:
        root: the settings' folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._waveforms: OrderedDict[tuple[str, int, int], Waveform] = OrderedDict()
        self._looks: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, recorded: str) -> Path | None:
        """The file of a recording as the call's record names it; None when it is not there.

        Controllers may see the folder under another name, so the day and the file are enough.
        """
        parts = Path(recorded).parts
        candidates = [Path(recorded)]
        if len(parts) >= 2 and _FOLDER.fullmatch(parts[-2]) and _FILE.fullmatch(parts[-1]):
            candidates.append(self._root / parts[-2] / parts[-1])
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            root = self._root.resolve(strict=True)
            for candidate in candidates:
                found = candidate.resolve()
                if found.suffix == ".wav" and found.is_relative_to(root) and found.is_file():
                    return found
        return None

    def heard(self, recorded: Sequence[RecordingRecord]) -> list[tuple[RecordingRecord, Waveform]]:
        """Those of a call's recordings that can be listened to, and how loud each is."""
        found = [(one, self.find(one.path)) for one in recorded]
        measured = [(one, self.waveform(path)) for one, path in found if path is not None]
        return [(one, sound) for one, sound in measured if sound is not None]

    def waveform(self, path: Path) -> Waveform | None:
        """How loud a recording is; None when it is no stereo recording of ours.

        Read once, a block at a time, and kept until the file grows.
        """
        try:
            status = path.stat()
            key = (str(path), status.st_size, status.st_mtime_ns)
            with self._lock:
                if key in self._waveforms:
                    self._waveforms.move_to_end(key)
                    return self._waveforms[key]
            found = _measured(path)
        except OSError:
            return None
        if found is not None:
            with self._lock:
                self._waveforms[key] = found
                while len(self._waveforms) > _KEPT:
                    self._waveforms.popitem(last=False)
        return found

    def first_look(self, who: str, call_id: str, now_s: float) -> bool:
        """Whether this is a look of its own, and not the next piece of the same listening.

        A player asks for a recording in many pieces; ten minutes of them are one look.
        """
        with self._lock:
            last = self._looks.get((who, call_id))
            if last is not None and now_s - last < _SAME_LOOK_S:
                return False
            self._looks[who, call_id] = now_s
            self._looks.move_to_end((who, call_id))
            while len(self._looks) > _LOOKS:
                self._looks.popitem(last=False)
            return True


def _measured(path: Path) -> Waveform | None:
    """Raises: OSError."""
    with path.open("rb") as file:
        rate_hz = wav.stereo_rate(file.read(wav.HEADER_BYTES))
        if rate_hz is None:
            return None
        # What the header has not counted in yet can be heard already.
        data_bytes = path.stat().st_size - wav.HEADER_BYTES
        frames = data_bytes // (_CHANNELS * SAMPLE_BYTES)
        peaks = np.zeros((BINS, _CHANNELS))
        at = 0
        while at < frames:
            block = file.read(_BLOCK_FRAMES * _CHANNELS * SAMPLE_BYTES)
            samples = np.frombuffer(block, dtype="<i2", count=len(block) // 4 * 2)
            levels = np.abs(samples.reshape(-1, _CHANNELS).astype(np.int32))
            if not len(levels):
                break
            bins = np.arange(at, at + len(levels)) * BINS // frames
            np.maximum.at(peaks, np.minimum(bins, BINS - 1), levels)
            at += len(levels)
    sides = np.round(peaks / 32768, 3)
    return Waveform(
        frames * 1000 // rate_hz, tuple(sides[:, 0].tolist()), tuple(sides[:, 1].tolist())
    )


async def keeping_recordings(app: web.Application) -> AsyncIterator[None]:
    """What the application has of them."""
    app[RECORDINGS] = Recordings(app[SERVICES].config.recordings)
    yield


RECORDINGS: web.AppKey[Recordings] = web.AppKey("recordings", Recordings)
