"""The media thread by itself: on time whatever Python does, and awake only when it was asked."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from gevent.event import Event

from appliance.calls.errors import ConfigurationError
from appliance.media import media_thread as module
from appliance.media.media_thread import HEARD, SILENCE, SKIPPED, SPOKEN, Entry, Stream
from appliance.media.pcm import QUIET_DB

TONE = b"\1\0" * 160
LIMIT_S = 5.0


class Wire:
    """A stream and the far end of it, whose socket nobody waits on."""

    def __init__(self) -> None:
        self.near, self.far = (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)
        )  # fmt: skip
        for end in (self.near, self.far):
            end.bind(("127.0.0.1", 0))
        self.far.connect(self.near.getsockname())
        self.woken = Event()
        self.stream = Stream(
            self.near.fileno(),
            self.far.getsockname(),
            320,
            QUIET_DB,
            time.perf_counter(),
            self.woken.set,
        )

    def received(self) -> list[bytes]:
        frames = []
        self.far.setblocking(False)
        try:
            while True:
                frames.append(self.far.recv(4096))
        except BlockingIOError:
            return frames

    def entries_until(self, found: Callable[[list[Entry]], bool]) -> list[Entry]:
        entries: list[Entry] = []
        deadline = time.perf_counter() + LIMIT_S
        while not found(entries):
            assert time.perf_counter() < deadline
            self.woken.clear()
            self.stream.wake_after(1, 0.02)
            self.woken.wait(LIMIT_S)
            entries += self.stream.take()
        return entries

    def close(self) -> None:
        self.stream.close()
        self.near.close()
        self.far.close()


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


def stand_still(seconds: float) -> None:
    """Keep the interpreter, as a long computation in a callback would."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def test_a_stall_of_the_interpreter_is_not_heard(wire: Wire) -> None:
    voice = wire.stream.voice()
    voice.supply(TONE * 40)
    voice.supplied()
    wire.received()
    stand_still(0.4)
    frames = wire.received()
    assert 19 <= len(frames) <= 22, "20 frames were due"
    assert set(frames) == {TONE}


def test_the_journal_has_everything_in_its_order(wire: Wire) -> None:
    wire.entries_until(lambda entries: bool(entries))
    for number in range(5):
        wire.far.send(bytes([number, 1]) * 160)
    voice = wire.stream.voice()
    voice.supply(TONE * 2)
    voice.supplied()
    entries = wire.entries_until(lambda _: voice.done)
    heard = [entry.pcm[0] for entry in entries if entry.kind == HEARD]
    assert heard == [0, 1, 2, 3, 4]
    sent = [entry.kind for entry in entries if entry.kind != HEARD]
    first = sent.index(SPOKEN)
    assert sent[first : first + 2] == [SPOKEN, SPOKEN]
    assert set(sent[:first] + sent[first + 2 :]) <= {SILENCE}
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert voice.played == 2
    spoken = next(entry.at for entry in entries if entry.kind == SPOKEN)
    assert voice.first_at == spoken


def test_python_is_woken_for_the_frame_it_waits_for(wire: Wire) -> None:
    wire.entries_until(lambda entries: bool(entries))
    wire.woken.clear()
    wire.stream.wake_after(3, 60.0)
    for _ in range(2):
        wire.far.send(TONE)
    assert not wire.woken.wait(0.1)
    assert wire.stream.unread == 2
    wire.far.send(TONE)
    assert wire.woken.wait(LIMIT_S)


def test_quiet_frames_before_the_first_loud_one_do_not_count(wire: Wire) -> None:
    loud, faint, hush = (
        (np.sin(np.arange(160) * 0.3) * rms * 2**0.5).astype("<i2").tobytes()
        for rms in (80, 50, 30)  # 58 is QUIET_DB; half of that energy, 41, may be part of a frame
    )
    wire.entries_until(lambda entries: bool(entries))
    wire.woken.clear()
    wire.stream.wake_after(2, 60.0, most=30)
    for frame in [hush] * 20 + [loud]:
        wire.far.send(frame)
    assert not wire.woken.wait(0.1)
    wire.far.send(hush)
    assert wire.woken.wait(LIMIT_S)
    assert wire.stream.unread == 22
    for frames, unread in (([faint, hush], 2), ([hush] * 30, 30)):
        list(wire.stream.take())
        wire.woken.clear()
        wire.stream.wake_after(2, 60.0, most=30)
        for frame in frames[:-1]:
            wire.far.send(frame)
        assert not wire.woken.wait(0.1)
        wire.far.send(frames[-1])
        assert wire.woken.wait(LIMIT_S)
        assert wire.stream.unread == unread


def test_python_is_woken_when_the_time_is_over(wire: Wire) -> None:
    wire.stream.wake_after(1000, 0.1)
    assert wire.woken.wait(LIMIT_S)


def test_a_journal_that_nobody_reads_loses_the_newest_and_counts_it(wire: Wire) -> None:
    sent = 0
    while not wire.stream.counts["unlogged"]:
        wire.far.send(bytes([sent % 256, 1]) * 160)
        sent += 1
        deadline = time.perf_counter() + LIMIT_S
        while wire.stream.unread < sent and not wire.stream.counts["unlogged"]:
            assert time.perf_counter() < deadline
    heard = [entry.pcm[0] for entry in wire.stream.take() if entry.kind == HEARD]
    assert 250 <= len(heard) < sent
    assert heard == [number % 256 for number in range(len(heard))]
    # What was sent unlogged has made time all the same, and what comes now is taken again.
    wire.far.send(TONE)
    after = wire.entries_until(lambda entries: any(entry.kind == HEARD for entry in entries))
    lost = [entry.slots for entry in after if entry.kind == SKIPPED]
    assert sum(lost) == sum(entry.slots for entry in after[:1])


def test_half_frames_are_refused(wire: Wire) -> None:
    voice = wire.stream.voice()
    with pytest.raises(OSError, match="Invalid argument"):
        voice.supply(TONE[:-2])


def test_a_voice_of_a_closed_stream_is_mute() -> None:
    wire = Wire()
    before = wire.stream.voice()
    before.supply(TONE * 10)
    wire.close()
    after = wire.stream.voice()
    for voice in (before, after):
        voice.supply(TONE)
        voice.supplied()
        voice.hush()
        assert voice.done
        assert voice.waiting == 0


def test_a_library_of_other_sources_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "fingerprint", lambda: "0123456789abcdef")
    with pytest.raises(ConfigurationError, match="other sources: run `make install`"):
        module.library.__wrapped__()


def test_a_library_that_was_never_compiled_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "LIBRARY", tmp_path / "libmediathread.so")
    with pytest.raises(ConfigurationError, match=r"libmediathread\.so.*run `make install`"):
        module.library.__wrapped__()
