"""Whether PCM can be the speech that was asked for. A voice that broke makes silence or noise.

What is judged is what has come so far, so that a caller hears little of the rubbish or none; what
can only be known at the end (too little speech for the text) is said at the end. No clock: times
are of audio.
"""

import numpy as np
import numpy.typing as npt

from appliance.calls.errors import InferenceError
from appliance.media.pcm import SAMPLE_BYTES

# Measured on six voices of espeak-ng: 78 to 106 ms a letter, up to 590 ms a digit.
_LONGEST_MS_PER_CHARACTER = 400  # what is spelled, such as an address, takes as long
_SHORTEST_MS_PER_CHARACTER = 20
_MS_PER_DIGIT = 900
_ALWAYS_MS = 2500
_JUDGED_FROM_CHARACTERS = 20

# As loud as this is heard at all: 40 dB under full scale.
_AUDIBLE = 300
_LONGEST_SILENCE_MS = 1500
_CLIPPED = 32000
_CLIPPED_SHARE = 0.05
_CLIPPED_WINDOW_MS = 100
# Speech has its power in a few bands, noise in all: the geometric mean of the bands against the
# arithmetic. Measured at 8 kHz: white noise 0.97, voices at most 0.32, a whispering one 0.53.
_NOISE_WINDOW_MS = 600
_NOISE_FLATNESS = 0.7
_BANDS_SAMPLES = 256


class NoSpeechError(InferenceError):
    """What came is not the speech that was asked for."""

    code = "inference.no_speech"


class SpeechJudge:
    """Judges one text's speech while it comes.

    Args:
        text: what should be said.
        rate_hz: of the PCM.
    """

    def __init__(self, text: str, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        digits = sum(char.isdigit() for char in text)
        letters = sum(char.isalnum() for char in text) - digits
        self._longest_ms = (
            _ALWAYS_MS + len(text) * _LONGEST_MS_PER_CHARACTER + digits * _MS_PER_DIGIT
        )
        self._shortest_ms = (
            letters * _SHORTEST_MS_PER_CHARACTER if letters >= _JUDGED_FROM_CHARACTERS else 0
        )
        self._speakable = letters + digits > 0
        self._came = 0
        self._silent = 0
        self._audible = False
        self._recent = np.zeros(0, dtype=np.int16)

    @property
    def heard_anything(self) -> bool:
        """Whether anything audible came so far."""
        return self._audible

    def take(self, pcm: bytes) -> None:
        """Look at the next samples.

        Raises:
            NoSpeechError: this is no speech; nothing more need be read.
        """
        wave = np.frombuffer(pcm, dtype="<i2", count=len(pcm) // SAMPLE_BYTES)
        self._came += len(wave)
        if self._ms(self._came) > self._longest_ms:
            raise NoSpeechError(f"more than {self._longest_ms / 1000:.1f} s for a short text")
        self._listen(wave)
        window = self._rate_hz * _NOISE_WINDOW_MS // 1000
        self._recent = np.concatenate((self._recent, wave))
        while len(self._recent) >= window:
            self._weigh(self._recent[:window])
            self._recent = self._recent[window // 2 :]
        short = self._recent[-(self._rate_hz * _CLIPPED_WINDOW_MS // 1000) :]
        self._check_clipping(short)

    def end(self) -> None:
        """There is no more.

        Raises:
            NoSpeechError: that was not all of the text, or nothing audible.
        """
        if not self._speakable:
            return
        if not self._audible:
            raise NoSpeechError("nothing but silence")
        if self._ms(self._came) < self._shortest_ms:
            raise NoSpeechError(f"{self._ms(self._came)} ms for a text of several words")

    def _ms(self, samples: int) -> int:
        return samples * 1000 // self._rate_hz

    def _listen(self, wave: npt.NDArray[np.int16]) -> None:
        loud = np.flatnonzero(np.abs(wave.astype(np.int32)) >= _AUDIBLE)
        if len(loud):
            self._audible = True
            gaps = np.diff(loud)
            longest = max(self._silent + int(loud[0]), int(gaps.max(initial=0)))
            self._silent = len(wave) - int(loud[-1]) - 1
        else:
            self._silent += len(wave)
            longest = 0
        if self._ms(max(longest, self._silent)) > _LONGEST_SILENCE_MS:
            raise NoSpeechError(f"silence of more than {_LONGEST_SILENCE_MS} ms")

    def _weigh(self, wave: npt.NDArray[np.int16]) -> None:
        step = self._rate_hz * _CLIPPED_WINDOW_MS // 1000
        for start in range(0, len(wave) - step + 1, step):
            self._check_clipping(wave[start : start + step])
        blocks = wave[: len(wave) // _BANDS_SAMPLES * _BANDS_SAMPLES].reshape(-1, _BANDS_SAMPLES)
        if np.abs(blocks.astype(np.int32)).max(initial=0) < _AUDIBLE:
            return
        windowed = blocks * np.hanning(_BANDS_SAMPLES)
        power = (np.abs(np.fft.rfft(windowed, axis=1)) ** 2).mean(axis=0)[1:-1] + 1e-9
        flatness = float(np.exp(np.log(power).mean()) / power.mean())
        if flatness > _NOISE_FLATNESS:
            raise NoSpeechError(f"noise: flatness {flatness:.2f}")

    def _check_clipping(self, wave: npt.NDArray[np.int16]) -> None:
        if len(wave) < self._rate_hz * _CLIPPED_WINDOW_MS // 2000:
            return
        share = float((np.abs(wave.astype(np.int32)) >= _CLIPPED).mean())
        if share > _CLIPPED_SHARE:
            raise NoSpeechError(f"clipped: {share:.0%} of the samples at full scale")
