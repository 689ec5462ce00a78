"""Where speech is cut, and what is taken for a WAV file."""

import contextlib
import io
import itertools
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.inference.audio import (
    plan_pieces,
    quietest_sample,
    read_wav,
    resampled,
    wav_bytes,
)
from appliance.inference.clauses import speakable, split_clauses
from appliance.inference.protocols import BadRequestError, SpeechPiece

LONGEST = 1000


@given(st.lists(st.tuples(st.integers(1, 700), st.integers(1, 3000)), max_size=12))
def test_pieces_hold_all_speech_and_none_is_too_long(lengths: list[tuple[int, int]]) -> None:
    spans = []
    at = 0
    for pause, speech in lengths:
        spans.append((at + pause, at + pause + speech))
        at += pause + speech
    pieces = plan_pieces(spans, LONGEST, lambda start, end: (start + end) // 2)
    assert all(0 < end - start <= LONGEST for start, end in pieces)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(pieces))
    for start, end in spans:
        covered = sum(max(0, min(end, e) - max(start, s)) for s, e in pieces)
        assert covered == end - start


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    samples = np.ones(16000, dtype=np.float32)
    samples[9000:9800] = 0.0
    assert quietest_sample(samples, 4000, 15000) == 9400


def test_a_wav_file_comes_back_as_it_was() -> None:
    pcm = (np.sin(np.arange(16000) / 20) * 9000).astype("<i2")
    samples = read_wav(wav_bytes(pcm.tobytes(), 16000), longest_s=2)
    assert np.allclose(samples * 32768, pcm)
    assert len(read_wav(wav_bytes(pcm.tobytes(), 8000), longest_s=3)) == pytest.approx(32000, abs=8)


def stereo() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(400))
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"not a wav file at all" * 10,
        wav_bytes(bytes(100), 8000)[:20],
        wav_bytes(bytes(100), 4000),
        wav_bytes(bytes(100), 192000),
        wav_bytes(bytes(8000 * 2 * 4), 8000),
        stereo(),
    ],
)
def test_what_is_no_usable_wav_is_refused(data: bytes) -> None:
    with pytest.raises(BadRequestError):
        read_wav(data, longest_s=3)


@given(st.binary(max_size=300))
def test_damaged_wav_never_raises_anything_else(tail: bytes) -> None:
    with contextlib.suppress(BadRequestError):
        read_wav(wav_bytes(bytes(200), 8000)[:36] + tail, longest_s=3)


def test_resampling_in_pieces_keeps_the_length() -> None:
    pieces = [SpeechPiece(bytes(2 * 2205), 22050)] * 10
    out = list(resampled(iter(pieces), 8000))
    assert {piece.rate_hz for piece in out} == {8000}
    assert sum(len(piece.pcm) for piece in out) == pytest.approx(8000 * 2, abs=40)
    assert list(resampled(iter(pieces), None)) == pieces


@given(st.text(max_size=300))
def test_clauses_lose_no_word(text: str) -> None:
    assert " ".join(split_clauses(text)) == speakable(text)
    assert all(clause.isprintable() for clause in split_clauses(text))


def test_the_first_clause_is_short() -> None:
    clauses = split_clauses("Thank you for calling, how can we help? We are open until six.")
    assert clauses == ["Thank you for calling,", "how can we help?", "We are open until six."]
