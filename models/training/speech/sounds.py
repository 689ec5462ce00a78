"""Sounds on a telephone line that hold no words: noise, tones, keys, ringing, hold music.

Every maker takes a generator and a number of samples at 8 kHz and returns a signal, -1 to 1.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from models.training.speech.telephone import LINE_HZ, Signal, companded, noise

_KEY_ROWS, _KEY_COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
# Frequencies in Hz, then the cadence: seconds on, seconds off, and again.
_SIGNALS: Final = (
    ((440, 480), (2.0, 4.0)), ((400, 450), (0.4, 0.2, 0.4, 2.0)), ((425,), (1.0, 4.0)),
    ((480, 620), (0.5, 0.5)), ((480, 620), (0.25, 0.25)), ((350, 440), (9.0, 0.1)),
    ((425,), (0.5, 0.5)), ((440,), (0.3, 9.0)), ((1100,), (0.5, 3.0)), ((2100,), (3.0, 1.0)),
    ((1400,), (0.5, 5.0)), ((950,), (0.33, 0.02)), ((1000,), (0.4, 6.0)), ((400,), (0.2, 0.3)),
)  # fmt: skip


def silence(random: np.random.Generator, count: int) -> Signal:
    """Digital silence, or an idle line's faintest hiss."""
    return random.standard_normal(count) * (10 ** random.uniform(-5, -3) * (random.random() < 0.6))


def noises(random: np.random.Generator, count: int) -> Signal:
    """Noise that may swell, or come in bursts and clicks."""
    found = noise(random, count) * 10 ** random.uniform(-3, -0.9)
    kind = random.integers(4)
    if kind == 0:
        found *= 0.5 + 0.5 * np.sin(np.arange(count) / LINE_HZ * random.uniform(1, 30))
    elif kind == 1:
        found *= np.repeat(random.random(count // 400 + 1) < 0.3, 400)[:count]
    elif kind == 2:
        found[random.integers(0, count, 1 + count // 4000)] += random.uniform(-0.9, 0.9)
    return found


def tones(random: np.random.Generator, count: int) -> Signal:
    """One to three steady or wavering tones."""
    time = np.arange(count) / LINE_HZ
    wave = np.zeros(count)
    for _ in range(random.integers(1, 4)):
        waver = random.uniform(0, 20) * np.sin(2 * np.pi * random.uniform(0.2, 8) * time)
        wave += np.sin(2 * np.pi * np.cumsum(random.uniform(150, 3300) + waver) / LINE_HZ)
    return wave * 10 ** random.uniform(-2, -0.6)


def keys(random: np.random.Generator, count: int) -> Signal:
    """A row of keys pressed: DTMF."""
    time = np.arange(count) / LINE_HZ
    wave = np.zeros(count)
    at = int(random.uniform(0, 0.5) * LINE_HZ)
    while at < count:
        length = int(random.uniform(0.06, 0.6) * LINE_HZ)
        part = slice(at, at + length)
        for group in (_KEY_ROWS, _KEY_COLUMNS):
            wave[part] += np.sin(2 * np.pi * random.choice(group) * time[part])
        at += length + int(random.uniform(0.05, 0.5) * LINE_HZ)
    return wave * 10 ** random.uniform(-1.5, -0.5)


def ringing(random: np.random.Generator, count: int) -> Signal:
    """Ringing, busy, dial and answering-machine tones of several countries."""
    frequencies, cadence = _SIGNALS[random.integers(len(_SIGNALS))]
    time = np.arange(count) / LINE_HZ + random.uniform(0, sum(cadence))
    edges = np.cumsum(cadence)
    sounding = np.searchsorted(edges, time % edges[-1], side="right") % 2 == 0
    wave = sum(np.sin(2 * np.pi * f * time) for f in frequencies)
    return np.asarray(wave * sounding * 10 ** random.uniform(-1.8, -0.5))


def music(random: np.random.Generator, count: int) -> Signal:
    """A tune over chords with a beat, as a telephone exchange's hold music box makes it."""
    beat = int(random.uniform(0.18, 0.6) * LINE_HZ)
    root = random.uniform(90, 260)
    scale = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16]) if random.random() < 0.6 else (
        np.array([0, 2, 3, 5, 7, 8, 10, 12, 14, 15])
    )  # fmt: skip
    partials = random.integers(1, 7)
    fall = random.uniform(0.5, 8)
    wave = np.zeros(count + 8 * beat)
    for at in range(0, count, beat):
        chord = scale[random.integers(0, 4) + np.array([0, 2, 4])] if at % (4 * beat) == 0 else ()
        melody = scale[random.integers(len(scale))] + 12
        for semitone, length, loud in (*((s, 4 * beat, 0.3) for s in chord), (melody, beat, 0.6)):
            if random.random() < 0.85:
                time = np.arange(length) / LINE_HZ
                pitch = root * 2 ** (semitone / 12)
                note = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, partials + 1))
                wave[at : at + length] += loud * note * np.exp(-fall * time)
        if random.random() < 0.4:
            hit = random.standard_normal(beat // 4) * np.exp(-np.arange(beat // 4) / 60)
            wave[at : at + len(hit)] += 0.5 * hit
    wave = wave[:count]
    return np.asarray(wave / (np.abs(wave).max() + 1e-9) * 10 ** random.uniform(-1.5, -0.2))


MAKERS: Final[dict[str, Callable[[np.random.Generator, int], Signal]]] = {
    "silence": silence, "noise": noises, "tones": tones, "keys": keys, "ringing": ringing,
    "music": music,
}  # fmt: skip


def clip(random: np.random.Generator, kind: str, seconds: float) -> Signal:
    """A clip of one kind of `MAKERS` as the line carries it, at times over noise."""
    count = int(seconds * LINE_HZ)
    made = MAKERS[kind](random, count)
    if random.random() < 0.5:
        made = made + noise(random, count) * 10 ** random.uniform(-4, -2)
    return companded(made)
