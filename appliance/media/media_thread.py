"""The thread that moves audio (``media_thread.c``), as Python uses it.

It sends and receives for all calls of the process on time, whatever the interpreter is doing, and
wakes a call's greenlet when the call asked for it. What it did in the meantime is in a journal.
"""

import hashlib
import os
import platform
import struct
import time
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final, NamedTuple

import gevent
from cffi import FFI

from appliance.calls.errors import ConfigurationError
from appliance.media.pcm import SAMPLE_BYTES

_FOLDER: Final = Path(__file__).parent
LIBRARY: Final = _FOLDER / "libmediathread.so"
SOURCES: Final = (_FOLDER / "media_thread.c", _FOLDER / "media_thread.h")

HEARD: Final = 1
SILENCE: Final = 2
SPOKEN: Final = 3
SKIPPED: Final = 4

_ENTRY: Final = struct.Struct("=dII")


class Entry(NamedTuple):
    """One thing that happened to a stream, at ``at`` seconds of the monotonic clock.

    ``kind`` is `HEARD` (a datagram of the caller's), `SPOKEN` (a frame of ours), `SILENCE` (a frame
    of silence), or `SKIPPED` (``slots`` frames of 20 ms were never sent: the machine stood still).
    """

    kind: int
    at: float
    pcm: bytes
    slots: int


def fingerprint() -> str:
    """What a library says of itself that was compiled here from the sources beside this file."""
    made_of = [source.read_text() for source in SOURCES] + [platform.machine() + "\n"]
    return hashlib.sha256("".join(made_of).encode()).hexdigest()[:16]


@cache
def library() -> tuple[FFI, Any]:
    """The compiled library and what describes it.

    Raises:
        ConfigurationError: it was never compiled, or from other sources than these.
    """
    ffi = FFI()
    ffi.cdef(SOURCES[1].read_text())
    mend = "run `make install`, which compiles it"
    try:
        lib: Any = ffi.dlopen(str(LIBRARY))
    except OSError as error:
        raise ConfigurationError(f"the media thread: {error}: {mend}") from error
    if ffi.string(lib.media_sources()) != fingerprint().encode():
        raise ConfigurationError(f"{LIBRARY} was compiled from other sources: {mend}")
    return ffi, lib


class MediaThread:
    """The process's thread. Only one thread of Python's may use it, the one with gevent's hub.

    Raises:
        ConfigurationError: the library is missing or stale.
        OSError: the thread cannot be started.
    """

    def __init__(self) -> None:
        self.ffi, self.lib = library()
        self.handle = self.lib.media_start()
        _checked(self.ffi, self.handle)
        self._journal = bytearray()
        self._wake: dict[int, Callable[[], object]] = {}
        self._alarm = gevent.get_hub().loop.io(self.lib.media_alarm(self.handle), 1)
        self._alarm.start(self._ring)

    def _ring(self) -> None:
        while stream := self.lib.media_woken(self.handle):
            wake = self._wake.get(stream)
            if wake is not None:
                wake()

    def journal(self, stream: Any) -> bytes:
        """Take a stream's journal. One buffer serves all streams."""
        size = self.lib.media_journal_bytes(stream)
        if len(self._journal) < size:
            self._journal = bytearray(size)
        taken = self.lib.media_take(stream, self.ffi.from_buffer(self._journal))
        return bytes(memoryview(self._journal)[:taken])

    def wakes(self, stream: int, wake: Callable[[], object] | None) -> None:
        """Have ``wake`` called, in gevent's hub, when a stream wants to be looked at."""
        if wake is None:
            self._wake.pop(stream, None)
        else:
            self._wake[stream] = wake


@cache
def media_thread() -> MediaThread:
    """The one thread of this process, started when it is first asked for.

    Raises:
        ConfigurationError, OSError: as :class:`MediaThread`.
    """
    return MediaThread()


