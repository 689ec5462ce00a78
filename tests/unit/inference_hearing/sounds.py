"""What a telephone line carries besides speech, by formula: 16-bit-like samples at 8 kHz.

Every clip goes through the mu-law codec, as it would on a line.
"""

from collections.abc import Iterator
from itertools import cycle, islice

import numpy as np
import numpy.typing as npt

Clip = npt.NDArray[np.float32]
Loud = npt.NDArray[np.float64]

RATE_HZ = 8000

DTMF_ROWS = (697, 770, 852, 941)
DTMF_COLUMNS = (1209, 1336, 1477, 1633)
DTMF_KEYS = "123A456B789C*0#D"

# Frequencies, then seconds on and off by turns; from ITU-T E.180's list of national tones.
CADENCES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "ring us": ((440, 480), (2.0, 4.0)),
    "ring uk": ((400, 450), (0.4, 0.2, 0.4, 2.0)),
    "ring de": ((425,), (1.0, 4.0)),
    "ring fr": ((440,), (1.5, 3.5)),
    "ring jp": ((384, 400, 416), (1.0, 2.0)),
    "ring au": ((383, 400, 417), (0.4, 0.2, 0.4, 2.0)),
    "ring it": ((425,), (1.0, 4.0)),
    "ring in": ((375, 400, 425), (0.4, 0.2, 0.4, 2.0)),
    "ring ru": ((425,), (0.8, 3.2)),
    "ring cn": ((450,), (1.0, 4.0)),
    "busy us": ((480, 620), (0.5, 0.5)),
    "busy uk": ((400,), (0.375, 0.375)),
    "busy de": ((425,), (0.48, 0.48)),
    "busy fr": ((440,), (0.5, 0.5)),
    "busy jp": ((400,), (0.5, 0.5)),
    "busy ch": ((425,), (0.5, 0.5)),
    "reorder us": ((480, 620), (0.25, 0.25)),
    "reorder de": ((425,), (0.24, 0.24)),
    "reorder uk": ((400,), (0.4, 0.35, 0.225, 0.525)),
    "dial us": ((350, 440), (5.0,)),
    "dial de": ((425,), (5.0,)),
    "dial fr": ((440,), (5.0,)),
    "waiting us": ((440,), (0.3, 9.7)),
    "waiting de": ((425,), (0.2, 0.2, 0.2, 5.0)),
    "fax calling": ((1100,), (0.5, 3.0)),
    "fax answering": ((2100,), (3.0, 1.0)),
    "howler us": ((1400, 2060, 2450, 2600), (0.1, 0.1)),
    "beep": ((1000,), (0.4, 4.0)),
}
SIT = ((913.8, 0.38), (1370.6, 0.38), (1776.7, 0.38))


def clips(count: int = 200) -> Iterator[tuple[str, Clip]]:
    """``count`` named clips of 1 to 6 s, as many of each kind as of any other."""
    kinds = cycle((silences(), noises(), keys(), tones(), music(), tones_again(), tunes()))
    for kind in islice(kinds, count):
        name, clip = next(kind)
        yield name, on_the_line(clip)


def on_the_line(samples: Loud) -> Clip:
    """Through 8-bit mu-law and back."""
    magnitude = np.log1p(255 * np.abs(np.clip(samples, -1, 1))) / np.log(256)
    steps = np.sign(samples) * np.round(magnitude * 127) / 127
    return np.asarray(np.sign(steps) * np.expm1(np.abs(steps) * np.log(256)) / 255, np.float32)


def at_level(samples: Loud, dbov: float) -> Loud:
    """Brought to a level, measured over all of it."""
    rms = np.sqrt(np.mean(np.square(samples)))
    return np.asarray(samples * (10 ** (dbov / 20) / max(rms, 1e-9)))


def sines(frequencies: tuple[float, ...], seconds: float) -> Loud:
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return np.asarray(sum(np.sin(2 * np.pi * f * time_s + 0.3 * f) for f in frequencies))


def cadenced(frequencies: tuple[float, ...], cadence: tuple[float, ...], seconds: float) -> Loud:
    out = sines(frequencies, seconds)
    at, on = 0.0, True
    for length in cycle(cadence):
        if at >= seconds:
            return out
        if not on:
            out[int(at * RATE_HZ) : int((at + length) * RATE_HZ)] = 0
        at, on = at + length, not on
    return out


