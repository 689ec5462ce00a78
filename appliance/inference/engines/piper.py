"""Text to speech with Piper voices (ONNX)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from appliance.inference.clauses import split_clauses
from appliance.inference.config import EngineOptions
from appliance.inference.protocols import (
    BadRequestError,
    Cancellation,
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

    def load(self) -> None:
        """Read the voice and say a word."""
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
        for _ in self._voice.synthesize("hello"):
            pass

    def speak(self, request: SpeechRequest, cancellation: Cancellation) -> Iterator[SpeechPiece]:
        """Yield one piece a clause."""
        from piper.config import SynthesisConfig

        base = self._voice.config.length_scale
        config = SynthesisConfig(
            speaker_id=self._speaker(request.voice), length_scale=base / request.speed
        )
        for clause in split_clauses(request.text):
            # Double brackets would be read as phonemes.
            for chunk in self._voice.synthesize(clause.replace("[[", " ["), config):
                cancellation.check()
                yield SpeechPiece(chunk.audio_int16_bytes, chunk.sample_rate)

    def _speaker(self, name: str) -> int | None:
        if name in ("", "default", self._file.stem):
            return None
        speakers = self._voice.config.speaker_id_map
        if name not in speakers:
            raise BadRequestError(f"voice {name!r}: this voice has no such speaker", param="voice")
        return int(speakers[name])
