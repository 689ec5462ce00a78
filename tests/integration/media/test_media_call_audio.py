"""A call's audio against a far end on loopback. Times are waited for, not slept."""

import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest
from gevent import socket
from gevent.event import Event

from appliance.calls.errors import InferenceError
from appliance.media import playback as playback_module
from appliance.media.call_audio import CallAudio
from appliance.media.unicast import UnicastSocket
from tests.integration.media.far_end import FarEnd, far_end

TONE = b"\1\0"


class Call:
    """A call's audio, its far end, and what was noticed."""

    def __init__(self, rate_hz: int = 8000, **options: object) -> None:
        self.frames: list[tuple[bytes | None, int]] = []
        self.lost: list[int] = []
        self.changed = Event()
        self.audio = CallAudio(
            rate_hz,
            on_frame=self._on_frame,
            on_lost=self._on_lost,
            **options,  # type: ignore[arg-type]
        )
        self.addresses = self.audio.open()
        self._context = far_end(self.addresses)
        self.far: FarEnd = self._context.__enter__()

    def _on_frame(self, frame: bytes | None, at_ms: int) -> None:
        self.frames.append((frame, at_ms))
        self.changed.set()

    def _on_lost(self, silent_ms: int) -> None:
        self.lost.append(silent_ms)
        self.changed.set()

    def until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        with gevent.Timeout(timeout_s):
            while not condition():
                self.changed.clear()
                self.changed.wait()

    def close(self) -> None:
        self.audio.close()
        self._context.__exit__(None, None, None)


@pytest.fixture
def calls() -> Iterator[Callable[..., Call]]:
    opened: list[Call] = []

    def start(rate_hz: int = 8000, **options: object) -> Call:
        opened.append(Call(rate_hz, **options))
        return opened[-1]

    yield start
    for call in opened:
        call.close()


