"""Settings: where they come from, who wins, and what is said when they are wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from appliance.calls.errors import ConfigurationError
from appliance.settings import InferenceSettings, Settings, load_settings


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("APPLIANCE_") or name in ("DATABASE_URL", "EVENT_SOCKET_PASSWORD"):
            monkeypatch.delenv(name)
    monkeypatch.setattr("appliance.settings._USUAL_FILE", tmp_path / "not-there.toml")


def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    path = tmp_path / "appliance.toml"
    path.write_text(text)
    monkeypatch.setenv("APPLIANCE_SETTINGS", str(path))
    return path


def test_it_starts_with_nothing_set() -> None:
    settings = load_settings()
    assert settings.switch.port == 8021
    assert settings.switch.password == ""  # there is no default on purpose
    assert settings.database_url == ""


def test_the_environment_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(tmp_path, monkeypatch, "database_url = 'file'\n[switch]\nport = 9\npassword = 'file'\n")
    assert load_settings().database_url == "file"
    monkeypatch.setenv("DATABASE_URL", "environment")
    monkeypatch.setenv("APPLIANCE_SWITCH__PASSWORD", "environment")
    settings = load_settings()
    assert settings.database_url == "environment"
    assert (settings.switch.port, settings.switch.password) == (9, "environment")


def test_names_that_others_share_come_after_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENT_SOCKET_PASSWORD", "shared")
    monkeypatch.setenv("DATABASE_URL", "shared")
    settings = load_settings()
    assert (settings.switch.password, settings.database_url) == ("shared", "shared")
    monkeypatch.setenv("APPLIANCE_SWITCH__PASSWORD", "ours")
    monkeypatch.setenv("APPLIANCE_DATABASE_URL", "ours")
    settings = load_settings()
    assert (settings.switch.password, settings.database_url) == ("ours", "ours")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("APPLIANCE_SWITCH__PORT", "eight", "switch.port"),
        ("APPLIANCE_SWITCH__PORT", "70000", "switch.port"),
        ("APPLIANCE_SWITCH__NAME", "x", "switch.name"),
        ("APPLIANCE_SWITCH", "x", "APPLIANCE_SWITCH__PORT"),
        ("APPLIANCE_SWICH__PORT", "8021", "APPLIANCE_SWICH__PORT"),
        ("APPLIANCE_NAMES", "x", "APPLIANCE_NAMES"),
        ("APPLIANCE_LOG_LEVEL", "LOUD", "log_level"),
        ("APPLIANCE_INFERENCE__DEVICE", "abacus", "inference.device"),
        ("APPLIANCE_INFERENCE__RECOGNIZE_TIMEOUT_S", "0", "inference.recognize_timeout_s"),
        ("APPLIANCE_SPEECH__NO_INPUT_MS", "-1", "speech.no_input_ms"),
        ("APPLIANCE_STORAGE__RECORDINGS", "perhaps", "storage.recordings"),
    ],
)
def test_what_is_wrong_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_names_stand_with_commas_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(tmp_path, monkeypatch, "[admin]\nhosts = ['a.example', 'b.example']\n")
    assert load_settings().admin.hosts == ("a.example", "b.example")
    monkeypatch.setenv("APPLIANCE_ADMIN__HOSTS", "tel.example.org, 192.0.2.2")
    monkeypatch.setenv("APPLIANCE_ADMIN__TRUSTED_PROXIES", "")
    own = load_settings().admin
    assert own.hosts == ("tel.example.org", "192.0.2.2")
    assert own.trusted_proxies == ()


def test_names_that_others_read_are_no_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_APP_PASSWORD", "x")
    load_settings()


def test_everything_that_is_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPLIANCE_SWITCH__PORT", "eight")
    monkeypatch.setenv("APPLIANCE_LOG_LEVEL", "LOUD")
    with pytest.raises(ConfigurationError, match=r"log_level.*switch\.port"):
        load_settings()


def test_a_file_that_is_named_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "missing.toml"
    monkeypatch.setenv("APPLIANCE_SETTINGS", str(missing))
    with pytest.raises(ConfigurationError, match=r"missing\.toml: No such file"):
        load_settings()


@pytest.mark.parametrize("text", ["[switch\n", "port = \n", "\x00"])
def test_a_file_that_is_no_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    file(tmp_path, monkeypatch, text)
    with pytest.raises(ConfigurationError, match=r"appliance\.toml: no valid TOML"):
        load_settings()


def test_a_usual_file_that_may_not_be_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("appliance.settings._USUAL_FILE", tmp_path / ("x" * 300))
    with pytest.raises(ConfigurationError, match=r"settings file .*: File name too long"):
        load_settings()


def test_a_file_that_is_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file(tmp_path, monkeypatch, "").write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(ConfigurationError, match="no valid TOML"):
        load_settings()


def test_a_word_in_the_file_that_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(tmp_path, monkeypatch, "[swich]\nport = 9\n")
    with pytest.raises(ConfigurationError, match="swich"):
        load_settings()


def test_they_do_not_change_while_a_process_runs() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.name = "another"
    with pytest.raises(ValidationError):
        settings.switch.port = 1


def test_everything_on_disk_is_below_one_folder() -> None:
    storage = Settings(storage={"directory": "/srv/appliance"}).storage  # type: ignore[arg-type]
    paths = (storage.spool, storage.phrases, storage.snapshot, storage.recording_directory)
    assert all(path.is_relative_to("/srv/appliance") for path in paths)
    assert len(set(paths)) == 4


def test_one_server_does_everything_unless_a_kind_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file(
        tmp_path, monkeypatch,
        '[inference]\nurl = "http://a"\nvoice_urls = ["http://v", "http://a"]\n',
    )  # fmt: skip
    monkeypatch.setenv("APPLIANCE_INFERENCE__RECOGNIZER_URLS", "http://far, http://a ,http://far,")
    inference = load_settings().inference
    assert inference.addresses(inference.recognizer_urls) == ("http://far", "http://a")
    assert inference.addresses(inference.language_model_urls) == ("http://a",)
    assert inference.addresses(inference.voice_urls) == ("http://v", "http://a")


@pytest.mark.parametrize("wrong", ["[1]", "{}", "7"])
def test_addresses_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    file(tmp_path, monkeypatch, f"[inference]\nvoice_urls = {wrong}\n")
    with pytest.raises(ConfigurationError, match=r"inference\.voice_urls"):
        load_settings()


@pytest.mark.parametrize(
    ("engine", "named", "used"),
    [
        ("piper", "", "starter.onnx"),
        ("piper", "/models/ryan.onnx", "ryan.onnx"),
        ("espeak-ng", "", "en-us"),
        ("espeak-ng", "de", "de"),
        ("instant", "", ""),
    ],
)
def test_a_voice_that_is_not_named_is_the_engine_s_own(engine: str, named: str, used: str) -> None:
    inference = InferenceSettings(voice=engine, voice_model=named)
    assert Path(inference.voice_in_use).name == used


def test_the_voice_that_comes_with_us_speaks() -> None:
    assert Path(InferenceSettings().voice_in_use).is_file()
