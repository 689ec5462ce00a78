"""Whole conversations on the shipped models: from the caller's last word to the first of the reply.

Callers ring one after the other, hear the greeting out, say one sentence, and hang up a second
into the answer. What was said, heard, decided and spoken is real; only the telephone network is
the bench.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import gevent

from appliance.lab.benchmarks.callers import RATE_HZ, asks
from appliance.lab.benchmarks.rig import Rig, Store, in_thread, rig
from appliance.lab.processes import ApplianceProcess
from appliance.lab.sound import speech
from appliance.lab.stack import free_port, wait_for_models

STAGES = ("endpointing", "transcription", "decision", "voice")
_GREETED_S = 15.0
_REPLY_S = 10.0
_LISTENS_S = 1.0
_LONGEST_THOUGHT_S = 0.5
_VOICES = ("en-us", "en-us+f3", "en-us+m3")
# Some are answered by rules alone, some go to the language model.
_SENTENCES = (
    "what are your opening hours",
    "i would like to speak to john smith please",
    "i have a question about my invoice",
    "billing please",
    "i need help with my password",
    "can you help me please",
)
_TURNS = """
    SELECT (delays_ms ->> 'endpoint')::float8, (delays_ms ->> 'transcribe')::float8,
           (delays_ms ->> 'decide')::float8, (delays_ms ->> 'first_audio')::float8
    FROM turns WHERE call_id = ANY(%s) AND speaker = 'appliance'
    AND delays_ms ?& ARRAY['endpoint', 'transcribe', 'decide', 'first_audio']
"""


@dataclass(frozen=True)
class Conversed:
    """What ``callers`` at once got.

    Attributes:
        replies_ms: from the caller's last audible frame to the reply's first frame at the phone.
        unanswered: sentences that got no reply in ten seconds.
        stages_ms: mean of each of ``STAGES``, as recorded. Transcription counts from the moment the
            turn was over, since it begins in the pause before.
    """

    callers: int
    replies_ms: list[float]
    unanswered: int
    stages_ms: dict[str, float]


@contextmanager
def conversations(store: Store, work: Path) -> Iterator[Rig]:
    """A controller and a model server as they are shipped, for as long as the context lasts.

    Raises:
        ConfigurationError: one of them does not start.
    """
    port = free_port()
    environment = {
        "APPLIANCE_INFERENCE__URL": f"http://127.0.0.1:{port}",
        "APPLIANCE_INFERENCE__PORT": str(port),
        "APPLIANCE_STORAGE__DIRECTORY": str(work / "state"),
    }
    server = ApplianceProcess("inference", ["inference"], environment, work / "logs")
    server.start()
    try:
        in_thread(server.wait_ready)
        in_thread(lambda: wait_for_models(environment["APPLIANCE_INFERENCE__URL"]))
        with rig(store, work, environment, ("controller",)) as load:
            yield load
    finally:
        in_thread(server.stop)


def converse(load: Rig, callers: int, sentences_each: int) -> Conversed:
    """Have ``callers`` ring at once, each ``sentences_each`` times."""
    spoken = [speech(text, voice, 165, RATE_HZ) for text in _SENTENCES for voice in _VOICES]
    crowd = [_Caller(load, spoken, sentences_each, random.Random(n)) for n in range(callers)]
    for caller in crowd:
        caller.ringing.join()
    delays = [delay for caller in crowd for delay in caller.delays]
    call_ids = [call_id for caller in crowd for call_id in caller.call_ids]
    load.store.wait_ended(call_ids)
    return Conversed(
        callers=callers,
        replies_ms=[delay * 1000 for delay in delays if delay is not None],
        unanswered=delays.count(None),
        stages_ms=_stages(load.store.rows(_TURNS, (call_ids,))),
    )


@dataclass
class _Caller:
    """Rings again and again; says one sentence in each call."""

    load: Rig
    spoken: Sequence[bytes]
    times: int
    chance: random.Random
    delays: list[float | None] = field(default_factory=list)
    call_ids: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ringing = gevent.spawn(self._ring)
        self.ringing.name = "benchmark-caller"

    def _ring(self) -> None:
        for _ in range(self.times):
            gevent.sleep(self.chance.uniform(0.0, _LONGEST_THOUGHT_S))
            phone, call_id = self.load.dial()
            self.call_ids.append(call_id)
            phone.answered.wait(_GREETED_S)
            phone.wait_quiet(_GREETED_S)
            self.delays.append(asks(phone, self.chance.choice(self.spoken), _REPLY_S))
            # What is cut off in its first word is not recorded as said.
            gevent.sleep(_LISTENS_S)
            phone.hang_up()


def _stages(rows: Sequence[Sequence[float]]) -> dict[str, float]:
    """Mean milliseconds of each stage; what first audio took beyond the others is the voice's."""
    if not rows:
        return dict.fromkeys(STAGES, float("nan"))
    sums = dict.fromkeys(STAGES, 0.0)
    for endpoint, transcribe, decide, first_audio in rows:
        parts = (endpoint, transcribe, decide, max(first_audio - transcribe - decide, 0.0))
        for stage, part in zip(STAGES, parts, strict=True):
            sums[stage] += part
    return {stage: total / len(rows) for stage, total in sums.items()}
