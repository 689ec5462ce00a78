"""What a server starts with, and how a process that tried a model may end."""

import signal
from pathlib import Path

import pytest

from appliance.inference.config import InferenceConfig
from appliance.inference.store.errors import SmokeTestError
from appliance.inference.store.in_use import IN_USE, Choice, InUse, write_state
from appliance.inference.store.smoke import _facts
from appliance.inference.store.starting import with_models_in_use

CONFIG = InferenceConfig(recognizer_model="/settings/whisper", language_model_file="/settings/d")


def test_what_was_chosen_stands_in_place_of_the_settings(tmp_path: Path) -> None:
    model = tmp_path / "base"
    model.mkdir()
    recognizer = Choice(name="base", engine="faster-whisper", model=str(model))
    voice = Choice(name="gb", engine="espeak-ng", model="en")
    write_state(tmp_path, InUse({}).with_choices({"recognizer": recognizer, "voice": voice}, "now"))
    said: list[str] = []
    config = with_models_in_use(CONFIG, tmp_path, said.append)
    assert (config.recognizer_model, config.voice_model) == (str(model), "en")
    assert config.language_model_file == "/settings/d"
    assert not said


def test_a_model_that_is_gone_and_a_damaged_file_keep_nothing_from_starting(
    tmp_path: Path,
) -> None:
    gone = Choice(name="base", engine="faster-whisper", model=str(tmp_path / "gone"))
    write_state(tmp_path, InUse({}).with_choices({"recognizer": gone}, "now"))
    said: list[str] = []
    assert with_models_in_use(CONFIG, tmp_path, said.append) == CONFIG
    (tmp_path / IN_USE).write_text("[recog")
    assert with_models_in_use(CONFIG, tmp_path, said.append) == CONFIG
    assert with_models_in_use(CONFIG, tmp_path / "nothing", said.append) == CONFIG
    assert ["pull base" in said[0], "damaged" in said[1]] == [True, True]
    assert len(said) == 2


@pytest.mark.parametrize(
    ("status", "out", "err", "says"),
    [
        (-signal.SIGSEGV, b"", b"", "ended by SIGSEGV"),
        (-signal.SIGKILL, b"", b"", "too little memory"),
        (1, b"", b"Traceback\nImportError: no libfoo\n", "ended with: ImportError: no libfoo"),
        (0, b"", b"", "ended with: nothing"),
        (0, b'{"ok": false, "failed": "it says nothing"}', b"", "it says nothing"),
    ],
)
def test_however_the_process_ends_it_is_said(
    status: int, out: bytes, err: bytes, says: str
) -> None:
    with pytest.raises(SmokeTestError, match=f"^little.*{says}"):
        _facts("little", status, out, err)
