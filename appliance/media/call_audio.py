"""One call's audio: the unicast stream, time, playout and the recording."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import gevent
from gevent.event import Event
from gevent.hub import Waiter

from appliance.media.framing import Framer
from appliance.media.pacing import FRAME_S, IntakeClock, PlayoutSchedule
from appliance.media.pcm import checked_rate, duration_ms, silent_frame
from appliance.media.playback import Playback
from appliance.media.recording import StereoRecorder
from appliance.media.unicast import UnicastAddresses, UnicastSocket

_log = logging.getLogger(__name__)

LOST_MS: Final = 3000
"""A call without a frame for so long has no media; that `unicast` was answered +OK proves none."""

_SLACK_S: Final = 0.0005
_AWAKE_SLACK_S: Final = 0.003
"""A frame may leave this early, when the process is awake for a received one; it saves a wake-up.
On FreeSWITCH's side that is within the jitter of its own frames."""

_LATE_S: Final = 0.005


@dataclass(slots=True)
class AudioCounts:
    """What became of a call's frames. ``late``: left more than 5 ms after they were due."""

    received: int = 0
    missing: int = 0
    overrun: int = 0
    sent: int = 0
    late: int = 0
    slipped: int = 0
    strangers: int = 0
    oversized: int = 0
    unsent: int = 0


