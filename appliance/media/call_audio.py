"""One call's audio: what the media thread did of late, told frame by frame, and the recording."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import gevent
from gevent.event import Event

from appliance.media.framing import Framer
from appliance.media.media_thread import HEARD, SKIPPED, SPOKEN, Entry, Stream
from appliance.media.pacing import IntakeClock
from appliance.media.pcm import FRAME_MS, QUIET_DB, checked_rate, duration_ms, frame_bytes
from appliance.media.playback import Playback
from appliance.media.recording import StereoRecorder
from appliance.media.unicast import UnicastAddresses, UnicastSocket

_log = logging.getLogger(__name__)

LOST_MS: Final = 3000
"""A call without a frame for so long has no media; that `unicast` was answered +OK proves none."""

LONGEST_AWAY_MS: Final = 200
"""The journal is read at least so often, so that a lost stream or a finished buffer is noticed."""

LONGEST_REST_MS: Final = 1000
"""While the caller sends nothing but quiet frames it is read at least so often."""


@dataclass(slots=True)
class AudioCounts:
    """What became of a call's frames. ``late``: left more than 5 ms after they were due."""

    received: int = 0
    missing: int = 0
    overrun: int = 0
    sent: int = 0
    late: int = 0
    unsent: int = 0
    strangers: int = 0
    oversized: int = 0
    unlogged: int = 0


class Wanted(NamedTuple):
    """Up to which audio time an owner's ``on_frame`` may be kept waiting.

    ``at_rest``: nothing can come of quiet frames (below ``QUIET_DB``), however many there are, and
    the time counts from the last of them.
    """

    until_ms: int
    at_rest: bool = False


def at_leisure(audio_ms: int) -> Wanted:
    """What an owner says that waits for nothing in its frames."""
    return Wanted(audio_ms + LONGEST_AWAY_MS)


def _ignore(*_: object) -> None:
    return None


