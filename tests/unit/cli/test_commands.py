"""The command line: what it says when it is used wrongly, and how it ends."""

import argparse
import socket
import sys
from pathlib import Path

import pytest

from appliance import wiring
from appliance.calls.errors import ConfigurationError
from appliance.cli import run
from appliance.cli.arguments import at_least_one
from appliance.cli.lab import keep_folder
from appliance.cli.tables import calls_table
from appliance.settings import InferenceSettings, Settings, StorageSettings

SCENARIO = "name: x\nsteps: [wait_for_greeting]\n"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "APPLIANCE_DATABASE_URL", "APPLIANCE_SETTINGS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no-such-command"],
        ["lab"],
        ["lab", "run"],
        ["lab", "run", "--switch", "other", "x.yaml"],
        ["lab", "run", "--controllers", "0", "x.yaml"],
        ["lab", "run", "--controllers", "two", "x.yaml"],
        ["calls", "--limit", "-1"],
        ["import-directory"],
        ["demo", "--loud"],
    ],
)
def test_wrong_arguments_are_explained(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    assert ended.value.code == 2
    assert "usage: appliance" in capsys.readouterr().err


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for command in ("controller", "inference", "migrate", "import-directory", "lab", "demo"):
        assert command in told


def test_a_scenario_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lab", "run", "missing.yaml"]) == 1
    assert capsys.readouterr().err == "appliance: missing.yaml: No such file or directory\n"


def test_a_scenario_with_a_mistake_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(SCENARIO + "expect: {outcome: happy}\n")
    assert run(["lab", "run", str(file)]) == 1
    assert f"{file}:3: expect.outcome" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["migrate"], ["calls"], ["import-directory", "x.yaml"]])
def test_no_database_is_one_line(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 1
    told = capsys.readouterr().err
    assert told.startswith("appliance: no database: set DATABASE_URL")
    assert told.count("\n") == 1


def test_a_demo_without_its_scenarios_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("appliance.cli.demo._SCENARIOS", tmp_path)
    assert run(["demo"]) == 1
    assert "run the demo from a checkout" in capsys.readouterr().err


def test_ctrl_c_ends_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("appliance.cli.database.run_migrate", interrupted)
    assert run(["migrate"]) == 130


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("20", 20)])
def test_a_count(text: str, number: int) -> None:
    assert at_least_one(text) == number


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "²", "x" * 9999])
def test_no_count(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        at_least_one(text)
    assert len(str(caught.value)) < 100


def test_a_folder_that_is_kept_and_one_that_is_not(tmp_path: Path) -> None:
    with keep_folder(tmp_path) as kept:
        assert kept == tmp_path
    with keep_folder(None) as passing:
        assert passing.is_dir()
        assert passing.stat().st_mode & 0o005 == 0o005  # PostgreSQL's user must get in
    assert not passing.exists()


def test_callers_names_are_text_in_tables() -> None:
    from datetime import UTC, datetime

    from rich.console import Console

    from appliance.events.reader import CallSummary

    now = datetime(2024, 1, 1, tzinfo=UTC)
    call = CallSummary(
        call_id="x", first_event_at=now, last_event_at=now, last_seq=1, started_at=None, did=None,
        caller_number="+1", caller_name="[red]Bob[/red]\n\x1b[2J" + "x" * 10_000, controller=None,
        times_resumed=0, ended_at=None, outcome=None, cause=None, how=None,
        talked_ms=None,
    )  # fmt: skip
    console = Console(record=True, width=200, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(calls_table("Calls [bold]", [call]))
    told = console.export_text()
    assert "[red]Bob[/red]" in told
    assert "\x1b[2J" not in told
    assert "in progress" in told
    assert "x" * 50 not in told


def test_an_error_of_ours_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wrong(_: argparse.Namespace) -> int:
        raise ConfigurationError("set APPLIANCE_SWITCH__PASSWORD")

    monkeypatch.setattr("appliance.cli.controller.run", wrong)
    assert run(["controller"]) == 1
    assert capsys.readouterr().err == "appliance: set APPLIANCE_SWITCH__PASSWORD\n"
    assert sys.exc_info() == (None, None, None)


def test_a_storage_directory_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(
        database_url="postgresql://nobody@127.0.0.1:9/nothing",
        storage=StorageSettings(directory=tmp_path / "file"),
    )
    with (
        pytest.raises(ConfigurationError, match=r"file/spool: .*APPLIANCE_STORAGE__DIRECTORY"),
        wiring.controller(settings),
    ):
        pass


def test_a_port_that_another_has_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = Settings(
            inference=InferenceSettings(port=other.getsockname()[1], language_model="rules"),
            storage=StorageSettings(directory=tmp_path),
        )
        with pytest.raises(ConfigurationError, match=r"in use.*APPLIANCE_INFERENCE__HOST"):
            wiring.serve_inference(settings, lambda: None)


def test_files_for_freeswitch_go_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("appliance.cli.render.rendered_files", dict)
    assert run(["render", str(tmp_path)]) == 1
    assert "no freeswitch.xml" in capsys.readouterr().err


def test_passwords_are_read_in_for_the_domain_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    domains: list[str] = []
    monkeypatch.setattr(
        "appliance.cli.database.import_directory",
        lambda _database, _file, *, domain: domains.append(domain),
    )
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    monkeypatch.setenv("APPLIANCE_SWITCH__DOMAIN", "phones.example.org")
    assert run(["import-directory", "x.yaml"]) == 0
    assert domains == ["phones.example.org"]
    assert "appliance render" in capsys.readouterr().out
