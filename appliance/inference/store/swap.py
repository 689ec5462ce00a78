"""Ask a model server that runs to change to another model: new calls get it once it is warm."""

from dataclasses import dataclass
from typing import Literal

from appliance.calls.errors import InferenceError
from appliance.inference.client import InferenceClient, InferenceUnreachableError
from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.manifest import Kind

_PATH = "/v1/models/use"
_HEALTH = "/health"
_HEALTH_TIMEOUT_S = 3.0
Outcome = Literal["ready", "no server"]


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """What a server is asked to run: an engine and what it is given."""

    kind: Kind
    engine: str
    model: str


def ask_server(url: str, choice: EngineChoice, timeout_s: float) -> Outcome:
    """Ask, and wait until the new engine is warm.

    Returns:
        ``no server`` where none listens: it will read the choice when it starts.

    Raises:
        InferenceError: the server refuses, in its words, or does not answer in time.
        ModelStoreError: it answers something else.
    """
    client = InferenceClient(url, connections=1)
    body = {"kind": choice.kind, "engine": choice.engine, "model": choice.model}
    try:
        try:
            client.get_json(_HEALTH, _HEALTH_TIMEOUT_S)
        except InferenceUnreachableError:
            return "no server"
        except InferenceError:
            pass  # it is there, and loading or ill: what it says to the new model counts
        answer = client.post_json(_PATH, body, timeout_s)
    finally:
        client.close()
    if not isinstance(answer, dict) or answer.get("state") != "ready":
        raise ModelStoreError(
            f"the model server at {url} says {str(answer)[:200]!r} to a new model"
        )
    return "ready"
