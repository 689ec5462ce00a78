"""Models are tested in a process of their own before a server or the next start gets them."""

import json
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from appliance.calls.errors import InferenceError
from appliance.cli.model_choice import trial_questions
from appliance.inference.client import InferenceClient
from appliance.inference.config import InferenceConfig
from appliance.inference.store.adding import add, recognise
from appliance.inference.store.catalogue import Catalogue, Installed
from appliance.inference.store.choosing import roll_back, use
from appliance.inference.store.errors import ModelStoreError, SmokeTestError
from appliance.inference.store.in_use import read_in_use
from appliance.inference.store.manifest import Kind, load_manifest
from appliance.inference.store.pulling import Surroundings
from appliance.inference.store.smoke import SmokeTest
from appliance.inference.store.swap import EngineChoice, Outcome, ask_server
from tests.fixtures_models import build_gguf, build_piper_voice, build_whisper
from tests.integration.inference.model_servers import (
    STARTER_DECIDER,
    STARTER_WHISPER,
    model_server,
    raw_server,
)
from tests.integration.inference_store.mirrors import web_server

pytestmark = pytest.mark.models

TESTER = SmokeTest("cpu", 1, trial_questions(), timeout_s=60)
OF_SETTINGS: dict[Kind, EngineChoice] = {
    "recognizer": EngineChoice("recognizer", "faster-whisper", str(STARTER_WHISPER)),
    "language_model": EngineChoice("language_model", "llama-cpp", str(STARTER_DECIDER)),
    "voice": EngineChoice("voice", "espeak-ng", "en-us"),
}


@dataclass
class Desk:
    """Uses models and remembers what a server was asked and the tests said."""

    catalogue: Catalogue
    outcome: Outcome | Exception = "no server"

    def __post_init__(self) -> None:
        self.asked: list[EngineChoice] = []
        self.told: dict[str, Any] = {}
        self._clock = iter(range(10, 60))

    def ask(self, choice: EngineChoice) -> Outcome:
        self.asked.append(choice)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def use(self, *models: Installed) -> Outcome:
        now = f"2026-01-01T00:00:{next(self._clock)}+00:00"
        return use(self.catalogue, list(models), TESTER, self.ask, now, self.told.__setitem__)

    def back(self) -> str:
        changes, _ = roll_back(
            self.catalogue, None, OF_SETTINGS, TESTER, self.ask, self.told.__setitem__
        )
        return " ".join(change.kind for change in changes)

    @property
    def names(self) -> dict[str, str]:
        return {kind: c.name for kind, c in read_in_use(self.catalogue.directory).items()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    directory = tmp_path / "models"
    directory.mkdir()
    return Desk(Catalogue(directory, load_manifest()))


def test_the_starter_models_pass_and_are_written_down(desk: Desk) -> None:
    names = ("starter-whisper", "starter-decider", "espeak-en-us")
    assert desk.use(*map(desk.catalogue.find, names)) == "no server"
    assert tuple(desk.names.values()) == names
    assert desk.told["starter-whisper"]["check"]["words right"] == "7 of 7"
    assert desk.told["starter-decider"]["check"]["right"].endswith("of 5 plain turns")
    assert 1.0 < desk.told["espeak-en-us"]["check"]["seconds"] < 6.0
    chosen = read_in_use(desk.catalogue.directory)
    assert chosen["recognizer"].model == str(STARTER_WHISPER)
    assert chosen["voice"].model == "en-us"
    assert [choice.kind for choice in desk.asked] == list(chosen)


def test_choices_are_taken_back_one_by_one(desk: Desk) -> None:
    american, british = map(desk.catalogue.find, ("espeak-en-us", "espeak-en-gb"))
    desk.use(american)
    desk.use(british)
    desk.use(british)  # nothing changes, so there is nothing to take back
    assert desk.back() == "voice"
    assert desk.names == {"voice": "espeak-en-us"}
    desk.back()
    assert desk.names == {}
    assert desk.asked[-1] == OF_SETTINGS["voice"]
    with pytest.raises(ModelStoreError, match="nothing to go back to"):
        desk.back()


def broken(folder: Path, kind: str) -> Installed:
    """Models that look like ones from outside."""
    if kind == "cut-off gguf":
        path = folder / "cut.gguf"
        path.write_bytes(STARTER_DECIDER.read_bytes()[:600_000])
        return Installed("broken", "language_model", "llama-cpp", str(path), "")
    if kind == "cut-off whisper":
        path = folder / "cut"
        shutil.copytree(STARTER_WHISPER, path)
        (path / "model.bin").write_bytes((STARTER_WHISPER / "model.bin").read_bytes()[:1_000_000])
        return Installed("broken", "recognizer", "faster-whisper", str(path), "")
    if kind == "random gguf":
        path = build_gguf(folder / "random.gguf")
        return Installed("broken", "language_model", "llama-cpp", str(path), "")
    if kind == "rambling whisper":
        path = build_whisper(folder / "rambling", "on and " * 20)
        return Installed("broken", "recognizer", "faster-whisper", str(path), "")
    if kind == "short voice":
        path = build_piper_voice(folder / "short.onnx", samples_per_phoneme=64)
        return Installed("broken", "voice", "piper", str(path), "")
    assert kind == "no such voice"
    return Installed("broken", "voice", "espeak-ng", "xx-none", "")


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("cut-off gguf", r"broken fails its test|ended"),
        ("cut-off whisper", r"broken fails its test|ended"),
        ("random gguf", r"broken fails its test"),
        ("rambling whisper", r"heard \d+ words where 7 were said|heard nothing"),
        ("short voice", r"takes 0\.\d s for a sentence"),
        ("no such voice", r"unknown to espeak-ng"),
    ],
)
def test_a_model_that_fails_is_never_put_in_use(
    desk: Desk, tmp_path: Path, kind: str, says: str
) -> None:
    desk.use(desk.catalogue.find("espeak-en-us"))
    before = dict(desk.names)
    desk.asked.clear()
    with pytest.raises(SmokeTestError, match=says):
        desk.use(broken(tmp_path, kind))
    assert desk.names == before
    assert not desk.asked