class CallAudio:
    """The caller's audio in, the appliance's voice out, 50 frames a second each way.

    The media thread moves the frames; a greenlet of the call's own reads the thread's journal
    whenever the owner wants to know more, and tells it everything in order. All callbacks run in it
    (or in whoever calls :meth:`catch_up`) and must not block.

    Args:
        rate_hz: the call's rate, FreeSWITCH's ``variable_read_rate``.
        on_frame: called once per 20 ms of audio time with the caller's frame, or None when none
            came, and the time its end stands for. Frames come several at a time.
        on_lost: called once when nothing has come for ``lost_after_ms``, with the time it has been
            silent; again only after frames came back.
        wanted: asked after every few frames, with the audio time reached: up to when ``on_frame``
            may be kept waiting. It is for ``LONGEST_AWAY_MS`` at most, or ``LONGEST_REST_MS``.
        record_to: WAV file for the stereo recording. That it cannot be written never stops a call.

    Attributes:
        now_playing: the frame that left before the one ``on_frame`` is told of, when it was speech;
            None when it was silence: what the caller's phone was playing, and what an echo would be
            of.
        closed: set when the stream has ended, by ``close`` or because a callback failed.
    """

    def __init__(
        self,
        rate_hz: int,
        *,
        on_frame: Callable[[bytes | None, int], None],
        on_lost: Callable[[int], None],
        wanted: Callable[[int], Wanted] = at_leisure,
        record_to: Path | None = None,
        lost_after_ms: int = LOST_MS,
    ) -> None:
        self._rate_hz = checked_rate(rate_hz)
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._wanted = wanted
        self._lost_after_ms = lost_after_ms
        self._framer = Framer(rate_hz)
        self._record_to = record_to
        self._recorder: StereoRecorder | None = None
        self._socket: UnicastSocket | None = None
        self._stream: Stream | None = None
        self._greenlet: gevent.Greenlet | None = None
        self._queue: deque[Playback] = deque()
        self._woken = self._asleep = False
        self._heard = Event()
        self._reading = self._shutting = False
        self._lost = False
        self._counts = AudioCounts()
        self.now_playing: bytes | None = None
        self.closed = Event()

    def open(self) -> UnicastAddresses:
        """Bind a port, start playing silence, and return what FreeSWITCH is to be told.

        Raises:
            OSError: when there is no port.
            ConfigurationError: the media thread was not compiled.
        """
        self._socket = UnicastSocket()
        started_at = time.perf_counter()
        self._clock = IntakeClock(started_at)
        if self._record_to is not None:
            try:
                self._recorder = StereoRecorder(self._record_to, self._rate_hz)
            except OSError as error:
                _log.warning("no recording: %s", error)
        self._stream = Stream(
            self._socket.fileno(), self._socket.peer, frame_bytes(self._rate_hz), QUIET_DB,
            started_at, self._wake,
        )  # fmt: skip
        self._stream.wake_after(1, LONGEST_AWAY_MS / 1000)
        self._greenlet = gevent.spawn(self._run)
        self._greenlet.name = f"call-audio-{self._socket.addresses.remote_port}"
        return self._socket.addresses

    @property
    def audio_ms(self) -> int:
        """Milliseconds of audio time since ``open``. When no frame comes it goes on in steps."""
        if self._stream is None:
            return 0
        unread = 0 if self._reading or self.closed.is_set() else self._stream.unread
        return self._clock.audio_ms + unread * FRAME_MS

    @property
    def playing(self) -> bool:
        """Whether something is being said, or about to be."""
        return any(not playback.done.is_set() for playback in self._queue)

    @property
    def recording(self) -> Path | None:
        """The file of the recording; None when there is none."""
        return self._recorder.path if self._recorder is not None else None

    @property
    def counts(self) -> AudioCounts:
        """What became of the frames so far."""
        if self._stream is not None and not self.closed.is_set():
            self._counts = replace(self._counts, **self._stream.counts)
        return replace(self._counts)

    def first_frame(self, timeout_s: float) -> bool:
        """Wait for the caller's first frame. False: the call has no media."""
        return bool(self._heard.wait(timeout_s))

    def say(self, chunks: Iterable[bytes]) -> Playback:
        """Play PCM at the call's rate, after whatever is already being said.

        The first frame leaves as soon as the first chunk is there, not at the next 20 ms.
        """
        assert self._stream is not None, "say() before open()"
        voice = self._stream.voice()
        playback = Playback(chunks, self._rate_hz, voice, name="playback-feeder")
        if self._shutting:
            playback.stop()
        else:
            self._queue.append(playback)
        return playback

    def flush(self) -> None:
        """Stop everything that is being said or queued. The next frame is silence."""
        while self._queue:
            self._queue.pop().stop()  # from the end, so that none has its turn meanwhile

    def catch_up(self) -> None:
        """Tell everything that has happened up to now, and ask anew up to when that is enough.

        For an owner who learns something by another way and wants its frames up to date first. Does
        nothing in a callback: what it is told there is the latest.
        """
        if self._reading or self.closed.is_set() or self._stream is None:
            return
        try:
            self._read(self._stream)
            if not self.closed.is_set():
                self._see_to_playbacks()
                self._stay_away(self._stream)
        except Exception:
            self._shut()
            raise
        except gevent.GreenletExit:  # it was the caller's greenlet that is over, not the call
            gevent.get_hub().loop.run_callback(self._wake)
            raise

    def close(self) -> None:
        """End the stream, stop what is being said and finish the recording."""
        if self._greenlet is not None and self._greenlet is not gevent.getcurrent():
            self._greenlet.kill()
        self._shut()

    # the stream's greenlet

    def _run(self) -> None:
        try:
            while not self.closed.is_set():
                self._sleep()
                self.catch_up()
        finally:
            self._shut()

    def _sleep(self) -> None:
        """Wait for :meth:`_wake`. An Event would do, for twice as much of the hub's time."""
        while not self._woken:
            self._asleep = True
            try:
                gevent.get_hub().switch()
            finally:
                self._asleep = False
        self._woken = False

    def _wake(self) -> None:
        """Called in gevent's hub: look at the journal."""
        self._woken = True
        if self._asleep and self._greenlet is not None:
            self._greenlet.switch()

    def _read(self, stream: Stream) -> None:
        self._reading = True
        try:
            for entry in stream.take():
                if self.closed.is_set():
                    break
                self._tell(entry)
        finally:
            self._reading = False

    def _tell(self, entry: Entry) -> None:
        if entry.kind == HEARD:
            self._receive(entry)
            return
        self._keep_time(entry.at)
        frame = entry.pcm if entry.kind == SPOKEN else None
        if entry.kind != SKIPPED:
            self.now_playing = frame
        if self._recorder is not None:
            for _ in range(max(entry.slots, 1)):
                self._recorder.right(frame)

    def _receive(self, entry: Entry) -> None:
        self._clock.datagram(entry.at, duration_ms(entry.pcm, self._rate_hz))
        self._lost = False
        self._heard.set()
        for frame in self._framer.feed(entry.pcm):
            if self.closed.is_set():
                break
            if self._clock.accept(entry.at):
                self._counts.received += 1
                self._slot(frame)
            else:
                self._counts.overrun += 1

    def _keep_time(self, now: float) -> None:
        """Fill the slots for which nothing came, and notice when nothing comes at all."""
        if not self._clock.stalled(now):
            return
        while not self.closed.is_set() and self._clock.missing(now):
            self._counts.missing += 1
            self._slot(None)
        silent_ms = self._clock.silent_ms(now)
        if not self._lost and not self.closed.is_set() and silent_ms >= self._lost_after_ms:
            self._lost = True
            self._on_lost(silent_ms)

    def _slot(self, frame: bytes | None) -> None:
        if self._recorder is not None:
            self._recorder.left(frame)
        self._on_frame(frame, self._clock.audio_ms)

    def _see_to_playbacks(self) -> None:
        for playback in self._queue:
            playback.keep_up()
        while self._queue and self._queue[0].done.is_set():
            self._queue.popleft()

    def _stay_away(self, stream: Stream) -> None:
        """Be woken when the owner can be kept waiting no longer.

        While frames come they are counted, and the wake-up is on time to the frame; when they have
        stopped, the clock tells.
        """
        now, audio_ms = time.perf_counter(), self._clock.audio_ms
        if not self._heard.is_set():  # nobody can be kept waiting for the first
            stream.wake_after(1, self._clock.due_in_s(1, now))
            return
        until_ms, at_rest = self._wanted(audio_ms)
        frames = max(min(until_ms - audio_ms, LONGEST_AWAY_MS) // FRAME_MS, 1)
        at_rest = at_rest and not self._clock.stalled(now)
        most = LONGEST_REST_MS // FRAME_MS if at_rest else frames
        stream.wake_after(frames, self._clock.due_in_s(most, now), most=most)

    def _shut(self) -> None:
        if self._shutting:
            return
        self._shutting = True
        self.flush()
        self._on_frame = self._on_lost = _ignore
        try:
            if self._stream is not None and not self._reading:
                self._read(self._stream)  # for the recording
        finally:
            self._counts = self.counts
            self.closed.set()
            gevent.get_hub().loop.run_callback(self._wake)
            for part in (self._stream, self._socket, self._recorder):
                if part is not None:
                    part.close()