class Stream:
    """One call's audio as the thread moves it: frames of 20 ms each way, silence unless it speaks.

    Args:
        sock: a bound UDP socket. It must outlive the stream.
        peer: the only address that is listened to, and where frames go.
        frame_bytes: of 20 ms.
        quiet_db: what is below, in dB of full scale, is quiet for :meth:`wake_after`.
        started_at: when the first frame is due, in seconds of the monotonic clock.
        wake: called in gevent's hub when :meth:`wake_after` says so, or a voice has ended.

    Raises:
        ConfigurationError, OSError: there is no thread to be had, or no memory.
    """

    def __init__(
        self, sock: int, peer: tuple[str, int], frame_bytes: int, quiet_db: float,
        started_at: float, wake: Callable[[], object],
    ) -> None:  # fmt: skip
        self._thread = media_thread()
        self._ffi, self._lib = self._thread.ffi, self._thread.lib
        self._handle = self._lib.media_open(
            self._thread.handle,
            sock,
            int(IPv4Address(peer[0])),
            peer[1],
            frame_bytes,
            _quiet_energy(quiet_db, frame_bytes),
            started_at,
        )
        _checked(self._ffi, self._handle)
        self._id = self._lib.media_id(self._handle)
        self._thread.wakes(self._id, wake)

    def take(self) -> Iterator[Entry]:
        """Everything that has happened since the last time, in order."""
        journal = self._thread.journal(self._live())
        place = 0
        while place < len(journal):
            at, kind, size = _ENTRY.unpack_from(journal, place)
            place += _ENTRY.size
            if kind in (HEARD, SPOKEN):
                yield Entry(kind, at, journal[place : place + size], 0)
                place += size
            else:
                yield Entry(kind, at, b"", size)

    @property
    def unread(self) -> int:
        """How many of the caller's frames :meth:`take` would bring."""
        return int(self._lib.media_unread(self._live()))

    def wake_after(self, frames: int, within_s: float, *, most: int | None = None) -> None:
        """Wake once when so many frames have come since the last ``take``, or this time is over.

        Args:
            most: frames are counted from the last quiet one before the first that is not, but no
                more than so many in all. None: the quiet ones count like any other.
        """
        at = time.perf_counter() + within_s
        self._lib.media_wake(self._live(), frames, most or frames, at)

    def voice(self) -> "Voice":
        """Something to be said after everything that is being said already."""
        handle = self._lib.media_say(self._thread.handle, self._handle)
        _checked(self._ffi, handle)
        return Voice(self._ffi, self._lib, handle)

    @property
    def counts(self) -> dict[str, int]:
        """What became of the frames so far: the fields of ``media_counts``."""
        counts = self._lib.media_counted(self._live())
        return {name: int(getattr(counts, name)) for name in dir(counts)}

    def _live(self) -> Any:
        if self._handle == self._ffi.NULL:
            raise ValueError("the stream is closed")
        return self._handle

    def close(self) -> None:
        """Stop; what is being said ends. Afterwards :meth:`voice` gives mutes."""
        self._thread.wakes(self._id, None)
        handle, self._handle = self._handle, self._ffi.NULL
        self._lib.media_close(handle)


class Voice:
    """Something that is said over a stream. It may outlive the stream, and is silent then."""

    def __init__(self, ffi: FFI, lib: Any, handle: Any) -> None:
        self._ffi, self._lib = ffi, lib
        self._handle = ffi.gc(handle, lib.media_forget)

    def supply(self, frames: bytes) -> None:
        """More to say: whole frames. The first leaves at once when it is this voice's turn.

        Raises:
            OSError: there is no memory.
        """
        if self._lib.media_supply(self._handle, self._ffi.from_buffer(frames), len(frames)) < 0:
            raise OSError(self._ffi.errno, os.strerror(self._ffi.errno))

    def supplied(self) -> None:
        """There is no more: it is done when its last frame has had its 20 ms."""
        self._lib.media_supplied(self._handle)

    def hush(self) -> None:
        """Say no more. The next frame is silence, or the next voice's."""
        self._lib.media_hush(self._handle)

    @property
    def done(self) -> bool:
        """Whether all was said, or it was hushed."""
        return bool(self._progress().done)

    @property
    def waiting(self) -> int:
        """Frames that are still to be said."""
        return int(self._progress().waiting)

    @property
    def played(self) -> int:
        """Frames that have left."""
        return int(self._progress().played)

    @property
    def first_at(self) -> float | None:
        """When the first frame left, in seconds of the monotonic clock."""
        return float(self._progress().first_at) or None

    def _progress(self) -> Any:
        return self._lib.media_said(self._handle)


def _quiet_energy(quiet_db: float, frame_bytes: int) -> float:
    """Less energy in a datagram makes no frame as loud as ``quiet_db``, wherever frames begin.

    Half a frame's, as a frame may have parts of two datagrams.
    """
    samples = frame_bytes // SAMPLE_BYTES
    return float(samples * (32768 * 10 ** (quiet_db / 20)) ** 2 / 2)


def _checked(ffi: FFI, handle: Any) -> None:
    if handle == ffi.NULL:
        raise OSError(ffi.errno, os.strerror(ffi.errno))
