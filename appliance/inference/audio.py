"""Audio arithmetic of the model server: WAV in and out, resampling, where to cut."""

import io
import wave
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import soxr

from appliance.inference.protocols import (
    RECOGNIZER_RATE_HZ,
    BadRequestError,
    Samples,
    SpeechPiece,
)

LOWEST_RATE_HZ = 8000
HIGHEST_RATE_HZ = 48000

_SILENT = 0.002  # -54 dB: below it nothing is heard over a telephone
_EDGE_MS = 5
# As people pause: shorter within a sentence than after it.
_PAUSES_MS = {",": 130, ";": 220, ":": 220, ".": 320, "!": 320, "?": 320}
_LAST_MS = 60


def read_wav(data: bytes, longest_s: float) -> Samples:
    """Samples at `RECOGNIZER_RATE_HZ` from a WAV file: 16-bit PCM, mono, 8 to 48 kHz.

    Raises:
        BadRequestError: not such a file, or longer than ``longest_s``.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            pcm = file.readframes(file.getnframes())
    except (wave.Error, EOFError, ValueError, RuntimeError) as error:
        raise BadRequestError(f"file: not a WAV file ({error})", param="file") from error
    if channels != 1 or width != 2:
        raise BadRequestError("file: send one channel of 16-bit PCM", param="file")
    if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
        raise BadRequestError(f"file: {rate} Hz is outside 8000 to 48000", param="file")
    pcm = pcm[: len(pcm) // 2 * 2]
    if len(pcm) / 2 / rate > longest_s:
        raise BadRequestError(f"file: longer than {longest_s:.0f} s", param="file")
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768.0
    if rate == RECOGNIZER_RATE_HZ or not len(samples):
        return samples
    return np.asarray(soxr.resample(samples, rate, RECOGNIZER_RATE_HZ), dtype=np.float32)


def wav_bytes(pcm: bytes, rate_hz: int) -> bytes:
    """A WAV file of 16-bit mono PCM."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)
    return out.getvalue()


def resampled(pieces: Iterator[SpeechPiece], rate_hz: int | None) -> Iterator[SpeechPiece]:
    """The same speech at ``rate_hz``, piece by piece; None leaves it as the engine made it."""
    streams: dict[int, soxr.ResampleStream] = {}
    for piece in pieces:
        if rate_hz is None or piece.rate_hz == rate_hz:
            yield piece
            continue
        stream = streams.get(piece.rate_hz)
        if stream is None:
            stream = soxr.ResampleStream(piece.rate_hz, rate_hz, 1, dtype="int16")
            streams[piece.rate_hz] = stream
        samples = np.frombuffer(piece.pcm, dtype="<i2")
        yield SpeechPiece(_pcm(stream.resample_chunk(samples)), rate_hz)
    for stream in streams.values():
        yield SpeechPiece(
            _pcm(stream.resample_chunk(np.zeros(0, dtype=np.int16), last=True)), rate_hz or 0
        )


def _pcm(samples: np.ndarray) -> bytes:
    return samples.astype("<i2").tobytes()


def clause_pcm(samples: Samples, rate_hz: int, pause_ms: int) -> bytes:
    """A clause as PCM that can stand beside any other: no click at its ends, one pause after it.

    Engines leave anything from nothing to half a second of silence around what they say, and may
    stop in the middle of a swing. What is silent at the ends goes, the rest is faded in and out
    within 5 ms, and ``pause_ms`` of silence follow.
    """
    heard = np.flatnonzero(np.abs(samples) > _SILENT)
    if not len(heard):
        return b""
    margin = rate_hz * _EDGE_MS // 1000
    clause = samples[max(0, heard[0] - margin) : heard[-1] + 1 + margin].astype(np.float32)
    fade = np.linspace(0.0, 1.0, min(margin, len(clause)), dtype=np.float32)
    clause[: len(fade)] *= fade
    clause[len(clause) - len(fade) :] *= fade[::-1]
    pause = np.zeros(rate_hz * pause_ms // 1000, dtype=np.float32)
    out = np.clip(np.concatenate((clause, pause)), -1.0, 1.0) * 32767
    return _pcm(np.round(out))


def pause_after(clause: str, *, last: bool) -> int:
    """Milliseconds of silence that belong after a clause, by how it ends."""
    return _LAST_MS if last else _PAUSES_MS.get(clause[-1:], _PAUSES_MS[","])


def plan_pieces(
    spans: Sequence[tuple[int, int]],
    longest: int,
    quietest: Callable[[int, int], int],
    *,
    joined: bool = True,
) -> list[tuple[int, int]]:
    """Cut speech into pieces of at most ``longest`` samples, at pauses wherever there are any.

    Args:
        spans: speech as (first, past-last) sample, in order.
        quietest: the best sample to cut at between two samples, for speech without a pause.
        joined: whether neighbours that fit into one piece become one.
    """
    pieces: list[tuple[int, int]] = []
    for start, end in spans:
        while end - start > longest:
            cut = quietest(start + longest // 2, start + longest)
            pieces.append((start, cut))
            start = cut
        if joined and pieces and end - pieces[-1][0] <= longest:
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
    return pieces


def quietest_sample(samples: Samples, start: int, end: int, window: int = 800) -> int:
    """The middle of the ``window`` with the least energy between two samples."""
    part = np.concatenate(([0.0], np.cumsum(np.square(samples[start:end], dtype=np.float64))))
    if len(part) <= window + 1:
        return (start + end) // 2
    energy = part[window:] - part[:-window]
    return start + int(np.argmin(energy)) + window // 2
