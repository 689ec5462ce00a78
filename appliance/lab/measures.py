"""Figures of a played call."""

import math

import numpy as np

from appliance.lab.clock import FRAME_S
from appliance.lab.player import Played, Said
from appliance.media.tones import RINGBACK_OFF_S

_JOINED_S = 0.1
_RINGING_PAUSE_S = RINGBACK_OFF_S + 0.1
_TAIL_S = 0.3
_TONE_LINES = 8  # of a spectrum of 0.3 s, whose lines are 3.3 Hz apart: two tones and their skirts
_TONE_SHARE = 0.9


def silences_ms(played: Played) -> list[tuple[float, float]]:
    """Silences of the call, as (start, length in ms), until it is connected to a person or ends.

    Silent is when the caller hears nothing and says nothing. The pauses of a ringing tone are not:
    who hears a telephone ring knows that something goes on.
    """
    begin = played.phone.answered_at
    end = played.connected_at or played.ended_at
    if begin is None or end is None:
        return []
    ear = played.phone.ear
    heard = [
        (one.started_at, one.ended_at, ends_in_a_tone(one.pcm, ear.rate_hz)) for one in ear.pieces()
    ]
    talked = [(started, ended, False) for started, ended in played.talked]
    found = []
    quiet_since, ringing = begin, False
    for started, ended, tone in sorted([*heard, *talked, (end, end, False)]):
        until = min(started, end)
        gap_s = until - quiet_since
        if gap_s > (_RINGING_PAUSE_S if ringing else _JOINED_S):
            found.append((quiet_since, gap_s * 1000))
        if ended > quiet_since:
            quiet_since, ringing = ended, tone
    return found


def ends_in_a_tone(pcm: bytes, rate_hz: int) -> bool:
    """Whether 16-bit mono PCM ends in a steady tone or two together, as every ring of a ringing
    tone does; speech does not, and nor does what is shorter than 0.3 s.
    """
    count = round(_TAIL_S * rate_hz)
    tail = np.frombuffer(pcm, dtype="<i2")[-count:].astype(np.float64)
    if len(tail) < count:
        return False
    lines = np.sort(np.square(np.abs(np.fft.rfft(tail * np.hanning(count)))))
    return bool(lines[-_TONE_LINES:].sum() > _TONE_SHARE * lines.sum() > 0)


def reply_ms(played: Played, said: Said) -> float | None:
    """From the end of what the caller said to the first audible frame of the reply.

    None when there was none: the caller went on, or spoke to a person.
    """
    reply_at = played.phone.ear.first_audible_after(said.ended_at)
    begun = [started for started, _ in played.talked] + [one.ended_at for one in played.said]
    later = [at for at in begun if at > said.ended_at]
    until = min([played.connected_at or math.inf, *later])
    return None if reply_at is None or reply_at > until else (reply_at - said.ended_at) * 1000


def longest_silence_ms(played: Played) -> float:
    """The longest of :func:`silences_ms`; 0 when there was none."""
    return max((length for _, length in silences_ms(played)), default=0.0)


def greeting_ms(played: Played) -> float | None:
    """From answer to the first audible frame."""
    answered = played.phone.answered_at
    if answered is None:
        return None
    first = played.phone.ear.first_audible_after(answered - FRAME_S)
    return None if first is None else (first - answered) * 1000
