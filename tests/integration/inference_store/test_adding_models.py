"""Models of one's own: what is recognised, what is refused, and what is never copied."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.inference.store.adding import add, recognise
from appliance.inference.store.catalogue import Catalogue
from appliance.inference.store.errors import ChecksumError, DiskFullError, ModelStoreError
from appliance.inference.store.pulling import Surroundings
from tests.integration.inference_store.conftest import manifest_of

GGUF = b"GGUF" + bytes(1000)


def added(catalogue: Catalogue, around: Surroundings, path: Path, name: str | None = None) -> str:
    with catalogue.changing():
        return add(catalogue, recognise(path), name, around).name


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def whisper(folder: Path) -> Path:
    folder.mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
        (folder / name).write_bytes(name.encode())
    return folder


def test_a_gguf_file(catalogue: Catalogue, around: Surroundings, stick: Path) -> None:
    (stick / "My Model Q4.gguf").write_bytes(GGUF)
    with pytest.raises(ModelStoreError, match="no plain file name"):
        recognise(stick / "My Model Q4.gguf")
    file = (stick / "My Model Q4.gguf").rename(stick / "My_Model.Q4.gguf")
    assert added(catalogue, around, file) == "my-model.q4"
    found = catalogue.find("my-model.q4")
    assert (found.kind, found.engine) == ("language_model", "llama-cpp")
    assert Path(found.model).read_bytes() == GGUF
    locked = catalogue.locked()["my-model.q4"].files["My_Model.Q4.gguf"]
    assert (locked.size, locked.vouched) == (len(GGUF), "added by hand")
    with pytest.raises(ModelStoreError, match="here already"):
        added(catalogue, around, file)
    assert added(catalogue, around, file, "second") == "second"


def test_a_whisper_folder_and_a_piper_voice(
    catalogue: Catalogue, around: Surroundings, stick: Path
) -> None:
    folder = whisper(stick / "Whisper-Ours")
    (folder / ".DS_Store").write_text("left behind by a file manager")
    assert added(catalogue, around, folder) == "whisper-ours"
    assert catalogue.find("whisper-ours").model == str(catalogue.folder("whisper-ours"))
    assert len(list(catalogue.folder("whisper-ours").iterdir())) == 4
    voice = stick / "en_GB-us-low.onnx"
    voice.write_bytes(b"onnx")
    with pytest.raises(ModelStoreError, match=r"en_GB-us-low\.onnx\.json is missing"):
        recognise(voice)
    Path(f"{voice}.json").write_text("{}")
    assert added(catalogue, around, voice, "our-voice") == "our-voice"
    assert catalogue.find("our-voice").model.endswith("/our-voice/en_GB-us-low.onnx")


def _link_to_file(folder: Path) -> None:
    (folder / "extra.txt").symlink_to("/etc/passwd")


def _link_to_folder(folder: Path) -> None:
    (folder / "extra").symlink_to("/etc")


def _folder(folder: Path) -> None:
    (folder / "extra").mkdir()


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "extra")


def _odd_name(folder: Path) -> None:
    (folder / "a b;rm -rf").write_text("")


def _many(folder: Path) -> None:
    for number in range(100):
        (folder / f"{number}.txt").write_text("")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_link_to_file, "is a link"),
        (_link_to_folder, "is a link"),
        (_folder, "no ordinary file"),
        (_pipe, "no ordinary file"),
        (_odd_name, "no plain file name"),
        (_many, "files in it"),
    ],
)
def test_what_is_not_a_models_is_refused_before_anything_is_copied(
    catalogue: Catalogue, around: Surroundings, stick: Path, spoil: Callable[[Path], None],
    says: str,
) -> None:  # fmt: skip
    folder = whisper(stick / "w")
    spoil(folder)
    with pytest.raises(ModelStoreError, match=says):
        added(catalogue, around, folder)
    assert not [path for path in catalogue.directory.rglob("*") if not path.is_dir()]


def test_a_link_to_a_folder_and_one_that_appears_late(
    catalogue: Catalogue, around: Surroundings, stick: Path
) -> None:
    folder = whisper(stick / "w")
    (stick / "link").symlink_to(folder)
    with pytest.raises(ModelStoreError, match="is a link"):
        recognise(stick / "link")
    found = recognise(folder)
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("/etc/passwd")
    with catalogue.changing(), pytest.raises(ModelStoreError, match="is a link"):
        add(catalogue, found, None, around)
    assert not catalogue.locked()


@pytest.mark.parametrize("name", ["", "../x", "a/b", "A", ".x", "x" * 80, "models.lock", "a..b"])
def test_bad_names(catalogue: Catalogue, around: Surroundings, stick: Path, name: str) -> None:
    (stick / "m.gguf").write_bytes(GGUF)
    if not name:
        (stick / "m.gguf").rename(stick / "_.gguf")
        with pytest.raises(ModelStoreError, match="no name"):
            added(catalogue, around, stick / "_.gguf")
        return
    with pytest.raises(ModelStoreError, match="no name"):
        added(catalogue, around, stick / "m.gguf", name)


def test_what_is_no_model_says_what_is_known(stick: Path) -> None:
    (stick / "m.safetensors").write_bytes(b"x")
    for path in (stick, stick / "m.safetensors"):
        with pytest.raises(ModelStoreError, match=r"\.gguf"):
            recognise(path)
    (stick / "m.gguf").write_bytes(b"<html>")
    with pytest.raises(ModelStoreError, match="does not begin as a GGUF"):
        recognise(stick / "m.gguf")
    with pytest.raises(ModelStoreError, match="no such file"):
        recognise(stick / "nothing")


def test_one_of_the_manifests_models_is_held_to_its_checksums(
    tmp_path: Path, around: Surroundings, stick: Path
) -> None:
    files = [{"path": "little.gguf", "sha256": "0" * 64}]
    catalogue = Catalogue(tmp_path / "models", manifest_of(files=files))
    (stick / "little.gguf").write_bytes(GGUF)
    with pytest.raises(ChecksumError, match="manifest"):
        added(catalogue, around, stick / "little.gguf")
    assert added(catalogue, around, stick / "little.gguf", "other") == "other"


def test_room_for_a_copy(catalogue: Catalogue, around: Surroundings, stick: Path) -> None:
    (stick / "m.gguf").write_bytes(GGUF)
    full = Surroundings(around.progress, around.now, around.sleep, free_bytes=lambda _: 256_000_000)
    with pytest.raises(DiskFullError):
        added(catalogue, full, stick / "m.gguf")
