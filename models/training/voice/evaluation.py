"""Measures the voice: what the starter recogniser makes of it, how like flite it is, what it costs.

The recogniser hears the sentences that it is measured with, in this voice and in espeak-ng's and
flite's, through the same telephone. Nobody was asked how natural it sounds; that the pitch, the
lengths and the spectrum follow those of the voice that it learned from stands in for it.
"""

import json
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from appliance.inference.config import EngineOptions
from appliance.inference.engines.piper import PiperVoiceEngine
from appliance.inference.protocols import Cancellation, SpeechRequest
from models.training.files import write_text
from models.training.progress import say
from models.training.speech import lexicon
from models.training.speech.evaluation import Hearing, Score
from models.training.speech.speaking import Speech
from models.training.speech.testsets import SETS, Speaker, TestSet
from models.training.voice.acoustics import CEPSTRA, HOP, PITCH, RATE_HZ, VOICED, Frames
from models.training.voice.card import FIGURES, VOICES
from models.training.voice.data import Example, read
from models.training.voice.network import STEP, Voice, places, symbols_at
from models.training.voice.training import KEPT_FROM_TRAINING

_TEXTS: Final = {
    "sentences": ("sentences e:en-us", 30.0),
    "sentences, 10 dB noise": ("sentences e:en-us", 10.0),
    "digits": ("digits, espeak-ng", 30.0),
}
_PATIENCE_S: Final = 60.0
_MEL_CEPSTRAL_DB: Final = 10 * np.sqrt(2) / np.log(10)


class Piper:
    """The engine with one voice, and how long it took."""

    def __init__(self, voice: Path) -> None:
        self._engine = PiperVoiceEngine(EngineOptions(model=str(voice)))
        self._engine.load()
        self.spent_s = self.spoken_s = 0.0

    def speak(self, words: list[str], speed: float) -> Speech:
        """Say words in one breath; nothing is known of their times."""
        began = time.process_time()
        request = SpeechRequest(" ".join(words), speed=speed)
        pieces = self._engine.speak(request, Cancellation(time.monotonic() + _PATIENCE_S))
        pcm = np.frombuffer(b"".join(piece.pcm for piece in pieces), dtype="<i2")
        self.spent_s += time.process_time() - began
        self.spoken_s += len(pcm) / RATE_HZ
        return Speech(pcm.astype(np.float32) / np.float32(32768), RATE_HZ, (), ())


class _Speaker(Speaker):
    """Says test sentences with a Piper voice too."""

    def __init__(self, piper: Piper) -> None:
        super().__init__()
        self._piper = piper

    def _spoken(self, text: str, voice: str, draw: np.random.Generator) -> Speech:
        if not voice.startswith("p:"):
            return super()._spoken(text, voice, draw)
        speed = 1 / float(draw.uniform(0.95, 1.15))  # as the flite voices are tested
        return self._piper.speak(lexicon.spoken_words(text.split()), speed)


def evaluate(voice: Path, recognizer: Path, each: int, checkpoint: Path, data: Path) -> None:
    """Write `FIGURES` beside the voice.

    Args:
        each: sentences in a set.
        checkpoint, data: of the training; without them the figures of likeness are left out.
    """
    piper, hearing = Piper(voice), Hearing(recognizer)
    speaker = _Speaker(piper)
    sets: dict[str, dict[str, dict[str, float]]] = {}
    for name, (like, snr_db) in _TEXTS.items():
        texts = next(test.texts for test in SETS if test.name == like)
        for code, title in VOICES.items():
            score = Score()
            for sample in speaker.samples(TestSet(name, (code,), texts, snr_db), each):
                heard = hearing(sample.samples).text
                score.add(sample.text.split(), heard.split(), (), 0.0)
            sets.setdefault(name, {})[title] = score.figures()
            say(f"{name}, {title}: {score.figures()}")
    figures: dict[str, Any] = {
        "sets": sets,
        "real_time_factor": round(piper.spent_s / piper.spoken_s, 3),
        "megabytes": round(voice.stat().st_size / 1e6, 1),
    }
    if checkpoint.exists() and data.exists():
        figures["likeness"] = likeness(checkpoint, read(data)[:KEPT_FROM_TRAINING])
    say(figures)
    write_text(voice.with_name(FIGURES), json.dumps(figures, indent=2) + "\n")


@torch.no_grad()
def likeness(checkpoint: Path, examples: list[Example]) -> dict[str, float]:
    """How like flite's are lengths, and, with flite's lengths, pitch, voicing and spectrum."""
    voice = Voice()
    voice.load_state_dict(torch.load(checkpoint, weights_only=True)["network"])
    voice.eval()
    wanted, found, lasting, guessed = [], [], [], []
    for example in examples:
        ids = torch.from_numpy(example.ids)
        encoded, length = voice.encoded(ids[None])
        frames = torch.from_numpy(example.durations).float()
        sounds = voice.sounds[ids] > 0
        lasting.append(frames[sounds])
        guessed.append(voice.frames_of(ids, length[0], torch.ones(()))[sounds])
        found.append(_decoded(voice, encoded, frames)[: len(example.frames)])
        wanted.append(example.frames)
    return _compared(
        np.concatenate(wanted), np.concatenate(found), torch.cat(lasting), torch.cat(guessed)
    )


def _decoded(voice: Voice, encoded: torch.Tensor, frames: torch.Tensor) -> Frames:
    at = torch.arange(0, int(frames.sum()), STEP).float()
    of = symbols_at(frames, at)
    place = places(frames, at, of)[None]
    found = voice.decoded(encoded[:, of], place, torch.ones_like(place[..., :1]))[0]
    scaled: Frames = (found * voice.deviation + voice.mean).numpy()
    return scaled


def _compared(
    wanted: Frames, found: Frames, lasting: torch.Tensor, guessed: torch.Tensor
) -> dict[str, float]:
    voiced = wanted[:, VOICED] > 0.5
    speech = wanted[:, 0] > np.percentile(wanted[:, 0], 20)  # not the pauses
    off = np.square(wanted - found)[speech, 1:CEPSTRA].sum(axis=1)
    pitches = wanted[voiced, PITCH], found[voiced, PITCH]
    frame_ms = 1000 * HOP / RATE_HZ
    figures = {
        "mel_cepstral_distortion_db": _MEL_CEPSTRAL_DB * np.sqrt(off).mean(),
        "pitch_correlation": np.corrcoef(*pitches)[0, 1],
        "voicing_errors_percent": 100 * ((found[:, VOICED] > 0) != voiced)[speech].mean(),
        "length_correlation": np.corrcoef(lasting, guessed)[0, 1],
        "length_error_ms": frame_ms * (lasting - guessed).abs().mean(),
        "length_ratio": guessed.sum() / lasting.sum(),
    }
    return {name: round(float(value), 3) for name, value in figures.items()}
