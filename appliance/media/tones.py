"""Call progress tones, made where they are needed. Levels and cadences follow ETSI TR 101 041."""

from collections.abc import Iterator

import numpy as np

_RINGBACK_HZ = 425
_RINGBACK_ON_S = 1.0
# ETSI's pause is 4 s; 3 s keeps the caller's longest silence under what feels like a dead line.
RINGBACK_OFF_S = 3.0
_LEVEL = 0.12  # of full scale: about -18 dB, quieter than speech
_FADE_S = 0.01


def ringback(rate_hz: int) -> Iterator[bytes]:
    """The tone a caller hears while a phone rings, without end.

    Yields:
        One period at a time, 16-bit mono at ``rate_hz``.
    """
    count = round(rate_hz * _RINGBACK_ON_S)
    tone = _LEVEL * np.sin(2 * np.pi * _RINGBACK_HZ * np.arange(count) / rate_hz)
    fade = np.minimum(1.0, np.arange(count) / (rate_hz * _FADE_S))
    shaped = (tone * fade * fade[::-1] * 32767).astype("<i2").tobytes()
    period = shaped + bytes(2 * round(rate_hz * RINGBACK_OFF_S))
    while True:
        yield period