def test_one_that_fails_keeps_the_others_out_as_well(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(SmokeTestError):
        desk.use(desk.catalogue.find("espeak-en-gb"), broken(tmp_path, "cut-off gguf"))
    assert desk.names == {}
    assert not desk.asked


def test_a_model_that_takes_too_long_is_ended(desk: Desk) -> None:
    hasty = SmokeTest("cpu", 1, trial_questions(), timeout_s=0.05)
    model = desk.catalogue.find("starter-whisper")
    with pytest.raises(SmokeTestError, match="did not load and answer within"):
        hasty.check(model.name, model.kind, model.engine, model.model)


def test_an_added_model_is_used_from_where_it_was_copied_to(
    desk: Desk, tmp_path: Path, around: Surroundings
) -> None:
    with desk.catalogue.changing():
        add(desk.catalogue, recognise(STARTER_DECIDER), "mine", around)
    desk.use(desk.catalogue.find("mine"))
    chosen = read_in_use(desk.catalogue.directory)["language_model"]
    assert chosen.model == str(desk.catalogue.directory / "mine" / "decider.gguf")


def test_a_server_that_refuses_keeps_its_model(desk: Desk) -> None:
    desk.outcome = InferenceError("the model server says 500: no memory")
    with pytest.raises(InferenceError, match="no memory"):
        desk.use(desk.catalogue.find("espeak-en-gb"))
    assert desk.names == {}


def test_two_of_one_kind(desk: Desk) -> None:
    with pytest.raises(ModelStoreError, match="two models of one kind"):
        desk.use(*map(desk.catalogue.find, ("espeak-en-us", "espeak-en-gb")))


CHOICE = EngineChoice("voice", "espeak-ng", "en")
HEALTHY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def reply(status: int, body: object) -> bytes:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
    return head.encode() + data


def test_a_server_is_asked_and_waited_for() -> None:
    taken: list[object] = []

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "degraded"}, status=503)

    async def take_over(request: web.Request) -> web.Response:
        taken.append(await request.json())
        return web.json_response({"kind": "voice", "engine": "espeak-ng", "state": "ready"})

    routes = [web.get("/health", health), web.post("/v1/models/use", take_over)]
    with web_server(routes) as url:
        assert ask_server(url, CHOICE, 5.0) == "ready"
    assert taken == [{"kind": "voice", "engine": "espeak-ng", "model": "en"}]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (reply(400, {"error": {"message": "no engine of this name"}}), "no engine of this name"),
        (reply(500, {"error": {"message": "it does not load"}}), "it does not load"),
        (reply(200, {"state": "loading"}), "loading"),
        (reply(200, ["?"]), r"\?"),
        (b"", "127.0.0.1"),
    ],
)
def test_a_server_that_cannot_take_it_over_says_why(answer: bytes, says: str) -> None:
    with (
        raw_server(HEALTHY, answer, answer) as url,
        pytest.raises((InferenceError, ModelStoreError), match=says),
    ):
        ask_server(url, CHOICE, 5.0)


def test_no_server_is_no_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert ask_server(f"http://127.0.0.1:{port}", CHOICE, 5.0) == "no server"


def test_our_own_server_takes_a_model_over() -> None:
    config = InferenceConfig(
        port=0, language_model="rules", recognizer_model=str(STARTER_WHISPER), stand_ins=False
    )
    with model_server(config) as server:
        model = EngineChoice("language_model", "llama-cpp", str(STARTER_DECIDER))
        assert ask_server(server.url, model, 30.0) == "ready"
        client = InferenceClient(server.url)
        health = client.get_json("/health", 5.0)
        assert health["engines"]["language_model"]["serving"] == "llama-cpp:decider"
        nothing = EngineChoice("language_model", "llama-cpp", "/nowhere/x.gguf")
        with pytest.raises(InferenceError, match="nowhere"):
            ask_server(server.url, nothing, 30.0)
        client.close()
