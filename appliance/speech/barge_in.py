"""Is the caller interrupting, or is it our own voice coming back?

A speakerphone returns what it plays, delayed by up to 300 ms and some decibels lower, coloured by
the room. Two tests tell that from a person: a quick one a frame, by level, once the line's echo is
known; and a sure one an utterance, by coherence: how much of what was heard is a filtered copy of
what was played.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from appliance.media.pcm import FRAME_MS, SILENCE_DB, level_db, silent_frame
from appliance.speech.voice_activity import narrow_band

Wave = npt.NDArray[np.float32]

ECHO_DELAY_MS: Final = 300
_DELAY_FRAMES: Final = ECHO_DELAY_MS // FRAME_MS
_HEARD_FRAMES: Final = 40
_LEAST_FRAMES: Final = 8
_ANY_DELAY: Final = (0, _DELAY_FRAMES)
_REVERBERATION_FRAMES: Final = 3
_SEGMENT: Final = 512
_UNKNOWN_GAIN_DB: Final = -25.0
_HIGHEST_GAIN_DB: Final = -3.0
_MARGIN_DB: Final = 3.0
_ECHO_SHARE: Final = 0.6
"""Measured on 160 to 800 ms of espeak-ng speech: echoes of a small room 0.75 and more, other speech
half the time under 0.4 (160 ms) or 0.1 (800 ms), speech over an echo 10 dB weaker between."""


@dataclass(frozen=True, slots=True)
class BargeInRules:
    """When speech during playback interrupts it.

    Attributes:
        speech_ms: so much speech interrupts.
        loud_speech_ms: so much is enough when it is loud, as someone who really means it is.
        loud_db: a frame at or above this level is loud; ordinary telephone speech peaks at -20 dB.
        guard_ms: nothing interrupts within this time after our own speech began: the echo
            canceller of the caller's phone needs it to settle.
    """

    speech_ms: int = 500
    loud_speech_ms: int = 300
    loud_db: float = -14.0
    guard_ms: int = 200

    def interrupts(self, speech_ms: int, peak_db: float, playing_ms: int) -> bool:
        """Whether ``speech_ms`` of speech over ``playing_ms`` of playback is an interruption."""
        if playing_ms < self.guard_ms:
            return False
        return speech_ms >= (self.loud_speech_ms if peak_db >= self.loud_db else self.speech_ms)

    def least_wait_ms(self, speech_ms: int, peak_db: float, playing_ms: int) -> int:
        """How much more speech and playback it takes, if what comes is as loud as it needs be."""
        enough_ms = self.loud_speech_ms
        if peak_db < self.loud_db:
            enough_ms = min(enough_ms, self.speech_ms)
        return max(enough_ms - speech_ms, self.guard_ms - playing_ms)


class EchoWatch:
    """Remembers what was played and heard of late, and says what is an echo.

    Driven by :meth:`frame` once per 20 ms. It keeps 1.1 s of either side.

    Attributes:
        playing: something is being played in this frame.
        playing_ms: how long playback has gone on.
        gain_db: the line's echo, relative to what was played; -25 until one was heard.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._silence = silent_frame(rate_hz)
        self._heard: deque[bytes] = deque(maxlen=_HEARD_FRAMES)
        self._played: deque[bytes | None] = deque(maxlen=_HEARD_FRAMES + _DELAY_FRAMES)
        self._unmeasured: deque[bytes | None] = deque(maxlen=_HEARD_FRAMES + _DELAY_FRAMES)
        self._heard_db: deque[float] = deque(maxlen=_HEARD_FRAMES)
        self._played_db: deque[float] = deque(maxlen=_HEARD_FRAMES + _DELAY_FRAMES)
        self._delays = _ANY_DELAY
        self._quiet_frames = _DELAY_FRAMES
        self.playing = False
        self.playing_ms = 0
        self.gain_db = _UNKNOWN_GAIN_DB

    @property
    def lingering(self) -> bool:
        """Something was played within the last 300 ms, so an echo may still arrive."""
        return self._quiet_frames < _DELAY_FRAMES

    def frame(self, heard: bytes | None, heard_db: float, played: bytes | None) -> None:
        """Take in 20 ms of both sides; None is silence."""
        self.playing = played is not None
        self._heard.append(heard or self._silence)
        self._heard_db.append(heard_db)
        self._played.append(played)
        self._unmeasured.append(played)
        if played is not None:
            self._quiet_frames = 0
            self.playing_ms += FRAME_MS
        elif self.lingering:
            self._quiet_frames += 1
        else:
            self.playing_ms = 0

    def _source_db(self, ago: int) -> float:
        """The loudest of what the frame heard ``ago`` frames before the last may be an echo of.

        What was played is measured only here: nobody asks while the caller is silent.
        """
        self._played_db.extend(
            SILENCE_DB if played is None else level_db(played) for played in self._unmeasured
        )
        self._unmeasured.clear()
        end = len(self._played_db) - ago
        first, last = self._delays
        return max(islice(self._played_db, max(end - 1 - last, 0), end - first), default=SILENCE_DB)

    def explains(self, heard_db: float) -> bool:
        """The quick test: the frame is no louder than the echo of what was just played."""
        return self.lingering and heard_db <= self._source_db(0) + self.gain_db + _MARGIN_DB

    def is_echo(self, heard_ms: int) -> bool:
        """The sure test, on the last ``heard_ms`` (0.8 s at most). An echo is learnt from.

        Takes some 0.5 ms, so it is for the moment of a decision. Less than 160 ms cannot be
        judged and is taken for an echo.
        """
        frames = min(heard_ms // FRAME_MS, len(self._heard))
        if frames < _LEAST_FRAMES:
            return True
        heard = self._wave(list(self._heard)[-frames:])
        played = self._wave(list(self._played)[-(frames + _DELAY_FRAMES) :])
        share, delay = echo_share(heard, played)
        if share < _ECHO_SHARE:
            return False
        self._learn(frames, delay // (8 * FRAME_MS))
        return True

    def _learn(self, frames: int, delay: int) -> None:
        """Keep how late the echo comes and how loud it is, for the quick test."""
        known = self._delays != _ANY_DELAY
        self._delays = (max(delay - 1, 0), min(delay + _REVERBERATION_FRAMES, _DELAY_FRAMES))
        heard_db = list(self._heard_db)[-frames:]
        over = sorted(
            level - self._source_db(frames - 1 - index) for index, level in enumerate(heard_db)
        )
        loudest = over[int(len(over) * 0.9)]
        self.gain_db = min(max(self.gain_db, loudest) if known else loudest, _HIGHEST_GAIN_DB)

    def _wave(self, frames: Sequence[bytes | None]) -> Wave:
        return narrow_band(b"".join(frame or self._silence for frame in frames), self._rate_hz)


def echo_share(heard: Wave, played: Wave) -> tuple[float, int]:
    """Which share of ``heard``'s energy is a filtered copy of ``played``. At 8 kHz.

    Args:
        heard: the last N samples from the caller.
        played: the samples sent up to the same moment, reaching further back than ``heard`` by
            the longest delay that is looked for.

    The two are aligned by cross-correlation; then the coherence over 64 ms segments, weighted by
    the energy heard, allows for a room's colouring. Unrelated speech yields about one over the
    number of segments.

    Returns:
        The share, 0 to 1, and the delay at which it was found, in samples.
    """
    reach = len(played) - len(heard)
    if reach <= 0 or not heard.any() or not played.any():
        return 0.0, 0
    size = 1 << (len(heard) + len(played) - 1).bit_length()
    product = np.fft.rfft(played, size) * np.conj(np.fft.rfft(heard, size))
    matches = np.abs(np.fft.irfft(product, size)[: reach + 1])
    energy = np.concatenate([[0.0], np.cumsum(np.square(played, dtype=np.float64))])
    windows = energy[len(heard) :] - energy[: reach + 1]
    offset = int(np.argmax(matches / np.sqrt(windows + energy[-1] * 0.01)))
    return _coherent_share(heard, played[offset : offset + len(heard)]), reach - offset


def _coherent_share(heard: Wave, source: Wave) -> float:
    if len(heard) < _SEGMENT:
        return 0.0
    window = np.hanning(_SEGMENT).astype(np.float32)
    views = [
        np.lib.stride_tricks.sliding_window_view(wave, _SEGMENT)[:: _SEGMENT // 2] * window
        for wave in (heard, source)
    ]
    ours, theirs = np.fft.rfft(views[1]), np.fft.rfft(views[0])
    cross = np.abs((theirs * np.conj(ours)).sum(axis=0)) ** 2
    power_heard = np.square(np.abs(theirs)).sum(axis=0)
    power_played = np.square(np.abs(ours)).sum(axis=0)
    explained = cross / (power_played + 1e-6)
    return float(min(explained.sum() / (power_heard.sum() + 1e-6), 1.0))
