"""What a caller would call silence, and what a reply."""

from itertools import islice

import numpy as np
import pytest

from appliance.lab.measures import ends_in_a_tone, longest_silence_ms, reply_ms, silences_ms
from appliance.lab.phones import VirtualPhone
from appliance.lab.player import Played, Said
from appliance.media.tones import ringback

RATE_HZ = 8000
NOISE = np.random.default_rng(1)


def sound(seconds: float) -> bytes:
    """Noise, which no caller takes for a ringing tone."""
    return (NOISE.standard_normal(round(RATE_HZ * seconds)) * 3000).astype("<i2").tobytes()


def played(*sounds: tuple[float, bytes], ended_at: float, connected_at: float = 0.0) -> Played:
    """A call answered at 1 s, and what its caller heard from which second on."""
    phone = VirtualPhone("200")
    phone.answered_at = 1.0
    for at, pcm in sounds:
        for number in range(len(pcm) // 320):
            phone.ear.feed(pcm[320 * number :][:320], at + number * 0.02)
    return Played(
        "call", phone, 0.0, ended_at=ended_at, connected_at=connected_at or None
    )  # fmt: skip


def rings(count: int) -> bytes:
    """So many rings, each with the pause after it."""
    return b"".join(islice(ringback(RATE_HZ), count))


def test_a_telephone_that_rings_is_no_silence() -> None:
    call = played((1.2, sound(2.0)), (3.6, rings(3)), (15.2, sound(1.0)), ended_at=16.2)
    lengths = [round(length) for _, length in silences_ms(call)]
    assert lengths == [200, 400]


def test_a_ringing_tone_that_stops_is() -> None:
    call = played((1.0, rings(2)), ended_at=16.0)
    assert longest_silence_ms(call) == pytest.approx(10_000, abs=50)


def test_silence_counts_until_a_person_is_there() -> None:
    call = played((1.0, sound(1.0)), (4.5, sound(1.0)), ended_at=9.0, connected_at=4.0)
    assert longest_silence_ms(call) == pytest.approx(2000, abs=25)


def test_what_the_caller_says_is_no_silence() -> None:
    call = played((1.0, sound(1.0)), (5.0, sound(1.0)), ended_at=6.0)
    call.talked.append((2.2, 4.6))
    assert longest_silence_ms(call) == pytest.approx(400, abs=25)


@pytest.mark.parametrize("frequencies", [(425,), (440, 480), (400, 450)])
def test_tones_of_many_countries(frequencies: tuple[int, ...]) -> None:
    times = np.arange(RATE_HZ) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * hz * times) for hz in frequencies) * 4000
    hiss = NOISE.standard_normal(RATE_HZ) * 40
    assert ends_in_a_tone((tone + hiss).astype("<i2").tobytes(), RATE_HZ)


def test_noise_silence_and_a_beep_are_no_ringing_tone() -> None:
    for pcm in (sound(1.0), bytes(16000), rings(1)[:2000], b""):
        assert not ends_in_a_tone(pcm, RATE_HZ)


def test_a_reply_is_what_comes_before_the_caller_goes_on_or_speaks_to_a_person() -> None:
    call = played((3.5, sound(1.0)), (12.0, sound(1.0)), ended_at=14.0, connected_at=11.0)
    call.talked += [(2.0, 3.0), (5.0, 6.0), (7.0, 8.0)]
    call.said += [Said("billing", 3.0), Said("um", 6.0), Said("please", 8.0), Said("hello", 11.5)]
    replies = [reply_ms(call, said) for said in call.said]
    assert replies == [pytest.approx(500, abs=25), None, None, None]
