from pathlib import Path

import pytest

from appliance.calls.errors import ConfigurationError
from appliance.lab.hearing import JITTER_BUFFER_S, Ear
from appliance.lab.phones import Utterance, VirtualPhone
from appliance.lab.sound import (
    frames_of,
    is_audible,
    last_audible_frame,
    noise,
    peak,
    read_wav,
    resampled,
    silence,
    speech,
    tone,
    write_wav,
)
from appliance.lab.transcripts import MOST_SECONDS, cut

RATE = 8000
LOUD = tone(RATE, 0.02)


def hear(ear: Ear, begin: float, seconds: float) -> float:
    for index, frame in enumerate(frames_of(tone(RATE, seconds), RATE)):
        ear.feed(frame, begin + index * 0.02)
    return begin + seconds


def test_an_ear_knows_when_it_heard_something() -> None:
    ear = Ear(RATE, now=lambda: 0.0)
    ear.feed(silence(RATE), 1.0)
    hear(ear, 2.0, 0.1)
    hear(ear, 5.0, 0.1)
    assert ear.first_audible_after(0.0) == 2.0
    assert ear.first_audible_after(3.0) == 5.0
    assert ear.first_audible_after(6.0) is None
    assert [(round(p.started_at, 2), round(p.ended_at, 2)) for p in ear.pieces()] == [
        (2.0, 2.1),
        (5.0, 5.1),
    ]


def test_short_gaps_stay_in_a_piece_as_silence() -> None:
    ear = Ear(RATE, now=lambda: 0.0)
    end = hear(ear, 1.0, 0.2)
    hear(ear, end + 0.1, 0.2)
    [piece] = ear.pieces()
    assert len(piece.pcm) == pytest.approx(0.5 * RATE * 2, abs=640)


def test_frames_that_come_too_fast_are_lost() -> None:
    """A controller that does not pace its frames overruns the phone's jitter buffer."""
    ear = Ear(RATE, now=lambda: 0.0)
    for _ in range(100):
        ear.feed(LOUD, 1.0)
    assert 74 <= ear.dropped <= 75
    assert ear.pieces()[0].ended_at == pytest.approx(1.0 + JITTER_BUFFER_S, abs=0.03)


def test_an_utterance_times_its_audible_part() -> None:
    pcm = bytes(640) + tone(RATE, 0.1) + bytes(960)
    utterance = Utterance(pcm, RATE)
    now = 10.0
    while utterance.frames:
        utterance.next_frame(now)
        now += 0.02
    assert utterance.started_at == pytest.approx(10.04)
    assert utterance.last_audible_at == pytest.approx(10.04 + 0.1)
    assert utterance.done.is_set()


def test_a_phone_sends_silence_noise_speech_or_nothing() -> None:
    phone = VirtualPhone("1")
    assert phone.next_frame(0.0) == silence(RATE)
    said = phone.say(tone(RATE, 0.02))
    frame = phone.next_frame(0.02)
    assert frame is not None
    assert is_audible(frame)
    assert said.done.is_set()
    assert phone.next_frame(0.04) == silence(RATE)
    phone.make_noise(0.05)
    noisy = phone.next_frame(0.06)
    assert noisy is not None
    assert peak(noisy) > 1000
    phone.sends_audio = False
    assert phone.next_frame(0.08) is None


def test_stop_talking_releases_who_waits() -> None:
    phone = VirtualPhone("1")
    said = phone.say(tone(RATE, 1.0))
    phone.stop_talking()
    assert said.done.is_set()
    assert phone.next_frame(0.0) == silence(RATE)


def test_wav_files_come_back(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, tone(16000, 0.5), 16000)
    assert len(read_wav(path, RATE)) == pytest.approx(RATE, abs=8)
    path.write_bytes(b"no wav")
    with pytest.raises(ConfigurationError, match=r"a\.wav"):
        read_wav(path, RATE)


def test_levels() -> None:
    assert not is_audible(silence(RATE))
    assert not is_audible(b"\x08\x00" * 160)
    assert last_audible_frame([silence(RATE)]) == -1
    assert last_audible_frame([LOUD, silence(RATE)]) == 0
    assert len(resampled(noise(RATE, 1.0), RATE, 16000)) == pytest.approx(32000, abs=8)


def test_espeak_speaks() -> None:
    pcm = speech("yes please", "en-us", 160, RATE)
    assert 0.3 < len(pcm) / 2 / RATE < 2.0
    assert peak(pcm) > 3000


def test_long_pieces_are_cut_where_it_is_quiet() -> None:
    pcm = tone(RATE, 4.0) + bytes(RATE // 5) + tone(RATE, 4.0)
    pieces = cut(pcm, RATE)
    assert b"".join(pieces)[: len(pcm)] == pcm
    assert [round(len(piece) / 2 / RATE, 1) for piece in pieces] == [4.0, 4.1]
    assert all(len(piece) <= MOST_SECONDS * RATE * 2 for piece in pieces)
