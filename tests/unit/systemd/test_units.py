"""systemd takes the units, and none of them makes files that everybody can read."""

import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[3] / "systemd"
_PROGRAM = "/opt/appliance/.venv/bin/appliance"


def _texts() -> dict[str, str]:
    files = (path for path in UNITS.rglob("*") if path.is_file())
    return {str(path.relative_to(UNITS)): path.read_text() for path in files}


def test_systemd_takes_them(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    # A package's own unit stands under FreeSWITCH's addition, and something is there to be run.
    texts = {**_texts(), "freeswitch.service": f"[Service]\nExecStart={_PROGRAM}\n"}
    for name, text in texts.items():
        file = tmp_path / name.replace("@.", "@1.")
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace(_PROGRAM, "/bin/true"))
    units = sorted(str(path) for path in tmp_path.glob("*.service"))
    assert len(units) == 4
    done = subprocess.run([analyze, "verify", *units], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_files_are_not_for_everybody() -> None:
    texts = _texts()
    assert len(texts) == 4
    for name, text in texts.items():
        assert "\nUMask=0027\n" in text, name


def test_a_call_that_is_not_allowed_does_not_kill() -> None:
    filtered = {name: text for name, text in _texts().items() if "\nSystemCallFilter=" in text}
    assert len(filtered) == 3
    for name, text in filtered.items():
        assert "\nSystemCallErrorNumber=EPERM\n" in text, name


def test_the_storage_directory_is_the_one_that_may_be_written() -> None:
    own = {name: text for name, text in _texts().items() if "\nUser=appliance\n" in text}
    assert len(own) == 3
    for name, text in own.items():
        assert "\nStateDirectory=appliance\n" in text, name
        assert "\nEnvironment=APPLIANCE_STORAGE__DIRECTORY=%S/appliance\n" in text, name
