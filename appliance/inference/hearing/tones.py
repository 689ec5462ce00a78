"""Sounds of the line that are no speech: keys, ringing and busy tones, music.

Whisper hears words in them. Silero's voice-activity model lets most of them pass it by, and what it
lets through is looked at here: speech never stays the same for long, tones and notes do.
"""

from collections.abc import Sequence

import numpy as np

from appliance.inference.protocols import RECOGNIZER_RATE_HZ, Samples

Span = tuple[int, int]
"""First and past-last sample."""

# Keys: ITU-T Q.23. A tone lasts 40 ms at least (Q.24), so two whole windows fit into it.
_ROWS_HZ = (697.0, 770.0, 852.0, 941.0)
_COLUMNS_HZ = (1209.0, 1336.0, 1477.0, 1633.0)
_KEY_WINDOW = RECOGNIZER_RATE_HZ * 24 // 1000
_KEY_HOP = RECOGNIZER_RATE_HZ * 8 // 1000
_KEY_SHARE = 0.8  # of all energy, in the two tones together
_KEY_TWIST = 0.08  # each tone's own share at least: 10 dB between the two
_KEY_WINDOWS = 3
_KEY_EDGE = RECOGNIZER_RATE_HZ * 15 // 1000

# Steadiness: how alike two spectra are that lie 64 ms apart.
_WINDOW = RECOGNIZER_RATE_HZ * 64 // 1000
_HOP = RECOGNIZER_RATE_HZ * 16 // 1000
_LAG = 4
_ALIKE = 0.95
_QUIET_DB = -25.0  # below the loudest window nothing is looked at
_BAND_HZ = (150, 3600)
_AROUND = RECOGNIZER_RATE_HZ // 5
# Share of a span's windows that are steady. Of 300 phrases by six synthetic voices none had more
# than 0.38; held notes and tones have nearly 1. People who drawl come closer than a synthesizer.
_STEADY = 0.8

# A moment that passes for speech amid music: short, no louder than what is around it, and that
# goes on steadily.
_MOMENT = RECOGNIZER_RATE_HZ * 6 // 10
_SURROUNDINGS = RECOGNIZER_RATE_HZ * 2
_SURROUNDED_STEADY = 0.1
_SURROUNDED_DB = -8.0


def without_keys(samples: Samples) -> Samples:
    """The same audio, silent where a key's tones sound and nothing else does."""
    windows = _windows(samples, _KEY_WINDOW, _KEY_HOP)
    if not len(windows):
        return samples
    time = np.arange(_KEY_WINDOW) / RECOGNIZER_RATE_HZ
    shape = np.hanning(_KEY_WINDOW)
    waves = np.exp(-2j * np.pi * np.outer(time, _ROWS_HZ + _COLUMNS_HZ)) * shape[:, None]
    lines = np.abs(windows @ waves) ** 2
    # Of a pure tone of energy 1 a window sees this much; so shares add up to 1.
    seen = np.sum(shape) ** 2 / (2 * np.sum(shape**2))
    energy = np.square(windows * shape).sum(axis=1) * seen + 1e-9
    row, column = lines[:, :4].max(axis=1) / energy, lines[:, 4:].max(axis=1) / energy
    found = (row + column > _KEY_SHARE) & (np.minimum(row, column) > _KEY_TWIST)
    out = samples
    for start, end in _runs(found, _KEY_WINDOWS):
        if out is samples:
            out = samples.copy()
        first = max(0, start * _KEY_HOP - _KEY_EDGE)
        out[first : (end - 1) * _KEY_HOP + _KEY_WINDOW + _KEY_EDGE] = 0
    return out


def spoken(samples: Samples, spans: Sequence[Span]) -> list[Span]:
    """The spans that are not tones or music.

    Args:
        spans: what passed for speech, in order.
    """
    return [span for span in spans if not _toned(samples, span, spans)]


def _toned(samples: Samples, span: Span, spans: Sequence[Span]) -> bool:
    start, end = span
    steady = _steadiness(samples[max(0, start - _AROUND) : end + _AROUND])
    if steady >= _STEADY:
        return True
    return end - start < _MOMENT and _amid_music(samples, span, spans)


def _amid_music(samples: Samples, span: Span, spans: Sequence[Span]) -> bool:
    begin, stop = max(0, span[0] - _SURROUNDINGS), min(len(samples), span[1] + _SURROUNDINGS)
    outside = np.ones(stop - begin, dtype=bool)
    for start, end in spans:
        outside[max(0, start - begin) : max(0, end - begin)] = False
    around = samples[begin:stop][outside]
    if len(around) < _WINDOW:
        return False
    inside = samples[span[0] : span[1]]
    quieter_db = 10 * np.log10((np.mean(around**2) + 1e-10) / (np.mean(inside**2) + 1e-10))
    return bool(quieter_db > _SURROUNDED_DB) and _steadiness(around) > _SURROUNDED_STEADY


def _steadiness(samples: Samples) -> float:
    """The share of loud windows whose spectrum is there again 64 ms later."""
    windows = _windows(samples, _WINDOW, _HOP)
    if len(windows) <= _LAG:
        return 0.0
    low, high = (hz * _WINDOW // RECOGNIZER_RATE_HZ for hz in _BAND_HZ)
    spectra = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), axis=1))[:, low:high]
    norms = np.sqrt(np.square(spectra).sum(axis=1)) + 1e-9
    loud = norms > norms.max() * 10 ** (_QUIET_DB / 20)
    both = loud[:-_LAG] & loud[_LAG:]
    if not both.any():
        return 0.0
    unit = spectra / norms[:, None]
    alike = (unit[:-_LAG] * unit[_LAG:]).sum(axis=1)
    return float(np.mean(alike[both] > _ALIKE))


def _windows(samples: Samples, size: int, hop: int) -> Samples:
    if len(samples) < size:
        return np.zeros((0, size), dtype=np.float32)
    return np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]


def _runs(found: np.ndarray, shortest: int) -> list[Span]:
    """Where at least ``shortest`` neighbours are true, as (first, past-last)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], found, [False])).astype(np.int8)))
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [(int(start), int(end)) for start, end in pairs if end - start >= shortest]
