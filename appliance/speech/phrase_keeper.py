"""Fixed phrases are spoken ahead, as soon as the server that speaks them is well, and anew when
another engine speaks there.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import gevent

from appliance.calls.errors import InferenceError
from appliance.inference.client import InferenceClient, InferenceRefusedError
from appliance.inference.work import Work, working_for
from appliance.speech.phrases import PhraseCache
from appliance.speech.synthesizer import HttpSynthesizer

RATES_HZ = (8000, 16000)
_HEALTH = "/health"
_HEALTH_S = 2.0
_VOICE = "voice"
_READY = "ready"
_LONGEST_NAME = 300
_LOOK_S = 1.0
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0


class PhraseKeeper:
    """Keeps one server's phrases complete.

    A server that still loads its voice may let another stand in for it. What that one speaks must
    not be kept, so nothing is asked for before the server says that its voice is ready, and only
    what that voice says is taken.

    Args:
        voice: what ``phrases`` are spoken by.
    """

    def __init__(
        self, phrases: PhraseCache, client: InferenceClient, voice: HttpSynthesizer,
        sleep: Callable[[float], object] = gevent.sleep,
    ) -> None:  # fmt: skip
        self.phrases = phrases
        self._client = client
        self._voice = voice
        self._sleep = sleep

    def keep(self, texts: Mapping[str, Iterable[str]], rates_hz: Sequence[int] = RATES_HZ) -> None:
        """Have all texts of each voice spoken and kept, and again whenever another engine speaks.

        What is missing is tried more and more seldom. Ends only with a server that does not say
        who speaks.

        Args:
            texts: by the voice that says them; an empty one is the server's own.
        """
        wanted = {voice: tuple(said) for voice, said in texts.items()}
        for said in wanted.values():
            self.phrases.declare(said)
        done: str | None = None
        pause_s = _FIRST_PAUSE_S
        while done != "":
            speaker = self._speaker()
            if speaker is not None and speaker != done:
                self.phrases.speaker = self._voice.speaker = speaker
                done = speaker if self._kept(wanted, rates_hz) else None
            if done is None:
                self._sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            elif done:
                pause_s = _FIRST_PAUSE_S
                self._sleep(_LOOK_S)

    def _kept(self, texts: Mapping[str, Sequence[str]], rates_hz: Sequence[int]) -> bool:
        missing = 0
        for voice, said in texts.items():
            with working_for(Work(voice=voice)):
                missing += sum(self.phrases.warm(said, rate_hz) for rate_hz in rates_hz)
        return missing == 0

    def _speaker(self) -> str | None:
        """Which engine speaks; None while it does not, empty when the server does not say."""
        try:
            return _speaker_of(self._client.get_json(_HEALTH, _HEALTH_S))
        except InferenceRefusedError:
            return ""
        except InferenceError:
            return None


def _speaker_of(health: Any) -> str | None:
    engines = health.get("engines") if isinstance(health, dict) else None
    voice = engines.get(_VOICE) if isinstance(engines, dict) else None
    if not isinstance(voice, dict):
        return ""
    return str(voice.get("engine", ""))[:_LONGEST_NAME] if voice.get("state") == _READY else None
