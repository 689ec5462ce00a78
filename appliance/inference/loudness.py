"""One loudness for every voice.

A voice is measured once, on a sentence of its own, and from then on has one fixed gain. Nothing
follows the signal, so nothing pumps, and a reply can leave piece by piece.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable

import numpy as np
import soxr

from appliance.inference.protocols import Samples, SpeechPiece

TARGET_DBOV = -23.0
"""Active speech level; 0 dBov is the power of a full-scale square wave. Some -17 dBm0, inside the
-16 to -22 dBm0 that telephone announcements keep to, with room for the peaks of speech."""

SAMPLE = (
    "The new boat sailed past our harbour, while people watched it from the sunny shore. "
    "Good morning. One moment please, I will put you through to somebody who can help you."
)
"""What a voice is measured on: the sounds of English, loud and soft, and what is mostly said. On
the first sentence alone the starter voice came out 0.7 dB too loud on average."""

_RATE_HZ = 8000  # the callers' band is what counts
_MOST_GAIN_DB = 18.0
_MOST_VOICES = 64

# ITU-T P.56, method B, on blocks of 5 ms instead of samples.
_BLOCK_MS = 5
_TIME_CONSTANT_MS = 30.0
_HANGOVER_BLOCKS = 200 // _BLOCK_MS
_MARGIN_DB = 15.9
_THRESHOLDS_DB = tuple(20 * math.log10(2.0**-step) for step in range(15, 0, -1))

_KNEE = 0.7
_CEILING = 0.95


def active_level_dbov(samples: Samples, rate_hz: int) -> float:
    """The level of speech without its pauses, after ITU-T P.56; -100 for silence.

    Blocks of 5 ms stand in for samples; on speech that is within 0.2 dB.
    """
    size = rate_hz * _BLOCK_MS // 1000
    blocks = samples[: len(samples) // size * size].astype(np.float64).reshape(-1, size)
    energies = np.square(blocks).sum(axis=1)
    total = float(energies.sum())
    if total <= 0:
        return -100.0
    envelope_db = 20 * np.log10(_envelope(np.abs(blocks).mean(axis=1).astype(np.float32)) + 1e-10)
    last_level = last_excess = 0.0
    for threshold_db in _THRESHOLDS_DB:
        active = _active_blocks(envelope_db >= threshold_db)
        if not active:
            break
        level = 10 * math.log10(total / (active * size))
        excess = level - threshold_db - _MARGIN_DB
        if excess <= 0:
            if last_excess <= 0:
                return level
            share = last_excess / (last_excess - excess)
            return last_level + share * (level - last_level)
        last_level, last_excess = level, excess
    return last_level or 10 * math.log10(total / samples.size)


def _envelope(means: Samples) -> Samples:
    decay = math.exp(-_BLOCK_MS / _TIME_CONSTANT_MS)
    smooth = twice = 0.0
    out = np.empty(len(means), dtype=np.float32)
    for number, mean in enumerate(means):
        smooth = decay * smooth + (1 - decay) * float(mean)
        twice = decay * twice + (1 - decay) * smooth
        out[number] = twice
    return out


def _active_blocks(above: np.ndarray) -> int:
    """Blocks above the threshold, and those that hang over after them."""
    count = hangover = 0
    for over in above:
        hangover = _HANGOVER_BLOCKS if over else max(0, hangover - 1)
        count += bool(over) or hangover > 0
    return count


class VoiceGains:
    """What each voice of an engine is multiplied with; a voice is measured when first asked for."""

    def __init__(self) -> None:
        self._gains: OrderedDict[str, float] = OrderedDict()

    def gain(self, voice: str, speak: Callable[[str], Iterable[SpeechPiece]]) -> float:
        """The factor for a voice.

        Args:
            speak: says a text with that voice, unaltered.
        """
        known = self._gains.get(voice)
        if known is None:
            known = gain_of(speak(SAMPLE))
            self._gains[voice] = known
        self._gains.move_to_end(voice)
        while len(self._gains) > _MOST_VOICES:
            self._gains.popitem(last=False)
        return known


def gain_of(pieces: Iterable[SpeechPiece]) -> float:
    """The factor that brings this speech to `TARGET_DBOV`, at most 18 dB up; 1 for silence."""
    heard = [
        soxr.resample(np.frombuffer(p.pcm, "<i2").astype(np.float32) / 32768, p.rate_hz, _RATE_HZ)
        for p in pieces
        if p.pcm
    ]
    level = active_level_dbov(np.concatenate(heard), _RATE_HZ) if heard else -100.0
    if level <= -90:
        return 1.0
    gain_db = min(_MOST_GAIN_DB, TARGET_DBOV - level)
    return float(10 ** (gain_db / 20))


def amplified(samples: Samples, gain: float) -> Samples:
    """Samples times ``gain``; what would come close to clipping is bent instead."""
    loud = samples * gain
    over = np.abs(loud) > _KNEE
    if over.any():
        room = _CEILING - _KNEE
        peaks = loud[over]
        bent = _KNEE + room * np.tanh((np.abs(peaks) - _KNEE) / room)
        loud[over] = np.sign(peaks) * bent
    return loud
