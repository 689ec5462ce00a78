"""``appliance models`` as a person uses it."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from appliance.cli import run
from appliance.inference.store import catalogue
from appliance.inference.store.in_use import read_in_use
from tests.integration.inference.model_servers import STARTER_DECIDER
from tests.integration.inference_store.conftest import manifest_of
from tests.integration.inference_store.mirrors import Mirror


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing but this folder: no settings, no server."""
    for name in list(os.environ):
        if name.startswith("APPLIANCE_"):
            monkeypatch.delenv(name)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("APPLIANCE_STORAGE__DIRECTORY", str(tmp_path / "var"))
    monkeypatch.setenv("APPLIANCE_INFERENCE__URL", f"http://127.0.0.1:{port}")
    return tmp_path / "var" / "models"


def test_the_list_says_what_is_here_and_in_use(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "list"]) == 0
    said = capsys.readouterr().out
    assert "*  starter-whisper" in said
    assert "+  espeak-en-gb" in said
    assert "   whisper-base" in said
    assert not directory.exists()


def test_pulled_from_a_mirror_then_from_a_stick(
    directory: Path, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    mirror.files = {
        "/somebody/little-gguf/resolve/main/q4/little.gguf": STARTER_DECIDER.read_bytes(),
        "/somebody/little-gguf/resolve/main/notes.txt": b"notes",
    }
    mirror.tells = False
    monkeypatch.setattr(catalogue, "load_manifest", manifest_of)
    assert run(["models", "pull", "little", "--mirror", mirror.url]) == 0
    said = capsys.readouterr().out
    assert "nobody has vouched for little.gguf, notes.txt" in said
    assert "appliance models use little" in said
    assert "\x1b" not in said  # no bars where there is no terminal
    stick = tmp_path / "stick"
    shutil.move(directory, stick)
    assert run(["models", "pull", "little", "--from", str(stick)]) == 0
    assert run(["models", "pull", "little", "--from", str(stick)]) == 0
    assert "here already" in capsys.readouterr().out
    assert (directory / "little" / "little.gguf").read_bytes() == STARTER_DECIDER.read_bytes()


@pytest.mark.models
def test_from_a_file_of_ones_own_to_in_use_and_back(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.gguf"
    shutil.copy(STARTER_DECIDER, mine)
    assert run(["models", "add", str(mine)]) == 0
    assert "appliance models use mine" in capsys.readouterr().out
    assert run(["models", "use", "mine"]) == 0
    said = capsys.readouterr().out
    assert "mine works: right: " in said
    assert "No model server runs" in said
    assert read_in_use(directory)["language_model"].name == "mine"
    assert run(["models", "verify"]) == 0
    assert "ok    mine: 1 files" in capsys.readouterr().out
    with (directory / "mine" / "mine.gguf").open("r+b") as file:
        file.truncate(500_000)
    assert run(["models", "verify", "mine"]) == 1
    assert "mine.gguf (500000 bytes) has changed" in capsys.readouterr().out
    assert run(["models", "use", "mine"]) == 1
    assert "mine is not as it came: mine.gguf (500000 bytes) has changed" in capsys.readouterr().err
    assert run(["models", "remove", "mine"]) == 1
    assert "is in use as language_model" in capsys.readouterr().err
    assert run(["models", "rollback"]) == 0
    assert "what the settings name" in capsys.readouterr().out
    assert read_in_use(directory) == {}
    assert run(["models", "rollback"]) == 1
    assert "nothing to go back to" in capsys.readouterr().err
    assert run(["models", "remove", "mine"]) == 0
    assert "mine: gone" in capsys.readouterr().out
    assert not (directory / "mine").exists()
    assert run(["models", "add", str(mine)]) == 0


@pytest.mark.models
def test_the_bench_measures_and_recommends(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "bench"]) == 0
    said = capsys.readouterr().out
    for part in ("cores", "GFLOP/s", "GPU", "real-time factor", "tokens/s", "to first audio"):
        assert part in said
    assert "tiny: " in said
    assert "gpu: does not fit" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pull", "nothing-like-it"], "the manifest has no model nothing-like-it"),
        (["pull", "../etc"], "no name for a model"),
        (["pull"], "name the models, or a --set"),
        (["pull", "starter-whisper"], "comes with the appliance"),
        (["pull", "whisper-base", "--mirror", "ftp://x"], "write http://host"),
        (["pull", "whisper-base", "--from", "/nowhere"], "is the stick mounted?"),
        (["add", "/nowhere.gguf"], "no such file or folder"),
        (["remove", "espeak-en-us"], "comes with the appliance and stays"),
        (["remove", "whisper-base"], "is not here"),
        (["use"], "name the models, or a --set"),
        (["use", "whisper-base"], "appliance models pull whisper-base"),
        (["use", "--set", "small"], "appliance models pull --set small"),
        (["use", "nothing-like-it"], "appliance models list"),
        (["verify", "whisper-base"], "not here yet"),
        (["rollback", "voice"], "nothing to go back to for voice"),
        (["bench", "whisper-base"], "not here yet"),
    ],
)
def test_what_is_wrong_is_named_with_its_mend(
    directory: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(["models", *arguments]) == 1
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
