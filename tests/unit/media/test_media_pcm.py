"""Levels, framing, resampling, WAV."""

import wave
from pathlib import Path

import numpy as np
import pytest

from appliance.calls.errors import ConfigurationError
from appliance.lab.sound import resampled
from appliance.media import wav
from appliance.media.framing import Framer
from appliance.media.pcm import (
    SILENCE_DB,
    checked_rate,
    duration_ms,
    frame_bytes,
    level_db,
    silent_frame,
    stereo,
)
from appliance.media.resampling import StreamResampler

RATES = pytest.mark.parametrize("rate_hz", [8000, 16000])


def sine(rate_hz: int, length_s: float, hz: float = 400.0, level: float = 0.5) -> bytes:
    t = np.arange(round(rate_hz * length_s)) / rate_hz
    return (level * 32767 * np.sin(2 * np.pi * hz * t)).astype("<i2").tobytes()


@RATES
def test_sizes(rate_hz: int) -> None:
    assert frame_bytes(rate_hz) == rate_hz // 25
    assert len(silent_frame(rate_hz)) == frame_bytes(rate_hz)
    assert duration_ms(bytes(frame_bytes(rate_hz) * 3), rate_hz) == 60


@pytest.mark.parametrize("rate_hz", [0, -8000, 11025, 44100])
def test_other_rates_are_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match=str(rate_hz)):
        checked_rate(rate_hz)


@RATES
def test_levels(rate_hz: int) -> None:
    assert level_db(sine(rate_hz, 0.02)) == pytest.approx(-9.03, abs=0.05)
    assert level_db(sine(rate_hz, 0.02, level=0.05)) == pytest.approx(-29.03, abs=0.05)
    assert level_db(b"\x00\x80" * 160) == pytest.approx(0.0, abs=0.001)
    assert level_db(silent_frame(rate_hz)) == SILENCE_DB
    assert level_db(b"") == level_db(b"\x01") == SILENCE_DB


def test_stereo_interleaves() -> None:
    assert stereo(b"\1\0\2\0", b"\3\0\4\0") == b"\1\0\3\0\2\0\4\0"


@RATES
@pytest.mark.parametrize("size", [1, 2, 3, 160, 319, 320, 321, 640, 960, 5000])
def test_frames_from_chunks_of_any_size(rate_hz: int, size: int) -> None:
    pcm = sine(rate_hz, 0.5)
    framer = Framer(rate_hz)
    frames: list[bytes] = []
    for start in range(0, len(pcm), size):
        frames += framer.feed(pcm[start : start + size])
    last = framer.flush()
    frames += [last] if last else []
    assert {len(frame) for frame in frames} <= {frame_bytes(rate_hz)}
    if size % 2 == 0:
        assert b"".join(frames)[: len(pcm)] == pcm
    assert framer.flush() is None


def test_half_a_sample_does_not_swap_the_bytes_after_it() -> None:
    framer = Framer(8000)
    frames = [*framer.feed(b"\1\0" * 80 + b"\7"), *framer.feed(b"\1\0" * 80)]
    assert frames == [b"\1\0" * 160]


@pytest.mark.parametrize(("from_hz", "to_hz"), [(22050, 8000), (22050, 16000), (16000, 8000)])
def test_a_stream_is_converted_like_a_whole(from_hz: int, to_hz: int) -> None:
    pcm = sine(from_hz, 1.0)
    stream = StreamResampler(from_hz, to_hz)
    rng = np.random.default_rng(2)
    out, at = b"", 0
    while at < len(pcm):
        size = int(rng.integers(1, 4000))
        out += stream.feed(pcm[at : at + size])
        at += size
    out += stream.finish()
    assert len(out) == pytest.approx(to_hz * 2, abs=4)
    assert level_db(out) == pytest.approx(level_db(pcm), abs=0.1)
    inner = np.frombuffer(out, "<i2")[200:-200].astype(float)
    wanted = np.frombuffer(resampled(pcm, from_hz, to_hz), "<i2")[200 : 200 + len(inner)]
    assert np.abs(inner - wanted).max() < 50


def test_what_lies_above_the_new_band_is_gone() -> None:
    """Without a filter it would come back as a tone of 2 kHz."""
    stream = StreamResampler(16000, 8000)
    assert level_db(stream.feed(sine(16000, 1.0, hz=6000)) + stream.finish()) < -60


def test_equal_rates_pass_untouched() -> None:
    stream = StreamResampler(8000, 8000)
    assert stream.feed(b"\1\2\3") == b"\1\2\3"
    assert stream.finish() == b""


def test_wav_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    pcm = sine(8000, 0.1)
    path.write_bytes(wav.header(8000, 1, len(pcm)) + pcm)
    assert wav.read_mono(path) == (pcm, 8000)
    with wave.open(str(path)) as file:
        assert file.getnframes() == 800


@pytest.mark.parametrize("content", [b"", b"RIFF", b"no sound", wav.header(8000, 2, 0)])
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "b.wav"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"b\.wav"):
        wav.read_mono(path)
    with pytest.raises(ConfigurationError, match="missing"):
        wav.read_mono(tmp_path / "missing.wav")
