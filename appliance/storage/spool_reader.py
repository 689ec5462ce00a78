"""The way out of the spool: lines in order, confirmed once the database has them."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from appliance.calls.events import Event, from_record
from appliance.storage.spool import LOCK, POSITION, lock_directory, segment_path

_log = structlog.get_logger(__name__)

_SEGMENT = re.compile(r"([0-9]{6,12})\.jsonl")


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole lines that follow each other in one segment.

    Attributes:
        data: the lines, each with its newline.
        segment, end: where to go on once these are in the database.
    """

    data: bytes
    segment: int
    end: int

    @property
    def lines(self) -> list[bytes]:
        """The lines without their newlines."""
        return self.data[:-1].split(b"\n")


class SpoolReader:
    """Reads one process's directory, and deletes what has been confirmed.

    A last line without its end belongs to a write that is going on, or to a process that died in
    the middle of it; the latter is dropped.

    Args:
        directory: of the spool.
        finished: nobody writes there any more.
    """

    def __init__(self, directory: Path, *, finished: bool) -> None:
        self.directory = directory
        self._finished = finished
        self._segment, self._offset = self._load_position()

    def read(self, max_lines: int = 500, max_bytes: int = 2**20) -> Batch | None:
        """The next lines after the last confirmed; None when there are none now.

        Reading again without :meth:`confirm` gives the same lines.
        """
        while True:
            # Looked at before reading: what is written between the two is then not overlooked.
            segments = _segments(self.directory)
            data = self._read_lines(max_lines, max_bytes) if self._segment in segments else b""
            if data:
                return Batch(data, self._segment, self._offset + len(data))
            following = min((n for n in segments if n > self._segment), default=None)
            if following is None:
                if self._finished:
                    self._note_torn()
                return None
            self._note_torn()
            self._move(following, 0)

    def confirm(self, batch: Batch) -> None:
        """The database has these lines: never read them again."""
        self._move(batch.segment, batch.end)

    def _read_lines(self, max_lines: int, max_bytes: int) -> bytes:
        try:
            with segment_path(self.directory, self._segment).open("rb") as file:
                file.seek(self._offset)
                data = file.read(max_bytes)
                while data and b"\n" not in data and (more := file.read(max_bytes)):
                    data += more  # one line longer than a batch
        except FileNotFoundError:
            return b""
        data = data[: data.rfind(b"\n") + 1]
        if data.count(b"\n") > max_lines:
            data = b"\n".join(data.split(b"\n", max_lines)[:max_lines]) + b"\n"
        return data

    def _note_torn(self) -> None:
        path = segment_path(self.directory, self._segment)
        left = path.stat().st_size - self._offset if path.exists() else 0
        if left > 0:
            _log.warning("spool_torn_line_dropped", segment=str(path), size=left)

    def _move(self, segment: int, offset: int) -> None:
        finished = segment > self._segment
        self._segment, self._offset = segment, offset
        path = self.directory / POSITION
        try:
            fresh = path.with_suffix(".tmp")
            fresh.write_text(json.dumps({"segment": segment, "offset": offset}))
            fresh.replace(path)
            for number in _segments(self.directory) if finished else ():
                if number < segment:
                    segment_path(self.directory, number).unlink(missing_ok=True)
        except OSError as error:
            # Costs reading some lines twice after a restart, and the database knows them then.
            _log.error("spool_position", error=str(error))

    def _load_position(self) -> tuple[int, int]:
        try:
            position = json.loads((self.directory / POSITION).read_text())
            segment, offset = int(position["segment"]), int(position["offset"])
            if segment > 0 and 0 <= offset <= segment_path(self.directory, segment).stat().st_size:
                return segment, offset
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            pass  # none yet, or spoilt: what the database has already is passed over there
        return min(_segments(self.directory), default=1), 0


class AdoptedSpool:
    """The spool of a process that is gone, locked so that only one other process ships it."""

    def __init__(self, directory: Path, lock_handle: int) -> None:
        self.reader = SpoolReader(directory, finished=True)
        self._lock_handle = lock_handle

    def remove(self) -> None:
        """Everything is in the database: delete the directory."""
        shutil.rmtree(self.reader.directory, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Leave it for somebody else."""
        os.close(self._lock_handle)


def adopt(root: Path) -> Iterator[AdoptedSpool]:
    """Lock, one after the other, the spools under ``root`` whose processes are gone.

    The taker calls ``remove`` or ``release`` on each.
    """
    for directory in spool_directories(root):
        if not (directory / LOCK).exists():
            continue
        handle = lock_directory(directory)
        if handle is not None:
            _log.info("spool_adopted", directory=str(directory))
            yield AdoptedSpool(directory, handle)


def spool_directories(root: Path) -> list[Path]:
    """Every process's directory under the root, living or not."""
    try:
        found = [path for path in root.iterdir() if not path.name.startswith(".")]
    except FileNotFoundError:
        return []
    return sorted(path for path in found if path.is_dir())


def events_of(root: Path, call_id: str) -> list[Event]:
    """What the spools of all processes still hold of one call, in order, each event once.

    For taking a call over while the database lags behind or is down. Lines that are no events
    are passed over: the shipper deals with them.
    """
    needle = json.dumps(call_id, ensure_ascii=False).encode("utf-8", "replace")
    found: dict[UUID, Event] = {}
    for directory in spool_directories(root):
        for number in _segments(directory):
            try:
                data = segment_path(directory, number).read_bytes()
            except OSError:
                continue  # shipped and deleted just now, or not to be read
            for line in _lines_with(needle, data):
                event = _parse(line)
                if event is not None and event.call_id == call_id:
                    found[event.event_id] = event
    return sorted(found.values(), key=lambda event: event.seq)


def _lines_with(needle: bytes, data: bytes) -> Iterator[bytes]:
    """Lines that hold ``needle``, found without cutting up those that do not."""
    end = 0
    while (at := data.find(needle, end)) >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        end = data.find(b"\n", at)
        if end < 0:
            end = len(data)
        yield data[start:end]


def _parse(line: bytes) -> Event | None:
    try:
        return from_record(json.loads(line))
    except (AttributeError, KeyError, OverflowError, RecursionError, TypeError, ValueError):
        return None


def _segments(directory: Path) -> list[int]:
    """The numbers of a spool's segments; anything else that lies there is not looked at."""
    try:
        with os.scandir(directory) as entries:
            names = [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []
    found = (_SEGMENT.fullmatch(name) for name in names)
    return sorted(int(match[1]) for match in found if match)
