"""Files that appear whole, and a disk that stops nobody's audio."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.storage.whole_files import write_whole

_PROCESS = """
import gevent.monkey
gevent.monkey.patch_all()
import os, sys
from pathlib import Path
import gevent
from appliance.storage.whole_files import write_whole

audio = gevent.monkey.get_original("_thread", "allocate_lock")()
audio.acquire()
went_on = []
os.fsync = lambda handle: went_on.append(audio.acquire(timeout=20))
playing = gevent.spawn(audio.release)
write_whole(Path(sys.argv[1]), b"whole")
assert went_on == [True], went_on
"""


def test_what_is_there_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"one")
    write_whole(path, b"another")
    assert path.read_bytes() == b"another"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_refuses_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"one")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space"):
        write_whole(path, b"another")
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named_by_the_file(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "file"
    with pytest.raises(FileNotFoundError) as raised:
        write_whole(path, b"one")
    assert raised.value.filename == str(path)


def test_a_slow_disk_does_not_stop_other_greenlets(tmp_path: Path) -> None:
    path = tmp_path / "file"
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS, str(path)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert path.read_bytes() == b"whole"
