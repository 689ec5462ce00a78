"""Where events wait on disk until the database has them: append-only files of JSON lines.

Every process has its own directory under the root, locked for as long as it lives::

    spool/
        controller-1.4711.9f3a/
            lock              held (flock) by the process that writes here
            000001.jsonl      segments; a line is an event
            000002.jsonl
            position.json     up to where everything is in the database
        dead-letters.jsonl    what the database will never take, with the reason

A line is handed to the operating system before :meth:`Spool.append` returns, so it outlives the
process (kill -9). It is forced to the disk within ``sync_delay_s``, together with all lines that
came meanwhile, so a power cut costs at most that. See ``spool_reader`` for the way out again.
"""

import fcntl
import os
import re
import secrets
import shutil
import threading
from collections import deque
from pathlib import Path

import structlog

from appliance.storage.blocking import call_blocking

_log = structlog.get_logger(__name__)

LOCK = "lock"
POSITION = "position.json"
_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
_CLOSE_TIMEOUT_S = 5.0


def segment_path(directory: Path, number: int) -> Path:
    """The file of a segment; numbers count from 1."""
    return directory / f"{number:06d}.jsonl"


def lock_directory(directory: Path) -> int | None:
    """Lock a spool directory; the open lock file, or None when a living process holds it.

    The lock goes with the process, however it ends.
    """
    try:
        handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None  # removed by another process just now
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        mine = os.fstat(handle).st_ino == os.stat(directory / LOCK).st_ino
    except OSError:
        mine = False
    if not mine:
        os.close(handle)
        return None
    return handle


class Spool:
    """The writing end. Appending is cheap, never waits for a disk, and never raises.

    When the disk is full or failing, lines are held in memory (up to ``held_lines``) and written
    when it has room again; beyond that the newest are lost. Each change of state is logged.

    Attributes:
        directory: this process's own.
        appended: set after every append; a reader waits for it and clears it.
        appended_lines: how many were appended so far, without those that were lost.
        lost: lines that could be kept neither on disk nor in memory.

    Args:
        root: the directory of all processes' spools; made when missing.
        name: begins the directory's name, for people.
        segment_bytes: a new segment is begun past this size.
        sync_delay_s: how long lines are collected before they are forced to the disk together.
    """

    def __init__(
        self,
        root: Path,
        *,
        name: str = "appliance",
        segment_bytes: int = 4 * 2**20,
        sync_delay_s: float = 0.05,
        held_lines: int = 10_000,
    ) -> None:
        self.root = root
        self.directory, self._lock_handle = _make_directory(root, name)
        self.appended = threading.Event()
        self.appended_lines = 0
        self.lost = 0
        self._segment_bytes = segment_bytes
        self._sync_delay_s = sync_delay_s
        self._held: deque[bytes] = deque()
        self._held_lines = held_lines
        self._in_trouble = False
        self._lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._number = 1
        self._handle = os.open(segment_path(self.directory, 1), _APPEND, 0o600)
        self._size = 0
        self._finished_handles: list[int] = []
        self._new_segment = True
        self._dirty = threading.Event()
        self._closing = threading.Event()
        self._closed = False
        self._syncer = threading.Thread(target=self._sync_loop, name="spool-sync", daemon=True)
        self._syncer.start()

    def append(self, line: bytes) -> None:
        """Add one line, which ends in its only newline."""
        with self._lock:
            if self._closed:
                self.lost += 1
                _log.error("spool_closed", lost=self.lost)
                return
            self._held.append(line)
            self.appended_lines += 1
            self._write_held()
        if not self._dirty.is_set():
            self._dirty.set()
        if not self.appended.is_set():
            self.appended.set()

    def sync(self) -> None:
        """Return when everything appended so far has been forced to the disk."""
        with self._sync_lock:
            with self._lock:
                self._write_held()
                if self._closed:
                    return
                finished, self._finished_handles = self._finished_handles, []
                handle, new_segment = self._handle, self._new_segment
                self._new_segment = False
            try:
                for finished_handle in finished:
                    call_blocking(os.fsync, finished_handle)
                call_blocking(os.fsync, handle)
                if new_segment:
                    call_blocking(_sync_directory, self.directory)
            except OSError as error:
                self._trouble(error)
            finally:
                for finished_handle in finished:
                    os.close(finished_handle)

    def close(self, *, remove: bool = False) -> None:
        """Force everything to disk and let go of the directory.

        Args:
            remove: everything has been shipped, so the directory goes too. Otherwise the next
                living shipper adopts it.
        """
        self._closing.set()
        self._dirty.set()
        self._syncer.join(_CLOSE_TIMEOUT_S)
        self.sync()
        with self._sync_lock, self._lock:
            if self._closed:
                return
            self._closed = True
            os.close(self._handle)
            if remove and not self._held:
                shutil.rmtree(self.directory, ignore_errors=True)
            os.close(self._lock_handle)

    def _write_held(self) -> None:
        """Write what waits, oldest first. The caller holds the lock."""
        while self._held and not self._closed:
            if not self._write(self._held[0]):
                while len(self._held) > self._held_lines:
                    self._held.pop()
                    self.appended_lines -= 1
                    self.lost += 1
                    if self.lost == 1 or self.lost % 1000 == 0:
                        _log.critical("spool_loses_events", lost=self.lost)
                return
            self._held.popleft()
        if self._in_trouble:
            self._in_trouble = False
            _log.warning("spool_writes_again", directory=str(self.directory), lost=self.lost)

    def _write(self, line: bytes) -> bool:
        try:
            written = os.write(self._handle, line)
            if written != len(line):
                # The disk is full in mid-line. Without its end the line would spoil the next one.
                os.ftruncate(self._handle, self._size)
                raise OSError(f"only {written} of {len(line)} bytes written")
        except OSError as error:
            self._trouble(error)
            return False
        self._size += written
        if self._size >= self._segment_bytes:
            self._begin_segment()
        return True

    def _begin_segment(self) -> None:
        try:
            handle = os.open(segment_path(self.directory, self._number + 1), _APPEND, 0o600)
        except OSError as error:
            _log.error("spool_segment", error=str(error))
            return  # the old one goes on growing
        self._finished_handles.append(self._handle)
        self._handle, self._size, self._new_segment = handle, 0, True
        self._number += 1

    def _trouble(self, error: OSError) -> None:
        if not self._in_trouble:
            self._in_trouble = True
            _log.critical("spool_disk", error=str(error), directory=str(self.directory))

    def _sync_loop(self) -> None:
        while not self._closing.is_set():
            self._dirty.wait()
            self._closing.wait(self._sync_delay_s)
            self._dirty.clear()
            self.sync()
            if self._held and not self._closing.wait(0.5):
                self._dirty.set()  # the disk may have room again; try without a new line


def _make_directory(root: Path, name: str) -> tuple[Path, int]:
    """Make and lock a directory. It gets its name once locked, so nobody adopts it meanwhile."""
    root.mkdir(parents=True, exist_ok=True)
    plain = re.sub(r"[^A-Za-z0-9_-]", "-", name)[:40]
    label = f"{plain}.{os.getpid()}.{secrets.token_hex(4)}"
    hidden = root / f".{label}"
    hidden.mkdir(mode=0o700)
    handle = lock_directory(hidden)
    if handle is None:
        raise OSError(f"the spool directory {hidden} cannot be locked")
    directory = root / label
    hidden.rename(directory)
    return directory, handle


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
