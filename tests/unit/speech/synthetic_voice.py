"""Sound for the turn-taking tests: a synthetic voice, noises, a room. Deterministic."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from appliance.media.pcm import frame_bytes, samples
from appliance.speech.events import PauseStarted, SpeechEvent
from appliance.speech.turn_taker import TurnTaker

Wave = npt.NDArray[np.floating[Any]]
E = TypeVar("E", bound=SpeechEvent)

VOWELS = ((700, 1200), (300, 2200), (500, 900), (400, 1900), (600, 1700), (350, 800))


def to_pcm(wave: Wave) -> bytes:
    return (np.clip(wave, -1, 1) * 32767).astype("<i2").tobytes()


def to_wave(pcm: bytes) -> Wave:
    return np.asarray(samples(pcm), dtype=np.float64) / 32768


def quiet(rate_hz: int, seconds: float) -> Wave:
    return np.zeros(round(rate_hz * seconds))


def seconds(rate_hz: int, length_s: float) -> Wave:
    return np.arange(round(rate_hz * length_s)) / rate_hz


def noise(rate_hz: int, length_s: float, level: float, seed: int = 1) -> Wave:
    return np.random.default_rng(seed).normal(0, level, round(rate_hz * length_s))


def syllable(rate_hz: int, length_s: float, which: int, pitch_hz: float = 120.0) -> Wave:
    """One vowel: glottal pulses of falling pitch through two resonances that glide."""
    t = seconds(rate_hz, length_s)
    pitch = pitch_hz * (1.1 - 0.25 * t / length_s)
    phase = np.cumsum(pitch) / rate_hz
    pulses = np.diff(np.floor(phase), prepend=0.0)
    here, there = VOWELS[which % len(VOWELS)], VOWELS[(which + 1) % len(VOWELS)]
    blend = t / length_s
    out = np.zeros_like(t)
    for formants, share in ((here, 1 - blend), (there, blend)):
        k = np.arange(round(rate_hz * 0.02)) / rate_hz
        ring = np.zeros_like(k)
        for n, formant in enumerate(formants):
            ring += np.exp(-k * 2 * np.pi * 60) * np.sin(2 * np.pi * formant * k) / (n + 1)
        out += np.convolve(pulses, ring)[: len(t)] * share
    envelope = np.sin(np.pi * np.minimum(t / length_s, 1)) ** 0.5
    loud = out * envelope
    return np.asarray(loud / (np.abs(loud).max() + 1e-9) * 0.5)


def speech(rate_hz: int, length_s: float, *, pitch_hz: float = 120.0, seed: int = 0) -> Wave:
    """Syllables of 120 to 240 ms with short gaps: it is taken for a voice, and says nothing."""
    rng = np.random.default_rng(seed)
    parts: list[Wave] = []
    have = 0.0
    while have < length_s:
        length = min(float(rng.uniform(0.12, 0.24)), max(length_s - have, 0.08))
        pitch = pitch_hz * float(rng.uniform(0.85, 1.2))
        parts.append(syllable(rate_hz, length, int(rng.integers(6)), pitch))
        have += length
        if have < length_s:
            parts.append(quiet(rate_hz, 0.03))
            have += 0.03
    return np.concatenate(parts)


def room(wave: Wave, rate_hz: int, delay_ms: int, gain_db: float, seed: int = 3) -> Wave:
    """What a speakerphone returns of ``wave``."""
    response = np.zeros(round(rate_hz * (delay_ms / 1000 + 0.07)))
    start = round(rate_hz * delay_ms / 1000)
    tail = len(response) - start
    decay = np.exp(-np.arange(tail) / (rate_hz * 0.015))
    response[start:] = np.random.default_rng(seed).normal(0, 0.25, tail) * decay
    response[start] = 1.0
    echo = np.convolve(wave, response)[: len(wave)]
    return np.asarray(echo * 10 ** (gain_db / 20) * wave.std() / (echo.std() + 1e-9))


def frames_of(wave: Wave, rate_hz: int) -> list[bytes]:
    pcm = to_pcm(wave)
    size = frame_bytes(rate_hz)
    return [pcm[i : i + size] for i in range(0, len(pcm) - size + 1, size)]


def take_turns(
    taker: TurnTaker,
    rate_hz: int,
    heard: Wave | Sequence[bytes | None],
    *,
    played: Wave | None = None,
    played_ms: tuple[int, int] = (0, 0),
    hint: Callable[[PauseStarted], str | None] = lambda pause: None,
    hint_after_ms: int = 0,
    from_ms: int = 0,
) -> list[SpeechEvent]:
    """Run audio through a turn taker; ``played`` is played within the span ``played_ms``."""
    frames = frames_of(heard, rate_hz) if isinstance(heard, np.ndarray) else list(heard)
    voice = frames_of(played, rate_hz) if played is not None else []
    events: list[SpeechEvent] = []
    hints: list[tuple[int, str]] = []
    for index, frame in enumerate(frames):
        start_ms = from_ms + index * 20
        at_ms = start_ms + 20
        out = voice[index] if played_ms[0] <= start_ms < played_ms[1] else None
        new = taker.frame(frame, at_ms, out)
        for event in new:
            if isinstance(event, PauseStarted):
                text = hint(event)
                if text is not None:
                    hints.append((at_ms + hint_after_ms, text))
        events += new
        while hints and hints[0][0] <= at_ms:
            events += taker.hint(hints.pop(0)[1], at_ms)
    return events


def of_kind(events: list[SpeechEvent], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def names(events: list[SpeechEvent]) -> list[str]:
    return [type(event).__name__ for event in events]
