"""Is it speech? One answer a frame, quick and generous; one an utterance, strict.

The first stage is webrtcvad with a level gate over the line's own noise. It lets tones, music and
breath through, so nothing becomes a turn before a second stage, ``VoicedGate``, has looked at the
whole utterance. Whisper has a third before it, Silero's network, in the model server.
"""

from collections import deque
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.fft
import numpy.typing as npt
import webrtcvad

from appliance.media.pcm import QUIET_DB, SILENCE_DB, level_db, samples

Wave = npt.NDArray[np.float32]

_BLOCK_FRAMES: Final = 15
_BLOCKS: Final = 5
_UNKNOWN_FLOOR_DB: Final = -70.0


class HeardFrame(NamedTuple):
    """One frame judged. ``audible``: above the line's noise. ``speech``: and it sounds like it.

    Nothing is speech that is not audible.
    """

    level_db: float
    audible: bool
    speech: bool


class NoiseFloor:
    """The line's noise: the lowest level of the last 1.5 s.

    Speech always has gaps within that time; hum and hiss have none, so they become the floor.
    """

    def __init__(self) -> None:
        self._blocks: deque[float] = deque(maxlen=_BLOCKS)
        self._lowest = 0.0
        self._count = 0
        self._floor = _UNKNOWN_FLOOR_DB

    def update(self, level: float) -> float:
        """Take in one frame's level. Returns the floor in dB, at least -70."""
        self._lowest = min(self._lowest, level)
        self._count += 1
        if self._count == _BLOCK_FRAMES:
            self._blocks.append(self._lowest)
            self._floor = max(min(self._blocks), _UNKNOWN_FLOOR_DB)
            self._lowest, self._count = 0.0, 0
        elif level < self._floor:
            self._floor = max(level, _UNKNOWN_FLOOR_DB)
        return self._floor


class VoiceActivity:
    """The first stage, frame by frame.

    Args:
        rate_hz: 8000, 16000, 32000 or 48000.
        aggressiveness: webrtcvad's, 0 (generous) to 3 (strict).
        over_floor_db: how far above the noise speech must be.
        lowest_db: nothing below is speech, however quiet the line.
    """

    def __init__(
        self,
        rate_hz: int,
        *,
        aggressiveness: int = 2,
        over_floor_db: float = 8.0,
        lowest_db: float = QUIET_DB,
    ) -> None:
        self._rate_hz = rate_hz
        self._vad = webrtcvad.Vad(aggressiveness)
        self._floor = NoiseFloor()
        self._over_floor_db = over_floor_db
        self._lowest_db = lowest_db

    def frame(self, pcm: bytes | None) -> HeardFrame:
        """Judge one 20 ms frame; None is one that did not come, and says nothing of the noise."""
        if pcm is None:
            return HeardFrame(SILENCE_DB, audible=False, speech=False)
        level = level_db(pcm)
        floor = self._floor.update(level)
        voiced = self._vad.is_speech(pcm, self._rate_hz)
        audible = level >= max(floor + self._over_floor_db, self._lowest_db)
        return HeardFrame(level, audible, audible and voiced)


def narrow_band(pcm: bytes, rate_hz: int) -> Wave:
    """``pcm`` at 8 kHz, which is enough to recognise a voice by."""
    wave = samples(pcm).astype(np.float32)
    step = rate_hz // 8000
    if step == 1:
        return wave
    # Much quicker than a mean over such short rows.
    return wave[: len(wave) // step * step].reshape(-1, step) @ np.full(step, 1 / step, np.float32)


class UtteranceGate(Protocol):
    """The second stage: was there speech in this utterance?"""

    def is_speech(self, pcm: bytes, rate_hz: int) -> bool:
        """Judge 16-bit mono ``pcm``."""
        ...


_WINDOW: Final = 320
_HOP: Final = 160
_PITCH_LAGS: Final = np.arange(20, 115)
"""Periods of 70 to 400 Hz at 8 kHz."""
_CORRELATED: Final = 512
"""A window and the longest lag fit in, so that none of these lags wraps around."""


class VoicedGate:
    """Tells speech from tones, hum, music and breath by how voices are made. About 1 ms.

    Speech has voiced sounds (a pitch of 70 to 400 Hz) in it, which breath and noise have not; its
    level moves, which a hum's does not; and its spectrum keeps changing, which that of a held note
    does not. Limits are set between espeak-ng speech (median change of spectrum at least 0.09) and
    synthetic notes and chords (0.002 at most).
    """

    steady_db = 1.2
    least_flux = 0.015
    least_voiced = 3
    least_voiced_share = 0.15
    longest_ms = 3000
    most_windows = 40

    def is_speech(self, pcm: bytes, rate_hz: int) -> bool:
        """Judge the last three seconds of an utterance."""
        windows, levels = _windows(pcm[-rate_hz // 1000 * 2 * self.longest_ms :], rate_hz)
        active = levels >= levels.max(initial=SILENCE_DB) - 20
        if active.sum() < self.least_voiced or levels.max() <= SILENCE_DB:
            return False
        first, *_, last = np.flatnonzero(active)
        if last - first >= 7 and float(np.std(levels[first : last + 1])) < self.steady_db:
            return False
        some = windows[active][:: max(int(active.sum()) // self.most_windows, 1)]
        voiced = int((_periodicity(some) > 0.6).sum())
        if voiced < max(self.least_voiced, self.least_voiced_share * len(some)):
            return False
        return _flux(windows[active]) >= self.least_flux


def _windows(pcm: bytes, rate_hz: int) -> tuple[Wave, Wave]:
    """Overlapping windows of 40 ms at 8 kHz, and their levels in dB."""
    wave = narrow_band(pcm, rate_hz)
    if len(wave) < _WINDOW:
        wave = np.pad(wave, (0, _WINDOW - len(wave)))
    windows = np.lib.stride_tricks.sliding_window_view(wave, _WINDOW)[::_HOP]
    power = np.square(windows).mean(axis=1) / 32768.0**2
    return windows, (10 * np.log10(power + 1e-10)).astype(np.float32)


def _periodicity(windows: Wave) -> Wave:
    """The highest autocorrelation of each window within the range of voices, 0 to 1."""
    spectra = np.fft.rfft(windows, _CORRELATED)
    correlation = np.fft.irfft(np.square(np.abs(spectra)))[:, _PITCH_LAGS]
    energy = np.cumsum(np.square(windows), axis=1)
    head = energy[:, _WINDOW - _PITCH_LAGS - 1]
    tail = energy[:, -1:] - energy[:, _PITCH_LAGS - 1]
    peaks = (correlation / np.sqrt(head * tail + 1.0)).max(axis=1)
    return np.asarray(peaks, dtype=np.float32)


def _flux(windows: Wave) -> float:
    """How much the spectrum changes from window to window: 0 not at all, 1 entirely; median."""
    spectra = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), 512))
    spectra /= np.linalg.norm(spectra, axis=1, keepdims=True) + 1e-9
    if len(spectra) < 2:
        return 1.0
    changes = np.sort(1 - np.sum(spectra[1:] * spectra[:-1], axis=1))
    return float(changes[len(changes) // 2])  # np.median would first import numpy.ma: 70 ms
