"""The starter models, loaded once for the tests of this folder."""

from collections.abc import Iterator

import pytest

from appliance.inference.client import InferenceClient
from appliance.inference.config import InferenceConfig
from tests.integration.inference.model_servers import STARTER_DECIDER, STARTER_WHISPER, model_server


@pytest.fixture(scope="session")
def starter_url() -> Iterator[str]:
    """A server with the starter models, ready."""
    config = InferenceConfig(
        port=0,
        recognizer_model=str(STARTER_WHISPER),
        language_model_file=str(STARTER_DECIDER),
        stand_ins=False,
    )
    with model_server(config) as server:
        yield server.url


@pytest.fixture
def client(starter_url: str) -> Iterator[InferenceClient]:
    """A client of that server."""
    client = InferenceClient(starter_url)
    yield client
    client.close()