def key_tones(keys_pressed: str, on_s: float, off_s: float) -> Loud:
    parts = [np.zeros(RATE_HZ // 5)]
    for key in keys_pressed:
        place = DTMF_KEYS.index(key)
        pair = (float(DTMF_ROWS[place // 4]), float(DTMF_COLUMNS[place % 4]))
        parts += [sines(pair, on_s), np.zeros(int(off_s * RATE_HZ))]
    return np.concatenate(parts)


def silences() -> Iterator[tuple[str, Loud]]:
    random = np.random.default_rng(1)
    for number in cycle(range(8)):
        seconds = 1 + number * 0.6
        count = int(seconds * RATE_HZ)
        hum = sines((50.0, 150.0) if number % 2 else (60.0, 120.0, 180.0), seconds)
        floor = random.standard_normal(count) * 10 ** (-(60 + number * 3) / 20)
        yield f"silence {number}", [np.zeros(count), floor, at_level(hum, -45) + floor][number % 3]


def noises() -> Iterator[tuple[str, Loud]]:
    random = np.random.default_rng(2)
    for number in cycle(range(32)):
        count = int((1.5 + number % 4) * RATE_HZ)
        spectrum = np.fft.rfft(random.standard_normal(count))
        tilt = (0.0, -0.5, -1.0, 0.5)[number % 4]
        spectrum *= np.maximum(np.arange(len(spectrum)), 20.0) ** tilt
        noise = np.fft.irfft(spectrum, count)
        if number % 3 == 1:  # gusts, as of wind or passing cars
            noise *= 1 + np.sin(2 * np.pi * 0.7 * np.arange(count) / RATE_HZ)
        if number % 5 == 4:  # crackle
            noise += (random.random(count) < 0.001) * 20 * np.std(noise)
        yield f"noise {number}", at_level(noise, -50 + 5 * (number % 6))


def keys() -> Iterator[tuple[str, Loud]]:
    random = np.random.default_rng(3)
    for number in cycle(range(32)):
        length = 1 + number % 7
        pressed = "".join(random.choice(list(DTMF_KEYS[:11]), length))
        on_s = (0.05, 0.1, 0.2, 0.6)[number % 4]
        sound = key_tones(pressed, on_s, (0.05, 0.1, 0.3)[number % 3])
        yield f"keys {pressed}", at_level(sound, (-12, -20, -30)[number % 3])


def tones() -> Iterator[tuple[str, Loud]]:
    for level in cycle((-14.0, -22.0, -32.0)):
        for name, (frequencies, cadence) in CADENCES.items():
            yield f"{name} {level}", at_level(cadenced(frequencies, cadence, 5.0), level)


def tones_again() -> Iterator[tuple[str, Loud]]:
    """Special information tones, and national ones over a noisy line."""
    random = np.random.default_rng(4)
    sit = np.concatenate([sines((f,), s) for f, s in SIT])
    for number, (name, (frequencies, cadence)) in enumerate(cycle(CADENCES.items())):
        if number % 5 == 0:
            sound = np.concatenate((np.zeros(2000), sit, np.zeros(8000), sit))
            yield f"sit {number}", at_level(sound, -15.0 - number % 4 * 5)
            continue
        tone = at_level(cadenced(frequencies, cadence, 4.0), -20)
        noise = at_level(random.standard_normal(len(tone)), -45 + number % 3 * 5)
        yield f"noisy {name} {number}", tone + noise


def note(frequency: float, seconds: float, voice: int) -> Loud:
    """One note of a simple instrument."""
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    attack = np.minimum(1, time_s / 0.02)
    partials = {
        0: (1, 0.5, 0.25, 0.12),  # organ
        1: (1, 0.6, 0.45, 0.3, 0.2, 0.1),  # string
        2: (1, 0.1, 0.3),  # bell
        3: (1, 0.2),  # flute
    }[voice]
    bend = 0.004 * np.sin(2 * np.pi * 5.2 * time_s) / 5.2 if voice in (1, 3) else 0
    out = np.zeros(len(time_s))
    for number, strength in enumerate(partials, 1):
        if frequency * number < 3400:
            out += strength * np.sin(2 * np.pi * frequency * number * (time_s + bend))
    release = np.minimum(1, (seconds - time_s) / 0.03)
    decay = np.exp(-time_s * 3) if voice == 2 else 1.0
    return np.asarray(out * attack * release * decay)


def music() -> Iterator[tuple[str, Loud]]:
    """Chords, held and struck."""
    random = np.random.default_rng(5)
    for number in cycle(range(32)):
        voice, beat_s = number % 4, (0.25, 0.5, 1.0)[number % 3]
        parts = []
        for _ in range(int(4 / beat_s)):
            root = 196 * 2 ** (random.integers(0, 12) / 12)
            third = 4 if random.random() < 0.6 else 3
            steps = (0, third, 7) if number % 2 else (0, third, 7, 12)
            parts.append(sum(note(root * 2 ** (s / 12), beat_s, voice) for s in steps))
        yield f"chords {number}", at_level(np.concatenate(parts), -18.0 - number % 3 * 5)


def tunes() -> Iterator[tuple[str, Loud]]:
    """Melodies over a bass, some with drums."""
    random = np.random.default_rng(6)
    scale = (0, 2, 4, 5, 7, 9, 11, 12)
    for number in cycle(range(32)):
        voice, beat_s = number % 4, (0.2, 0.3, 0.4)[number % 3]
        parts = []
        for place in range(int(4 / beat_s)):
            lead = note(330 * 2 ** (random.choice(scale) / 12), beat_s, voice)
            bass = note(110 * 2 ** (scale[place // 4 % 8] / 12), beat_s, 0)
            drum = random.standard_normal(len(lead)) * np.exp(-np.arange(len(lead)) / 300)
            parts.append(lead + 0.7 * bass + (0.5 * drum if number % 5 == 0 else 0))
        yield f"tune {number}", at_level(np.concatenate(parts), -18.0 - number % 3 * 5)
