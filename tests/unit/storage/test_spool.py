"""The spool: what is appended comes out again, whatever happens to processes and disks."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from appliance.calls.events import CallResumed, CallStarted, Event
from appliance.events.encoding import encode
from appliance.storage.spool import Spool, segment_path
from appliance.storage.spool_reader import (
    Batch,
    SpoolReader,
    adopt,
    events_of,
    spool_directories,
)


def _line(number: int) -> bytes:
    return b'{"n": %d}\n' % number


def _numbers(lines: list[bytes]) -> list[int]:
    return [json.loads(line)["n"] for line in lines]


def _read_all(reader: SpoolReader, max_lines: int = 7) -> list[int]:
    numbers: list[int] = []
    while (batch := reader.read(max_lines=max_lines)) is not None:
        numbers += _numbers(batch.lines)
        reader.confirm(batch)
    return numbers


def test_lines_come_out_in_order_across_segments_that_are_deleted(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=100)
    for number in range(200):
        spool.append(_line(number))
    reader = SpoolReader(spool.directory, finished=False)
    assert len(list(spool.directory.glob("*.jsonl"))) > 10
    assert _read_all(reader) == list(range(200))
    assert len(list(spool.directory.glob("*.jsonl"))) == 1
    spool.append(_line(200))
    assert _read_all(reader) == [200]
    spool.close()


def test_what_is_not_confirmed_is_read_again_also_after_a_restart(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(10):
        spool.append(_line(number))
    reader = SpoolReader(spool.directory, finished=False)
    first = reader.read(max_lines=4)
    assert first == reader.read(max_lines=4)
    assert isinstance(first, Batch)
    reader.confirm(first)
    assert _read_all(SpoolReader(spool.directory, finished=False)) == list(range(4, 10))
    spool.close()


def test_a_lost_position_means_reading_again_not_losing(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(_line(1))
    _read_all(SpoolReader(spool.directory, finished=False))
    (spool.directory / "position.json").write_text("{torn")
    assert _read_all(SpoolReader(spool.directory, finished=False)) == [1]
    spool.close()


@pytest.mark.parametrize(
    "position",
    [
        '{"segment": 1, "offset": -5}',
        '{"segment": 1, "offset": 1e999}',
        '{"segment": -1, "offset": 0}',
        '{"segment": 1, "offset": 999999}',
        '{"segment": 7, "offset": 0}',
        "[" * 100_000,
    ],
)
def test_a_spoilt_position_is_as_good_as_none(tmp_path: Path, position: str) -> None:
    segment_path(tmp_path, 1).write_bytes(_line(0) + _line(1))
    (tmp_path / "position.json").write_text(position)
    assert _read_all(SpoolReader(tmp_path, finished=True)) == [0, 1]


def test_what_is_no_segment_is_not_opened(tmp_path: Path) -> None:
    """A pipe would block the shipper for ever, and with it every call's events."""
    os.mkfifo(segment_path(tmp_path, 1))
    segment_path(tmp_path, 2).mkdir()
    segment_path(tmp_path, 3).symlink_to("/dev/zero")
    (tmp_path / "\N{SUPERSCRIPT TWO}.jsonl").write_bytes(_line(9))
    segment_path(tmp_path, 4).write_bytes(_line(0))
    assert _read_all(SpoolReader(tmp_path, finished=True)) == [0]
    assert events_of(tmp_path.parent, "call-1") == []


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (b'"seq": 1', b'"seq": 1e999'),
        (b'"data": {', b'"data": [], "more": {'),
        (b'"event_id": "', b'"event_id": 5, "more": "'),
        (b'"data": {', b'"data": ' + b"[" * 100_000 + b', "more": {'),
    ],
)
def test_a_line_that_is_no_event_hides_no_other(
    tmp_path: Path, part: bytes, instead: bytes
) -> None:
    own = tmp_path / "dead"
    own.mkdir()
    good, bad = _event("call-1", 1), encode(_event("call-1", 1)).replace(part, instead)
    assert instead in bad
    segment_path(own, 1).write_bytes(bad + encode(good))
    assert events_of(tmp_path, "call-1") == [good]


def test_a_line_longer_than_a_batch_comes_out_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(b"x" * 5000 + b"\n")
    spool.append(_line(1))
    reader = SpoolReader(spool.directory, finished=False)
    batch = reader.read(max_bytes=100)
    assert batch is not None
    assert batch.lines[0] == b"x" * 5000
    spool.close()


