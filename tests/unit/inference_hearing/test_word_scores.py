"""How sure the model was of each word."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from appliance.inference.config import EngineOptions
from appliance.inference.engines.faster_whisper import FasterWhisperRecognizer
from appliance.inference.hearing.word_scores import ScoringModel, token_logprobs, words_of
from appliance.inference.protocols import Cancellation, HeardWord, TranscriptionRequest
from appliance.settings import InferenceSettings
from tests.unit.inference_hearing.test_tones import at_16k, said


class Model:
    """Decodes the same tokens whatever it is given; token 1 is twice as likely as 0 and 2."""

    multilingual = True

    def generate(self, *args: Any, **options: Any) -> list[Any]:
        assert options["return_logits_vocab"]
        scores = np.log(np.array([[1, 2, 1]] * 4, np.float32))
        return [SimpleNamespace(sequences_ids=[[1, 2, 1]], logits=[list(scores)])]


class Tokens:
    """A tokenizer of three tokens."""

    _pieces = ("<|x|>", "Ġjo", "hn")

    def id_to_token(self, token: int) -> str:
        return self._pieces[token]

    def decode(self, tokens: list[int]) -> str:
        return "".join(self._pieces[token] for token in tokens).replace("Ġ", " ")


def test_scores_are_probabilities() -> None:
    scores = np.array([3.0, 1.0, -2.0], np.float32)
    expected = [math.log(math.exp(value) / np.exp(scores).sum()) for value in (3.0, -2.0)]
    assert token_logprobs([0, 2], [scores, scores]) == pytest.approx(expected, abs=1e-5)


def test_a_decoding_is_taken_once_and_those_before_it_are_forgotten() -> None:
    model = ScoringModel(Model())
    model.generate(["features"])
    model.generate(["features"])
    half, quarter = math.log(0.5), math.log(0.25)
    assert model.take([1, 2]) == pytest.approx([half, quarter])
    assert model.take([2, 2]) == []
    assert model.take([1, 2, 1]) == []
    model.generate(["features"])
    model.forget()
    assert model.take([1, 2, 1]) == []
    assert model.multilingual


def test_tokens_become_words() -> None:
    words = words_of([1, 2, 1, 0], [math.log(0.9), math.log(0.4), 0.0, -1.0], Tokens())
    assert [word.text for word in words] == ["john", "jo"]
    assert words[0].confidence == pytest.approx(0.6)
    assert words[1] == HeardWord("jo", 1.0)
    assert words_of([1], [], Tokens()) == ()


@pytest.mark.models
def test_the_starter_model_tells_how_sure_it_is_of_each_word() -> None:
    engine = FasterWhisperRecognizer(EngineOptions(InferenceSettings().recognizer_model))
    engine.load()
    samples = at_16k(said("can i speak to john smith please"))
    request = TranscriptionRequest(samples)
    (heard,) = engine.transcribe(request, Cancellation(float("inf")))
    assert " ".join(word.text for word in heard.words) == heard.text
    assert all(0 < word.confidence <= 1 for word in heard.words)
    mean = float(np.mean([word.confidence for word in heard.words]))
    assert mean == pytest.approx(heard.confidence, abs=0.1)
