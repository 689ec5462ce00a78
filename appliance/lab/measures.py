"""Figures of a played call."""

from appliance.lab.clock import FRAME_S
from appliance.lab.player import Played

_JOINED_S = 0.1


def silences_ms(played: Played) -> list[tuple[float, float]]:
    """Silences of the call, as (start, length in ms), until it is connected to a person or ends.

    Silent is when the caller hears nothing and says nothing.
    """
    begin = played.phone.answered_at
    end = played.connected_at or played.ended_at
    if begin is None or end is None:
        return []
    sounds = [(piece.started_at, piece.ended_at) for piece in played.phone.ear.pieces()]
    sounds = sorted(sounds + played.talked)
    found = []
    quiet_since = begin
    for started, ended in sounds:
        if started >= end:
            break
        if started - quiet_since > _JOINED_S:
            found.append((quiet_since, (started - quiet_since) * 1000))
        quiet_since = max(quiet_since, ended)
    if end - quiet_since > _JOINED_S:
        found.append((quiet_since, (end - quiet_since) * 1000))
    return found


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
