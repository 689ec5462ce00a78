"""Callers who interrupt: how soon the voice is silent once the interruption is decided."""

import time
from dataclasses import dataclass

import gevent

from appliance.lab.benchmarks.callers import TimedPhone, questions
from appliance.lab.benchmarks.rig import LONG_GREETING_DID, Rig

_GREETED_S = 10.0
_INTO_THE_GREETING_S = 0.7
_SPREAD_S = 0.013
_STOPS_S = 3.0
_INTERRUPTED = """
    SELECT call_id, extract(epoch FROM at)::float8 FROM turns
    WHERE call_id = ANY(%s) AND speaker = 'appliance' AND interrupted
"""


@dataclass(frozen=True)
class Interrupted:
    """What came of the interruptions.

    Attributes:
        last_frames_ms: from each decision to the arrival of the last frame of speech at the
            phone; negative when that frame had left before.
        ignored: how many did not stop the voice.
    """

    last_frames_ms: list[float]
    ignored: int


def interrupt(rig: Rig, calls: int) -> Interrupted:
    """Have callers talk into a long greeting, all about the same time.

    The decision's time is that of the event that records it, made in the same instant.
    """
    phrase = questions()[0]
    callers = []
    for _ in range(calls):
        callers.append(rig.dial(LONG_GREETING_DID))
        gevent.sleep(_SPREAD_S)
    gevent.joinall([gevent.spawn(_talk_into, phone, phrase) for phone, _ in callers])
    for phone, _ in callers:
        phone.hang_up()
    rig.store.wait_ended([call_id for _, call_id in callers])
    decided = dict(rig.store.rows(_INTERRUPTED, ([call_id for _, call_id in callers],)))
    to_wall_s = time.time() - time.perf_counter()
    delays = []
    for phone, call_id in callers:
        last = phone.first_voice_ended_at()
        if last is not None and call_id in decided:
            delays.append((last + to_wall_s - decided[call_id]) * 1000)
    return Interrupted(delays, calls - len(delays))


def _talk_into(phone: TimedPhone, phrase: bytes) -> None:
    phone.answered.wait(_GREETED_S)
    phone.began_after(0.0, _GREETED_S)
    gevent.sleep(_INTO_THE_GREETING_S)
    phone.say(phrase).done.wait()
    phone.wait_quiet(_STOPS_S)
