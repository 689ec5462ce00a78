"""Another voice is put in use at a model server: the next call hears its fixed phrases in it."""

from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from appliance.calls.errors import InferenceError
from appliance.inference.client import InferenceClient
from appliance.inference.config import InferenceConfig
from appliance.inference.work import Work, working_for
from appliance.speech.phrase_keeper import PhraseKeeper
from appliance.speech.phrases import PhraseCache
from appliance.speech.synthesizer import HttpSynthesizer
from tests.integration.inference.model_servers import WAIT_S, model_server

RATE_HZ = 8000
GREETING = "Thank you for calling."


@pytest.fixture
def client() -> Iterator[InferenceClient]:
    config = InferenceConfig(
        port=0, recognizer="instant", language_model="instant", voice="espeak-ng",
        voice_model="en-us",
    )  # fmt: skip
    with model_server(config) as running:
        yield InferenceClient(running.url)


def heard(phrases: PhraseCache, call: str) -> bytes:
    with working_for(Work(call)):
        return b"".join(phrases.kept(GREETING, RATE_HZ) or ())


def test_the_next_call_hears_the_new_voice(client: InferenceClient, tmp_path: Path) -> None:
    voice = HttpSynthesizer(client)
    phrases = PhraseCache(tmp_path, voice)
    looks: list[bytes] = []

    def meanwhile(_: float) -> None:
        """Between two looks: a call; then somebody chooses another voice."""
        looks.append(heard(phrases, f"call-{len(looks)}"))
        if len(looks) == 2:
            raise gevent.GreenletExit
        choice = {"kind": "voice", "engine": "espeak-ng", "model": "en-us+f2"}
        client.post_json("/v1/models/use", choice, WAIT_S)

    with pytest.raises(gevent.GreenletExit):
        PhraseKeeper(phrases, client, voice, meanwhile).keep({"": [GREETING]}, [RATE_HZ])
    before, after = looks
    assert before
    assert after
    assert before != after
    assert heard(phrases, "call-0") == before, "it keeps the voice it began with"
    assert phrases.speaker == "espeak-ng:en-us+f2"


def test_speech_of_another_engine_is_not_taken(client: InferenceClient) -> None:
    voice = HttpSynthesizer(client)
    voice.speaker = "piper:somebody"
    with pytest.raises(InferenceError, match="espeak-ng:en-us speaks, and not piper:somebody"):
        list(voice.speak(GREETING, RATE_HZ))