def test_an_unfinished_last_line_waits_for_a_living_writer_and_is_dropped_for_a_dead_one(
    tmp_path: Path,
) -> None:
    spool = Spool(tmp_path)
    spool.append(_line(1))
    with segment_path(spool.directory, 1).open("ab") as file:
        file.write(b'{"n": 2')
    living = SpoolReader(spool.directory, finished=False)
    assert _read_all(living) == [1]
    assert living.read() is None
    spool.append(b"}\n")
    assert _read_all(living) == [2]
    with segment_path(spool.directory, 1).open("ab") as file:
        file.write(b'{"n": 3')
    spool.close()
    (adopted,) = adopt(tmp_path)
    assert adopted.reader.read() is None
    adopted.remove()
    assert spool_directories(tmp_path) == []


def test_a_living_spool_is_not_adopted(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert list(adopt(tmp_path)) == []
    spool.close()
    (adopted,) = adopt(tmp_path)
    assert list(adopt(tmp_path)) == []
    adopted.release()
    assert len(list(adopt(tmp_path))) == 1


_WRITER = """
import sys
from pathlib import Path
from appliance.storage.spool import Spool
spool = Spool(Path(sys.argv[1]))
number = 0
while True:
    spool.append(b'{"n": %d}\\n' % number)
    number += 1
    if number == 2000:
        print(spool.directory, flush=True)
"""


def test_what_was_appended_survives_kill_9_of_the_writer(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        directory = Path(writer.stdout.readline().strip())
        assert list(adopt(tmp_path)) == []
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    (adopted,) = adopt(tmp_path)
    assert adopted.reader.directory == directory
    numbers = _read_all(adopted.reader, max_lines=5000)
    assert len(numbers) >= 2000
    assert numbers == list(range(len(numbers)))
    adopted.remove()


def test_many_threads_append_without_mixing_lines(tmp_path: Path) -> None:
    spool = Spool(tmp_path, segment_bytes=2000)

    def append(start: int) -> None:
        for number in range(start, start + 200):
            spool.append(_line(number))

    threads = [threading.Thread(target=append, args=(start,)) for start in range(0, 1600, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(_read_all(SpoolReader(spool.directory, finished=False))) == list(range(1600))
    spool.close()


def test_appends_are_forced_to_disk_in_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = threading.Event()
    calls: list[int] = []
    real = os.fsync

    def counting(handle: int) -> None:
        calls.append(handle)
        real(handle)
        synced.set()

    monkeypatch.setattr(os, "fsync", counting)
    spool = Spool(tmp_path, sync_delay_s=0.05)
    for number in range(500):
        spool.append(_line(number))
    assert synced.wait(5)
    spool.close()
    assert len(calls) < 20


_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from appliance.storage.spool import Spool
from appliance.storage.spool_reader import SpoolReader
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
spool = Spool(Path(sys.argv[1]), held_lines=50)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (105, hard))  # no file may grow past this
for number in range(40):
    spool.append(b'{"n": %02d}\\n' % number)
assert spool.lost == 0
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
for number in range(40, 45):
    spool.append(b'{"n": %02d}\\n' % number)
assert SpoolReader(spool.directory, finished=False).read().lines == [
    b'{"n": %02d}' % number for number in range(45)]
resource.setrlimit(resource.RLIMIT_FSIZE, (105, hard))
for number in range(100):
    spool.append(b'{"n": %02d}\\n' % number)
print(spool.lost)
"""


def test_a_full_disk_holds_lines_back_and_writes_them_when_it_has_room(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "50"
    assert "spool_disk" in done.stdout + done.stderr
    assert "spool_loses_events" in done.stdout + done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def _event(call_id: str, seq: int) -> Event:
    return CallResumed(
        call_id=call_id, organisation_id="o", seq=seq, controller="two", reason="take-over"
    )


def test_events_of_a_call_come_from_all_spools_once_and_in_order(tmp_path: Path) -> None:
    dead, living = Spool(tmp_path, segment_bytes=300), Spool(tmp_path)
    first = CallStarted(
        call_id="a", organisation_id="o", seq=1, did="1", caller_number="2",
        caller_name="call_id a\n", controller="one",
    )  # fmt: skip
    events = [first, *(_event("a", seq) for seq in (2, 3, 4))]
    for event in (events[2], events[0], _event("b", 1)):
        dead.append(encode(event))
    dead.close()
    living.append(b'rubbish about "a"\n')
    for event in (events[3], events[1], events[2]):
        living.append(encode(event))
    assert events_of(tmp_path, "a") == events
    assert events_of(tmp_path, "nobody") == []
    assert events_of(tmp_path / "missing", "a") == []
    living.close()


def test_closing_is_final_and_a_late_append_is_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.close(remove=True)
    spool.close()
    spool.append(_line(1))
    assert spool.lost == 1
    assert spool_directories(tmp_path) == []


def test_a_name_cannot_lead_out_of_the_root(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "root", name="../../x y")
    assert spool.directory.parent == tmp_path / "root"
    spool.close()
