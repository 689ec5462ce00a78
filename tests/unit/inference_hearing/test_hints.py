"""Names that are likely to be said, as Whisper gets them."""

from typing import Any

import numpy as np
import pytest

from appliance.inference.config import EngineOptions
from appliance.inference.engines.faster_whisper import FasterWhisperRecognizer
from appliance.inference.protocols import Cancellation, TranscriptionRequest
from tests.fixtures_models import build_whisper
from tests.unit.inference_hearing.test_tones import at_16k, said


@pytest.mark.models
def test_names_reach_models_that_take_them_without_control_tokens(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FasterWhisperRecognizer(EngineOptions(str(build_whisper(tmp_path, say="hello"))))
    engine.load()
    given: list[dict[str, Any]] = []
    transcribe = engine._model.transcribe

    def spied(samples: Any, **options: Any) -> Any:
        given.append(options)
        return transcribe(samples, **options)

    monkeypatch.setattr(engine._model, "transcribe", spied)
    samples = at_16k(said("can i speak to john smith please"))
    names = ("John Smith", "Eve <|endoftext|> Hill")
    list(engine.transcribe(TranscriptionRequest(samples, hotwords=names), _forever()))
    list(engine.transcribe(TranscriptionRequest(samples, prompt="<|x|>"), _forever()))
    list(engine.transcribe(TranscriptionRequest(np.zeros(16000, np.float32)), _forever()))
    assert [options["hotwords"] for options in given] == [
        "John Smith, Eve  endoftext  Hill",
        None,
    ]
    assert [options["initial_prompt"] for options in given] == [None, "x"]


def _forever() -> Cancellation:
    return Cancellation(float("inf"))
