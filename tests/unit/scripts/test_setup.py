"""scripts/setup.sh: whose Python packages it installs, and when it does so again."""

import os
import platform
import subprocess
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parents[3] / "scripts" / "setup.sh"
# What the script calls, with nothing missing; uv notes what it is told.
_COMMANDS = {
    "dpkg-query": "echo install ok installed",
    "ls": "echo /usr/lib/postgresql/15/bin/initdb /wheels/llama_cpp_python-1-{machine}.whl",
    "chromium": "true",
    "promtool": "true",
    "uv": """
        case "$1" in
            sync) mkdir -p .venv && echo "$@" >> told ;;
            export) echo 'llama-cpp-python==1' ;;
        esac
    """,
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, body in _COMMANDS.items():
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text("#!/bin/bash\n" + body.replace("{machine}", platform.machine()))
        command.chmod(0o755)
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "setup.sh").write_text(_SCRIPT.read_text())
    for name in ("uv.lock", "pyproject.toml"):
        (tmp_path / name).touch()
    media = tmp_path / "appliance" / "media"
    media.mkdir(parents=True)
    (media / "media_thread.c").write_text("const char *made_of = MEDIA_SOURCES;\n")
    (media / "media_thread.h").touch()
    return tmp_path


def _synced(checkout: Path, *arguments: str) -> str:
    """What uv was told to sync, if anything."""
    told = checkout / "told"
    told.unlink(missing_ok=True)
    path = f"{checkout / 'bin'}:{os.environ['PATH']}"
    script = ["bash", str(checkout / "scripts" / "setup.sh"), *arguments]
    subprocess.run(script, env={**os.environ, "PATH": path}, check=True, capture_output=True)
    return told.read_text() if told.exists() else ""


def test_a_service_goes_without_what_developers_need(checkout: Path) -> None:
    assert "--no-dev" in _synced(checkout, "service")
    assert _synced(checkout, "service") == ""
    # Whoever then wants to test has the rest installed, and a service makes do with all of it.
    assert "--no-dev" not in _synced(checkout, "tests")
    assert _synced(checkout) == ""
    assert _synced(checkout, "service") == ""


def test_developers_have_all_of_it(checkout: Path) -> None:
    told = _synced(checkout)
    assert told.startswith("sync --locked")
    assert "--no-dev" not in told
    # A stamp of before says nothing.
    (checkout / ".venv" / ".synced").write_text("")
    assert _synced(checkout) == ""
    newer = (checkout / ".venv" / ".synced").stat().st_mtime + 1
    os.utime(checkout / "uv.lock", (newer, newer))
    assert _synced(checkout, "tests") != ""


def test_the_media_thread_is_compiled_when_its_sources_change(checkout: Path) -> None:
    library = checkout / "appliance" / "media" / "libmediathread.so"
    _synced(checkout)
    first = library.stat()
    _synced(checkout)
    assert library.stat().st_ino == first.st_ino
    (checkout / "appliance" / "media" / "media_thread.h").write_text("/* more */\n")
    _synced(checkout)
    assert library.stat().st_ino != first.st_ino
    assert not library.with_suffix(".so.part").exists()
