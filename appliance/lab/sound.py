"""Sound for virtual phones: rendering speech, reading and writing WAV files, measuring levels.

PCM is 16-bit signed little-endian mono; a frame is 20 ms of it.
"""

import io
import wave
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from gevent import subprocess

from appliance.calls.errors import ConfigurationError

AUDIBLE_PEAK = 150
"""A sample above this makes a frame audible: over G.711's idle noise of 8, under any voice."""

LAST_AUDIBLE_DB = -34.0
"""A caller's last audible frame is the last one above this, relative to the utterance's peak."""


def frame_bytes(rate_hz: int) -> int:
    """Bytes of one 20 ms frame."""
    return rate_hz // 50 * 2


def silence(rate_hz: int) -> bytes:
    """One frame of nothing."""
    return bytes(frame_bytes(rate_hz))


def peak(pcm: bytes) -> int:
    """The largest absolute sample; 0 for no samples."""
    samples = np.frombuffer(pcm[: len(pcm) // 2 * 2], np.int16)
    return int(max(int(samples.max()), -int(samples.min()))) if samples.size else 0


def is_audible(pcm: bytes, threshold: int = AUDIBLE_PEAK) -> bool:
    """Whether anybody could hear it. Digital silence is told without looking at samples."""
    return bool(pcm.strip(b"\0")) and peak(pcm) > threshold


def frames_of(pcm: bytes, rate_hz: int) -> list[bytes]:
    """Cut into 20 ms frames; the last one is filled up with silence."""
    size = frame_bytes(rate_hz)
    return [pcm[at : at + size].ljust(size, b"\0") for at in range(0, len(pcm), size)]


def last_audible_frame(frames: Sequence[bytes]) -> int:
    """Index of the last frame at most 34 dB under the loudest sample; -1 when all are silent."""
    peaks = [peak(frame) for frame in frames]
    threshold = max(peaks, default=0) * 10 ** (LAST_AUDIBLE_DB / 20)
    return max((i for i, level in enumerate(peaks) if level > max(threshold, 1)), default=-1)


def noise(rate_hz: int, seconds: float, level: float = 0.05) -> bytes:
    """White noise with a standard deviation of ``level`` of full scale; the same every time."""
    samples = np.random.default_rng(7).standard_normal(int(rate_hz * seconds)) * level * 32767
    return bytes(np.clip(samples, -32768, 32767).astype("<i2").tobytes())


def tone(rate_hz: int, seconds: float, hertz: float = 440.0, level: float = 0.25) -> bytes:
    """A sine tone."""
    angle = 2 * np.pi * hertz / rate_hz * np.arange(int(rate_hz * seconds))
    return bytes((np.sin(angle) * level * 32767).astype("<i2").tobytes())


def resampled(pcm: bytes, from_hz: int, to_hz: int) -> bytes:
    """The same sound at another rate."""
    if from_hz == to_hz:
        return pcm
    samples = np.frombuffer(pcm, np.int16).astype(np.float32)
    out = soxr.resample(samples, from_hz, to_hz)
    return bytes(np.clip(np.round(out), -32768, 32767).astype("<i2").tobytes())


def read_wav(path: Path | io.BytesIO, rate_hz: int) -> bytes:
    """A WAV file's first channel at ``rate_hz``.

    Raises:
        ConfigurationError: when it is no 16-bit PCM file.
    """
    try:
        with wave.open(str(path) if isinstance(path, Path) else path, "rb") as file:
            if file.getsampwidth() != 2:
                raise ConfigurationError(f"{path}: write 16-bit PCM")
            channels, own_rate = file.getnchannels(), file.getframerate()
            raw = file.readframes(2**31 - 1 if file.getnframes() == 0 else file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise ConfigurationError(f"{path}: cannot be read as WAV: {error}") from error
    samples = np.frombuffer(raw[: len(raw) // (2 * channels) * 2 * channels], "<i2")
    return resampled(samples[::channels].tobytes(), own_rate, rate_hz)


def write_wav(path: Path, pcm: bytes, rate_hz: int, channels: int = 1) -> None:
    """Write PCM (interleaved when there are more channels)."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm)


@lru_cache(maxsize=512)
def speech(text: str, voice: str, words_per_minute: int, rate_hz: int) -> bytes:
    """``text`` spoken by espeak-ng, at ``rate_hz``; kept, so that a sentence is rendered once.

    Raises:
        ConfigurationError: when espeak-ng is missing or said nothing. A voice that it does not
            know is no error: it takes its default then.
    """
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(words_per_minute), "--", text]
    try:
        done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    except FileNotFoundError as error:
        raise ConfigurationError("espeak-ng is missing: install the package espeak-ng") from error
    if done.returncode != 0 or len(done.stdout) <= 44:
        reason = done.stderr.decode("utf-8", "replace").strip()
        raise ConfigurationError(f"espeak-ng cannot speak with voice {voice!r}: {reason}")
    # The header of a stream has no true length; it is always 44 bytes of mono PCM at 22,050 Hz.
    own_rate = int.from_bytes(done.stdout[24:28], "little")
    return resampled(done.stdout[44 : 44 + (len(done.stdout) - 44) // 2 * 2], own_rate, rate_hz)
