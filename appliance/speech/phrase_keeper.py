"""Fixed phrases are spoken ahead, as soon as the server that speaks them is well."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import gevent

from appliance.calls.errors import InferenceError
from appliance.inference.client import InferenceClient, InferenceRefusedError
from appliance.speech.phrases import PhraseCache

RATES_HZ = (8000, 16000)
_HEALTH = "/health"
_HEALTH_S = 2.0
_VOICE = "voice"
_READY = "ready"
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0


class PhraseKeeper:
    """Keeps one voice's phrases complete.

    A server that still loads its voice may let another stand in for it. What that one speaks must
    not be kept, so nothing is asked for before the server says that its voice is ready.
    """

    def __init__(
        self, phrases: PhraseCache, client: InferenceClient,
        sleep: Callable[[float], object] = gevent.sleep,
    ) -> None:  # fmt: skip
        self.phrases = phrases
        self._client = client
        self._sleep = sleep

    def keep(self, texts: Iterable[str], rates_hz: Sequence[int] = RATES_HZ) -> None:
        """Have all texts spoken and kept; tries until it is done, more and more seldom."""
        wanted = tuple(texts)
        self.phrases.declare(wanted)
        pause_s = _FIRST_PAUSE_S
        while not (self._well() and self._kept(wanted, rates_hz)):
            self._sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _kept(self, texts: Sequence[str], rates_hz: Sequence[int]) -> bool:
        return sum(self.phrases.warm(texts, rate_hz) for rate_hz in rates_hz) == 0

    def _well(self) -> bool:
        """Whether the voice itself speaks; a server that is not ours cannot be asked."""
        try:
            return _voice_ready(self._client.get_json(_HEALTH, _HEALTH_S))
        except InferenceRefusedError:
            return True
        except InferenceError:
            return False


def _voice_ready(health: Any) -> bool:
    if not isinstance(health, dict):
        return True
    engines = health.get("engines")
    voice = engines.get(_VOICE) if isinstance(engines, dict) else None
    return not isinstance(voice, dict) or voice.get("state") == _READY
