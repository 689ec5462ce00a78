"""Text to speech with Piper voices (ONNX)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from appliance.inference.audio import clause_pcm, pause_after
from appliance.inference.clauses import intoned, split_clauses
from appliance.inference.config import EngineOptions
from appliance.inference.loudness import VoiceGains, amplified
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
    Samples,
    SpeechPiece,
    SpeechRequest,
)


class PiperVoiceEngine:
    """One Piper voice: ``voice.onnx`` with ``voice.onnx.json`` beside it.

    A request may name one of the voice's speakers as its ``voice``.
    """

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._file = Path(options.model)
        self.name = f"piper:{self._file.stem}"
        self._voice: Any = None
        self._gains = VoiceGains()

    @property
    def voices(self) -> tuple[str, ...]:
        """Its speakers, or itself when it has only one."""
        speakers = self._voice.config.speaker_id_map if self._voice is not None else {}
        return tuple(sorted(speakers)) or (self._file.stem,)

    def load(self) -> None:
        """Read the voice and measure how loud it is."""
        if not self._file.is_file():
            raise FileNotFoundError(f"{self._file}: no Piper voice there")
        import onnxruntime  # type: ignore[import-untyped]
        from piper import PiperVoice
        from piper.config import PiperConfig

        facts = json.loads(Path(f"{self._file}.json").read_text(encoding="utf-8"))
        threads = onnxruntime.SessionOptions()
        # Left alone, ONNX Runtime takes every core and lets its threads spin on them.
        threads.intra_op_num_threads = self._options.threads
        threads.inter_op_num_threads = 1
        threads.add_session_config_entry("session.intra_op.allow_spinning", "0")
        cuda = self._options.device == "cuda"
        session = onnxruntime.InferenceSession(
            str(self._file),
            sess_options=threads,
            providers=["CUDAExecutionProvider" if cuda else "CPUExecutionProvider"],
        )
        self._voice = PiperVoice(session=session, config=PiperConfig.from_dict(facts))
        self._gain("", None)

    def speak(self, request: SpeechRequest, cancellation: Cancellation) -> Iterator[SpeechPiece]:
        """Yield one piece a clause; the first request for a further speaker measures it first."""
        speaker = self._speaker(request.voice)
        gain = self._gain("" if speaker is None else request.voice, speaker)
        clauses = split_clauses(request.text)
        for number, clause in enumerate(clauses, 1):
            last = number == len(clauses)
            text = clause if last else intoned(clause)
            pause_ms = pause_after(clause, last=last)
            for samples, rate_hz in self._synthesised(text, speaker, request.speed):
                cancellation.check()
                pcm = clause_pcm(amplified(samples, gain), rate_hz, pause_ms)
                if pcm:
                    yield SpeechPiece(pcm, rate_hz)

    def _synthesised(
        self, text: str, speaker: int | None, speed: float
    ) -> Iterator[tuple[Samples, int]]:
        from piper.config import SynthesisConfig

        config = SynthesisConfig(
            speaker_id=speaker,
            length_scale=self._voice.config.length_scale / speed,
            # Piper would bring every sentence to the same peak: short ones would come out loud.
            normalize_audio=False,
        )
        # Double brackets would be read as phonemes.
        for chunk in self._voice.synthesize(text.replace("[[", "[ ["), config):
            yield np.asarray(chunk.audio_float_array, dtype=np.float32), chunk.sample_rate

    def _gain(self, name: str, speaker: int | None) -> float:
        def speak(text: str) -> Iterator[SpeechPiece]:
            for samples, rate_hz in self._synthesised(text, speaker, 1.0):
                yield SpeechPiece((samples * 32767).astype("<i2").tobytes(), rate_hz)

        return self._gains.gain(name, speak)

    def _speaker(self, name: str) -> int | None:
        if name in ("", "default", self._file.stem):
            return None
        speakers = self._voice.config.speaker_id_map
        if name not in speakers:
            raise BadRequestError(f"voice {name!r}: this voice has no such speaker", param="voice")
        return int(speakers[name])