class CallAudio:
    """The caller's audio in, the appliance's voice out, 50 frames a second each way.

    A greenlet of its own wakes for every frame that comes and every frame that is due. All
    callbacks run in it and must not block.

    Args:
        rate_hz: the call's rate, FreeSWITCH's ``variable_read_rate``.
        on_frame: called once per 20 ms of audio time with the caller's frame, or None when none
            came, and the time its end stands for.
        on_lost: called once when nothing has come for ``lost_after_ms``, with the time it has been
            silent; again only after frames came back.
        record_to: WAV file for the stereo recording. That it cannot be written never stops a call.
        monotonic: seconds; a test may hand in its own.

    Attributes:
        audio_ms: audio time since ``open``. It goes on when no frame comes.
        now_playing: the frame that left last when it was speech, None when it was silence: what
            the caller's phone is playing, and what an echo would be of.
        closed: set when the stream has ended, by ``close`` or because a callback failed.
    """

    def __init__(
        self,
        rate_hz: int,
        *,
        on_frame: Callable[[bytes | None, int], None],
        on_lost: Callable[[int], None],
        record_to: Path | None = None,
        lost_after_ms: int = LOST_MS,
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._rate_hz = checked_rate(rate_hz)
        self._on_frame = on_frame
        self._on_lost = on_lost
        self._lost_after_ms = lost_after_ms
        self._monotonic = monotonic
        self._silence = silent_frame(rate_hz)
        self._framer = Framer(rate_hz)
        self._record_to = record_to
        self._recorder: StereoRecorder | None = None
        self._socket: UnicastSocket | None = None
        self._greenlet: gevent.Greenlet | None = None
        self._queue: deque[Playback] = deque()
        self._heard = Event()
        self._lost = False
        self._speech_until = 0.0
        self._counts = AudioCounts()
        self.now_playing: bytes | None = None
        self.closed = Event()

    def open(self) -> UnicastAddresses:
        """Bind a port, start playing silence, and return what FreeSWITCH is to be told.

        Raises:
            OSError: when there is no port.
        """
        self._socket = UnicastSocket()
        started_at = self._monotonic()
        self._schedule = PlayoutSchedule(started_at)
        self._clock = IntakeClock(started_at)
        if self._record_to is not None:
            try:
                self._recorder = StereoRecorder(self._record_to, self._rate_hz)
            except OSError as error:
                _log.warning("no recording: %s", error)
        self._greenlet = gevent.spawn(self._run, self._socket)
        self._greenlet.name = f"call-audio-{self._socket.addresses.remote_port}"
        return self._socket.addresses

    @property
    def audio_ms(self) -> int:
        """Milliseconds of audio time since ``open``."""
        return self._clock.audio_ms if self._socket is not None else 0

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
        if self._socket is None:
            return replace(self._counts)
        unheard = self._socket.counts
        return replace(
            self._counts,
            slipped=self._schedule.slipped,
            strangers=unheard.strangers,
            oversized=unheard.oversized,
            unsent=unheard.unsent,
        )

    def first_frame(self, timeout_s: float) -> bool:
        """Wait for the caller's first frame. False: the call has no media."""
        return bool(self._heard.wait(timeout_s))

    def say(self, chunks: Iterable[bytes]) -> Playback:
        """Play PCM at the call's rate, after whatever is already being said.

        The first frame leaves as soon as the first chunk is there, not at the next 20 ms.
        """
        playback = Playback(
            chunks, self._rate_hz, on_supply=self._supply_came, name="playback-feeder"
        )
        if self.closed.is_set():
            playback.stop()
        else:
            self._queue.append(playback)
        return playback

    def flush(self) -> None:
        """Stop everything that is being said or queued. The next frame is silence."""
        while self._queue:
            self._queue.popleft().stop()

    def close(self) -> None:
        """End the stream, stop what is being said and finish the recording."""
        if self._greenlet is not None and self._greenlet is not gevent.getcurrent():
            self._greenlet.kill()
        self._shut()

    # the stream's greenlet

    def _run(self, socket: UnicastSocket) -> None:
        readable = gevent.get_hub().loop.io(socket.fileno(), 1)
        slack_s = _SLACK_S
        try:
            while not self.closed.is_set():
                now = self._monotonic()
                self._keep_time(now, socket)
                wait_s = self._play(now, socket, slack_s) - self._monotonic()
                slack_s = _SLACK_S
                if wait_s <= 0:
                    gevent.sleep(0)
                elif not _wait_readable(readable, wait_s):
                    continue
                if self._receive(socket):
                    slack_s = _AWAKE_SLACK_S
        finally:
            readable.close()
            self._shut()

    def _receive(self, socket: UnicastSocket) -> bool:
        """Take one datagram. False when there is none."""
        datagram = socket.receive()
        if not datagram:
            return datagram is not None
        now = self._monotonic()
        self._clock.datagram(now, duration_ms(datagram, self._rate_hz))
        self._lost = False
        if not self._heard.is_set():
            self._heard.set()
            self._schedule.align(now)
        for frame in self._framer.feed(datagram):
            if self.closed.is_set():
                break
            if self._clock.accept(now):
                self._counts.received += 1
                self._slot(frame)
            else:
                self._counts.overrun += 1
        return True

    def _keep_time(self, now: float, socket: UnicastSocket) -> None:
        """Fill the slots for which nothing came, and notice when nothing comes at all."""
        if not self._clock.stalled(now):
            return
        while not self.closed.is_set() and self._receive(socket):
            pass  # the process was held up, not the caller: the frames are waiting
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

    # playout

    def _supply_came(self) -> None:
        if self._socket is not None and not self.closed.is_set():
            self._play(self._monotonic(), self._socket, _AWAKE_SLACK_S)

    def _play(self, now: float, socket: UnicastSocket, slack_s: float) -> float:
        """Send what is due within ``slack_s``. Returns when to look again."""
        due = now
        while not self.closed.is_set():
            playback = self._current(now)
            due = self._schedule.due(speech=playback is not None)
            if due > now + slack_s:
                speech_due = self._schedule.due(speech=True)
                if self._queue and now + slack_s < speech_due:
                    due = speech_due  # more may have been supplied by then
                break
            begins = playback is not None and self.now_playing is None
            if now - due > _LATE_S and not begins:
                self._counts.late += 1
            if playback is None:
                self._send(None, now, socket)
            else:
                self._send(playback.take(now), now, socket)
                self._speech_until = now + FRAME_S - _AWAKE_SLACK_S
        return due

    def _send(self, frame: bytes | None, now: float, socket: UnicastSocket) -> None:
        socket.send(self._silence if frame is None else frame)
        slipped = self._schedule.sent(now)
        self._counts.sent += 1
        self.now_playing = frame
        if self._recorder is not None:
            for _ in range(slipped):
                self._recorder.right(None)
            self._recorder.right(frame)

    def _current(self, now: float) -> Playback | None:
        """The playback that has a frame to give. One that has ended is marked as done.

        The last one is done when its last frame has had its 20 ms, so that whoever waits for it
        before bridging the call cuts nothing off.
        """
        while self._queue:
            head = self._queue[0]
            if not head.done.is_set():
                if head.ready:
                    return head
                last = len(self._queue) == 1
                if not head.exhausted or (last and now < self._speech_until):
                    return None
                head.finish()
            self._queue.popleft()
        return None

    def _shut(self) -> None:
        if self.closed.is_set() or self._socket is None:
            self.closed.set()
            return
        self.closed.set()
        self.flush()
        self._socket.close()
        if self._recorder is not None:
            self._recorder.close()


def _wait_readable(readable: object, timeout_s: float) -> bool:
    """Wait for an io watcher. False when the time has passed."""
    hub = gevent.get_hub()
    waiter: Waiter = Waiter(hub)
    timer = hub.loop.timer(timeout_s)
    readable.start(waiter.switch, True)  # type: ignore[attr-defined]
    timer.start(waiter.switch, False, update=True)
    try:
        return bool(waiter.get())
    finally:
        readable.stop()  # type: ignore[attr-defined]
        timer.close()
