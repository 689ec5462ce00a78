"""Recordings on bad days: a killed process, a full disk, a taken name."""

import errno
import os
import signal
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from appliance.media.pcm import frame_bytes
from appliance.media.recording import StereoRecorder

FRAME = b"\1\0" * 160


def record(recorder: StereoRecorder, frames: int) -> None:
    for _ in range(frames):
        recorder.left(FRAME)
        recorder.right(None)


def read(path: Path) -> tuple[int, bytes]:
    with wave.open(str(path)) as file:
        return file.getnframes(), file.readframes(file.getnframes())


def test_what_a_killed_process_had_recorded_stays_playable(tmp_path: Path) -> None:
    path = tmp_path / "killed.wav"
    script = (
        "import sys, gevent; from pathlib import Path\n"
        "from appliance.media.recording import StereoRecorder\n"
        f"recorder = StereoRecorder(Path({str(path)!r}), 8000)\n"
        "for _ in range(3):\n"
        "    for _ in range(50):\n"
        "        recorder.left(b'\\1\\0' * 160); recorder.right(b'\\2\\0' * 160)\n"
        "    while recorder._writing is not None:\n"
        "        recorder._writing.wait(); recorder._write_next()\n"
        "recorder.left(b'\\1\\0' * 160); recorder.right(None)\n"
        "print('written', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    frames, pcm = read(path)
    assert frames == 3 * 8000
    assert pcm == b"\1\0\2\0" * frames


def test_a_full_disk_leaves_silence_and_recording_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = StereoRecorder(tmp_path / "full.wav", 8000)
    write = os.pwrite

    def full(*args: object) -> int:
        raise OSError(errno.ENOSPC, "no space left on device")

    record(recorder, 50)
    assert recorder._writing is not None
    recorder._writing.wait()
    monkeypatch.setattr(os, "pwrite", full)
    record(recorder, 50)
    recorder._writing.wait()
    monkeypatch.setattr(os, "pwrite", write)
    record(recorder, 50)
    recorder.close()
    frames, pcm = read(recorder.path)
    second = 8000 * 4
    assert frames == 3 * 8000
    assert pcm[:second] == b"\1\0\0\0" * 8000 == pcm[2 * second :]
    assert pcm[second : 2 * second] == bytes(second)
    assert recorder.lost_ms == 1000


def test_a_disk_that_hangs_costs_seconds_of_the_recording_not_memory(tmp_path: Path) -> None:
    recorder = StereoRecorder(tmp_path / "slow.wav", 8000)
    write_next = recorder._write_next
    recorder._write_next = lambda: None  # type: ignore[method-assign]
    record(recorder, 50 * 20)
    assert len(recorder._waiting) == 5
    assert recorder.lost_ms == 15_000
    recorder._write_next = write_next  # type: ignore[method-assign]
    recorder._write_next()
    recorder.close()
    frames, pcm = read(recorder.path)
    assert frames == 20 * 8000
    assert pcm.count(b"\1\0\0\0") == 5 * 8000


def test_one_side_may_be_ahead_but_nobody_waits_for_ever(tmp_path: Path) -> None:
    recorder = StereoRecorder(tmp_path / "skew.wav", 8000)
    for _ in range(200):
        recorder.left(FRAME)
    assert len(recorder._left) < 75
    recorder.close()
    assert read(recorder.path)[0] == 200 * 160


def test_a_second_recording_of_the_same_call_gets_a_name_of_its_own(tmp_path: Path) -> None:
    first = StereoRecorder(tmp_path / "call.wav", 16000)
    second = StereoRecorder(tmp_path / "call.wav", 16000)
    assert [first.path.name, second.path.name] == ["call.wav", "call-2.wav"]
    second.left(bytes(frame_bytes(16000)))
    first.close()
    second.close()
    second.close()
    assert oct(second.path.stat().st_mode & 0o777) == "0o640"
