"""The lock file and the choice: written at once, read with suspicion, taken back."""

import os
from pathlib import Path
from typing import Any

import pytest

from appliance.inference.store.errors import ModelStoreError
from appliance.inference.store.files import as_name, checked_name, sha256_of, write_atomically
from appliance.inference.store.in_use import (
    IN_USE,
    Choice,
    InUse,
    read_in_use,
    read_state,
    write_state,
)
from appliance.inference.store.lock import LOCK, LockedFile, LockedModel, read_lock, write_lock

MODEL = LockedModel(
    kind="voice", engine="piper", entry="a.onnx", source="added by hand", added="2026",
    files={"a.onnx": LockedFile(size=4, sha256="0" * 64, vouched="added by hand")},
)  # fmt: skip
GB = Choice(name="gb", engine="piper", model="/models/gb/gb.onnx", since="2026")
US = Choice(name="us", engine="espeak-ng", model="en-us", since="2026")


def test_the_lock_comes_back_as_it_was(tmp_path: Path) -> None:
    assert read_lock(tmp_path) == {}
    write_lock(tmp_path, {"b": MODEL, "a": MODEL})
    assert list(read_lock(tmp_path)) == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]


def test_a_lock_that_was_cut_off_says_how_to_mend_it(tmp_path: Path) -> None:
    write_lock(tmp_path, {"a": MODEL})
    whole = (tmp_path / LOCK).read_bytes()
    for length in range(len(whole) - 2):
        (tmp_path / LOCK).write_bytes(whole[:length])
        with pytest.raises(ModelStoreError, match=r"models\.lock is damaged .* backup"):
            read_lock(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"a":', '"../a":'),
        ('"a.onnx": {', '"../../a.onnx": {'),
        ('"piper"', '"llama-cpp"'),
        ('"voice"', '"shell"'),
        ("0" * 64, "0" * 63),
        ('"size": 4', '"size": -4'),
        ('"version": 1', '"version": 2'),
    ],
)
def test_a_lock_with_something_else_in_it_is_refused(tmp_path: Path, old: str, new: str) -> None:
    write_lock(tmp_path, {"a": MODEL})
    text = (tmp_path / LOCK).read_text()
    assert old in text
    (tmp_path / LOCK).write_text(text.replace(old, new, 1))
    with pytest.raises(ModelStoreError, match="damaged"):
        read_lock(tmp_path)


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    write_atomically(path, "old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["x"]


def test_choices_and_their_history_come_back_as_they_were(tmp_path: Path) -> None:
    assert read_in_use(tmp_path) == {}
    odd = Choice(name="odd", engine="piper", model='/mödels/a "b" \\c/\U0001f600.onnx', since="")
    state = InUse({}).with_choices({"voice": US}, "1").with_choices({"voice": odd}, "2")
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state
    assert read_in_use(tmp_path) == {"voice": odd}


def test_going_back_and_back_again() -> None:
    whisper = Choice(name="w", engine="faster-whisper", model="/w")
    state = (
        InUse({})
        .with_choices({"voice": US}, "1")
        .with_choices({"recognizer": whisper}, "2")
        .with_choices({"voice": GB}, "3")
    )
    (last,) = state.last_changes()
    state = state.without(last)
    assert state.choices == {"voice": US, "recognizer": whisper}
    (voice,) = state.last_changes("voice")
    state = state.without(voice)
    assert state.choices == {"recognizer": whisper}
    assert state.last_changes("voice") == []
    assert len(state.last_changes("recognizer")) == 1


def test_what_one_command_changed_goes_back_together() -> None:
    whisper = Choice(name="w", engine="faster-whisper", model="/w")
    state = InUse({}).with_choices({"voice": US}, "1")
    state = state.with_choices({"recognizer": whisper}, "2").with_choices({"voice": GB}, "2")
    both = state.last_changes()
    assert [change.kind for change in both] == ["voice", "recognizer"]
    for change in both:
        state = state.without(change)
    assert state.choices == {"voice": US}
    # Within one second: each kind once, so the older choice of a kind is another command's.
    state = InUse({}).with_choices({"voice": US}, "1").with_choices({"voice": GB}, "1")
    assert len(state.last_changes()) == 1


def test_the_history_ends_somewhere() -> None:
    state = InUse({})
    for turn in range(200):
        state = state.with_choices({"voice": US if turn % 2 else GB}, str(turn))
    assert len(state.history) == 50
    assert [change.at for change in state.last_changes()] == ["199"]


@pytest.mark.parametrize(
    "content",
    [
        b"[voice",
        b"\xff",
        b'[voice]\nname = "us"\n',
        b'[voice]\nname = "us"\nengine = "faster-whisper"\nmodel = "x"\n',
        b'[voice]\nname = "../us"\nengine = "piper"\nmodel = "x"\n',
        b'[voice]\nname = "us"\nengine = "piper"\nmodel = "a\\nb"\n',
        b'[router]\nname = "us"\n',
        b'[[history]]\nkind = "shell"\nat = ""\n',
    ],
)
def test_a_damaged_choice_says_how_to_mend_it(tmp_path: Path, content: bytes) -> None:
    (tmp_path / IN_USE).write_bytes(content)
    with pytest.raises(ModelStoreError, match=r"in_use\.toml is damaged .* Delete it"):
        read_in_use(tmp_path)


@pytest.mark.parametrize(
    ("text", "name"),
    [("My Model_Q4", "my-model-q4"), ("a..b", "a.b"), ("Ünï", "n"), ("x" * 90, "x" * 64)],
)
def test_a_name_from_a_file_name(text: str, name: str) -> None:
    assert as_name(text) == name
    assert checked_name(name) == name


def test_only_ordinary_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"GGUF")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    counted: list[Any] = []
    size, sha256 = sha256_of(tmp_path / "file", counted.append)
    assert (size, counted, len(sha256)) == (4, [4], 64)
    for name in ("link", "pipe"):
        with pytest.raises(ModelStoreError):
            sha256_of(tmp_path / name)