def test_silence_is_sent_all_the_time(calls: Callable[..., Call]) -> None:
    call = calls()
    call.far.wait_frames(20)
    assert {frame for _, frame in call.far.heard} == {bytes(320)}
    assert call.audio.counts.sent >= 20


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_frames_come_through_whole(calls: Callable[..., Call], rate_hz: int) -> None:
    call = calls(rate_hz)
    size = rate_hz // 25
    assert not call.audio.first_frame(0)
    call.far.send(b"\1\0" * (size // 4))  # half a frame, then one and a half
    call.far.send(b"\1\0" * (size // 4 * 3))
    assert call.audio.first_frame(2)
    call.until(lambda: sum(frame is not None for frame, _ in call.frames) == 2)
    assert {frame for frame, _ in call.frames} <= {None, b"\1\0" * (size // 2)}


def test_time_goes_on_without_a_frame(calls: Callable[..., Call]) -> None:
    call = calls()
    started = time.perf_counter()
    call.until(lambda: len(call.frames) >= 15)
    assert [at for _, at in call.frames[:15]] == list(range(20, 320, 20))
    assert {frame for frame, _ in call.frames} == {None}
    assert time.perf_counter() - started > 0.2
    assert call.audio.audio_ms >= 300


def test_a_call_without_frames_is_lost_once_and_may_come_back(calls: Callable[..., Call]) -> None:
    call = calls(lost_after_ms=100)
    call.until(lambda: bool(call.lost))
    assert 100 <= call.lost[0] < 1000
    call.far.wait_frames(10)
    assert len(call.lost) == 1
    call.far.send(bytes(320))
    call.until(lambda: len(call.lost) == 2)


def test_the_first_frame_is_noticed_at_once_however_late_it_comes(
    calls: Callable[..., Call],
) -> None:
    call = calls()
    call.far.wait_frames(15)  # longer than any other wake-up is put off
    call.far.send(TONE * 160)
    call.far.wait_frames(3)
    assert call.audio.first_frame(0)


def test_what_strangers_send_is_ignored_and_counted(calls: Callable[..., Call]) -> None:
    call = calls()
    to = (call.addresses.remote_ip, call.addresses.remote_port)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for _ in range(5):
            stranger.sendto(b"\7\0" * 160, to)
    call.far.send(TONE * 160)
    assert call.audio.first_frame(2)
    call.until(lambda: any(frame for frame, _ in call.frames))
    assert {frame for frame, _ in call.frames} <= {None, TONE * 160}
    assert call.audio.counts.strangers == 5
    assert call.audio.counts.received == 1


def test_absurd_datagrams_do_no_harm(calls: Callable[..., Call]) -> None:
    call = calls()
    for datagram in (b"", b"\1", b"\1\2\3", bytes(8194), bytes(60_000)):
        call.far.send(datagram)
    call.far.send(TONE * 160)
    call.until(lambda: any(frame for frame, _ in call.frames))
    assert call.audio.counts.oversized == 2


def test_no_two_calls_get_the_same_ports() -> None:
    sockets = [UnicastSocket() for _ in range(50)]
    try:
        assert len({item.addresses.local_port for item in sockets}) == 50
        for item in sockets:  # FreeSWITCH's end is still free
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as switch:
                switch.bind((item.addresses.local_ip, item.addresses.local_port))
    finally:
        for item in sockets:
            item.close()


def test_something_said_is_heard_whole_and_in_time(calls: Callable[..., Call]) -> None:
    call = calls()
    call.far.wait_frames(3)
    said_at = time.perf_counter()
    playback = call.audio.say([TONE * 1000, TONE * 601])
    assert call.audio.playing
    assert playback.wait(5)
    took = time.perf_counter() - said_at
    speech = call.far.speech()
    assert len(speech) == 11, "1601 samples: ten frames, and one sample filled up with silence"
    assert b"".join(frame for _, frame in speech).count(TONE) == 1601
    assert playback.played_ms == 220
    assert playback.first_frame_at is not None
    assert playback.first_frame_at - said_at < 0.015, "not held back until the next 20 ms"
    assert took >= 0.19, "done when it was played out, not when it was sent"
    assert not playback.interrupted
    assert not call.audio.playing


def test_playbacks_follow_one_another_without_a_gap(calls: Callable[..., Call]) -> None:
    call = calls()
    playbacks = [call.audio.say([bytes([n, 0]) * 800]) for n in (1, 2, 3)]
    assert playbacks[-1].wait(5)
    assert [playback.done.is_set() for playback in playbacks] == [True] * 3
    frames = [frame for _, frame in call.far.heard]
    first = next(i for i, frame in enumerate(frames) if any(frame))
    assert [frame[0] for frame in frames[first : first + 15]] == [1] * 5 + [2] * 5 + [3] * 5


def test_flush_stops_within_one_frame(calls: Callable[..., Call]) -> None:
    call = calls()
    closed = Event()

    def endless() -> Iterator[bytes]:
        try:
            while True:
                yield TONE * 160
        finally:
            closed.set()

    first, second = call.audio.say(endless()), call.audio.say([TONE * 160])
    call.far.wait_frames(12)
    call.audio.flush()
    so_far = len(call.far.speech())
    call.far.wait_frames(5)
    assert len(call.far.speech()) <= so_far + 1
    assert first.done.is_set()
    assert first.interrupted
    assert second.interrupted
    assert second.played_ms == 0
    assert first.played_ms >= 100
    assert closed.wait(2), "the source is closed"


def test_stopping_one_playback_lets_the_next_go_on(calls: Callable[..., Call]) -> None:
    call = calls()
    first, second = call.audio.say([TONE * 16000]), call.audio.say([b"\2\0" * 320])
    call.far.wait_frames(5)
    first.stop()
    assert second.wait(2)
    assert not second.interrupted
    assert second.played_ms == 40


def test_a_slow_source_leaves_silence_and_loses_nothing(calls: Callable[..., Call]) -> None:
    call = calls()
    more = Event()

    def source() -> Iterator[bytes]:
        yield TONE * 480
        more.wait()
        yield TONE * 320

    playback = call.audio.say(source())
    call.far.wait_frames(10)
    assert len(call.far.speech()) == 3
    assert not playback.done.is_set()
    more.set()
    assert playback.wait(2)
    assert len(call.far.speech()) == 5


@pytest.mark.parametrize("before", [0, 320])
def test_a_source_that_fails_ends_its_playback(calls: Callable[..., Call], before: int) -> None:
    call = calls()

    def source() -> Iterator[bytes]:
        if before:
            yield TONE * before
        raise InferenceError("no voice")

    playback = call.audio.say(source())
    assert playback.wait(2)
    assert isinstance(playback.error, InferenceError)
    assert playback.played_ms == before // 160 * 20


def test_an_empty_source_is_done_at_once(calls: Callable[..., Call]) -> None:
    playback = calls().audio.say([])
    assert playback.wait(2)
    assert playback.first_frame_at is None


def test_a_source_is_not_read_further_ahead_than_the_buffer(
    calls: Callable[..., Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory stays bounded however long the prompt is."""
    monkeypatch.setattr(playback_module, "_BUFFER_FRAMES", 50)
    monkeypatch.setattr(playback_module, "_REFILL_FRAMES", 25)
    call = calls()
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        while True:
            taken.append(1)
            yield TONE * 160

    playback = call.audio.say(endless())
    call.far.wait_frames(40)
    assert 50 < len(taken) <= 50 + playback.played_ms // 20 + 2


def test_closing_ends_everything(calls: Callable[..., Call]) -> None:
    call = calls()
    playback = call.audio.say([TONE * 16000])
    call.far.wait_frames(3)
    call.audio.close()
    assert playback.done.is_set()
    assert playback.interrupted
    assert call.audio.closed.is_set()
    late = call.audio.say([TONE * 160])
    assert late.done.is_set()
    assert late.interrupted
    call.audio.close()


def test_counts_outlive_the_call(calls: Callable[..., Call]) -> None:
    call = calls()
    call.far.wait_frames(5)
    call.audio.close()
    assert call.audio.counts.sent >= 5


def test_a_callback_that_fails_ends_the_stream_whoever_caught_up(
    calls: Callable[..., Call],
) -> None:
    call: Call = calls()

    def fail(frame: bytes | None, at_ms: int) -> None:
        raise RuntimeError("broken")

    call.far.wait_frames(3)
    call.far.send(TONE * 160)
    assert call.audio.first_frame(2)
    call.audio._on_frame = fail

    def send_and_catch_up() -> None:
        while not call.audio.closed.is_set():
            call.far.send(TONE * 160)
            call.audio.catch_up()

    with pytest.raises(RuntimeError, match="broken"):
        send_and_catch_up()
    assert call.audio.closed.is_set()
    with gevent.Timeout(2):
        call.audio.close()


def test_a_callback_may_close_the_call(calls: Callable[..., Call]) -> None:
    call: Call = calls()
    call.audio._on_frame = lambda frame, at_ms: call.audio.close()
    assert call.audio.closed.wait(2)


def test_a_phone_that_is_not_there_yet_is_no_error() -> None:
    """Before FreeSWITCH binds its end, the kernel refuses what we send."""
    slots: list[int] = []
    audio = CallAudio(
        8000, on_frame=lambda frame, at_ms: slots.append(at_ms), on_lost=lambda ms: None
    )
    heard = Event()
    audio._on_frame = lambda frame, at_ms: heard.set() if at_ms >= 200 else None
    audio.open()
    try:
        assert heard.wait(3)
    finally:
        audio.close()


def test_the_conversation_is_recorded(calls: Callable[..., Call], tmp_path: Path) -> None:
    call = calls(record_to=tmp_path / "deep" / "call.wav")
    playback = call.audio.say([TONE * 1600])
    for _ in range(5):
        call.far.send(b"\5\0" * 160)
    assert playback.wait(3)
    call.until(lambda: call.frames[-1][1] >= 300)
    call.audio.close()
    assert call.audio.recording == tmp_path / "deep" / "call.wav"
    with wave.open(str(call.audio.recording)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        pcm = file.readframes(file.getnframes())
    left = b"".join(pcm[i : i + 2] for i in range(0, len(pcm), 4))
    right = b"".join(pcm[i : i + 2] for i in range(2, len(pcm), 4))
    assert left.count(b"\5\0") == 800
    assert right.count(TONE) == 1600


def test_no_disk_no_recording_but_a_call(calls: Callable[..., Call], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    call = calls(record_to=tmp_path / "file" / "call.wav")
    call.far.wait_frames(3)
    assert call.audio.recording is None
