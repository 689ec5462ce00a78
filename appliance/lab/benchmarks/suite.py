"""The benchmarks in their order, and the figures with their goals."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from appliance.lab.benchmarks import operators, serving, voice_path, watchers
from appliance.lab.benchmarks.bare_loop import bare_loop_cpu
from appliance.lab.benchmarks.barge_in import interrupt
from appliance.lab.benchmarks.call_rate import call_rate
from appliance.lab.benchmarks.conversations import STAGES, Conversed, conversations, converse
from appliance.lab.benchmarks.crowd import VOICE
from appliance.lab.benchmarks.ingest import ingest
from appliance.lab.benchmarks.measurement import Measurement, at_least, at_most, percentile
from appliance.lab.benchmarks.rig import Rig, Store, rig, store
from appliance.lab.benchmarks.talk import Talked, idle_cpu, talk

NAMES = (
    "talk", "barge-in", "call-rate", "ingest", "conversations", "serving", "voice", "watchers",
    "operators",
)  # fmt: skip
_WITH_A_DATABASE = frozenset(NAMES) - {"serving", "voice", "operators"}
CALLS = 50
_REPLY_GOALS_MS = {1: 40, CALLS: 60}
_FIRST_FRAME_GOALS_MS = {1: 5, CALLS: 15}
_VOICE_TO_VOICE_GOALS_MS = {1: 1000}
CROWDS = (1, 4, 10)
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Extent:
    """How long, and how many.

    Attributes:
        sentences: said by one caller on the shipped models; each of several says fewer.
        serving_rounds, voice_rounds: how often what those compare or time is done.
        idle_s: without a call.
        alone_s, together_s: of talking, with one call and with fifty.
        bare_s: of the bare loop, with one call and with fifty.
        watching_s: of live pages that are open while calls talk.
        recorded: calls, of ten turns each, that operators look through; a million of them take
            some ten minutes of a core to make up, and eleven gigabytes.
    """

    idle_s: float = 20.0
    alone_s: float = 60.0
    together_s: float = 30.0
    bare_s: float = 6.0
    interruptions: int = 40
    calls: int = 1000
    events: int = 10_000
    sentences: int = 18
    serving_rounds: int = 12
    voice_rounds: int = 10
    watching_s: float = 30.0
    recorded: int = 100_000


FULL = Extent()
QUICK = Extent(
    idle_s=2.0, alone_s=7.0, together_s=5.0, bare_s=1.0, interruptions=10, calls=250, events=2000,
    sentences=6, serving_rounds=4, voice_rounds=2, watching_s=8.0, recorded=10_000,
)  # fmt: skip


def measure(
    work: Path, only: Sequence[str], extent: Extent, pause_finished_ms: int, tell: Tell
) -> Iterator[Measurement]:
    """Run the benchmarks and give each figure when it is there.

    Args:
        work: a folder to work in: cluster, spools, recordings, logs.
        only: some of ``NAMES``; none means all.
        pause_finished_ms: the endpointing delay that the controller is configured with.
        tell: told what is being measured.

    Raises:
        ConfigurationError, StorageError: something that is needed is missing or does not start.
    """
    wanted = set(only or NAMES)
    if wanted & _WITH_A_DATABASE:
        yield from _with_a_database(work, wanted, extent, pause_finished_ms, tell)
    if "serving" in wanted:
        tell("the model server: its scheduling, its prompts kept, more callers than it can serve")
        yield from serving.measure(extent.serving_rounds)
    if "voice" in wanted:
        for voice, model in (("piper", VOICE), ("espeak-ng", "")):
            tell(f"the voice, {voice}: from a text to its first sound")
            with voice_path.server(voice, model) as url:
                yield from voice_path.measure(url, voice, extent.voice_rounds)
    if "operators" in wanted:
        tell(f"operators look through {extent.recorded} calls")
        with store(work / "recorded") as database:  # of its own: others count what they find
            yield from operators.measure(database, work, extent.recorded, tell=tell)


def _with_a_database(
    work: Path, wanted: set[str], extent: Extent, pause_finished_ms: int, tell: Tell
) -> Iterator[Measurement]:
    tell("PostgreSQL: a private cluster, durable")
    with store(work) as database:
        if "watchers" in wanted:
            tell(f"{watchers.WATCHERS} live pages watch while {watchers.CALLS} calls talk")
            yield from watchers.measure(database, work, extent.watching_s)
        if wanted - {"ingest", "conversations", "watchers"}:
            tell("one controller, with engines that answer at once")
            with rig(database, work) as load:
                yield from _on_the_rig(load, work, wanted, extent, pause_finished_ms, tell)
        if "ingest" in wanted:
            yield from _ingest(database, extent, tell)
        if "conversations" in wanted:
            yield from _conversations(database, work, extent, tell)


def _on_the_rig(
    load: Rig, work: Path, wanted: set[str], extent: Extent, pause_ms: int, tell: Tell
) -> Iterator[Measurement]:
    if "talk" in wanted:
        yield from _talk(load, work, extent, pause_ms, tell)
    if "barge-in" in wanted:
        yield from _barge_in(load, extent, tell)
    if "call-rate" in wanted:
        yield from _call_rate(load, work, extent, tell)


def _talk(
    load: Rig, work: Path, extent: Extent, pause_ms: int, tell: Tell
) -> Iterator[Measurement]:
    tell(f"1 call talks for {extent.alone_s:g} s")
    alone = talk(load, 1, extent.alone_s)
    yield from _delays(alone, pause_ms)
    tell(f"no call for {extent.idle_s:g} s")  # only now: it has settled after its start
    idle = idle_cpu(load, extent.idle_s)
    yield Measurement("CPU of the controller without a call", idle, "core")
    tell(f"{CALLS} calls talk for {extent.together_s:g} s")
    together = talk(load, CALLS, extent.together_s)
    yield from _delays(together, pause_ms)
    tell(f"the bare loop, 1 call and {CALLS} calls, for {extent.bare_s:g} s each")
    bare_cpu = bare_loop_cpu((1, CALLS), extent.bare_s, work)
    for talked, bare in zip((alone, together), bare_cpu, strict=True):
        calls, of = talked.calls, _calls(talked.calls)
        of_calls = (talked.cpu - idle) / calls
        yield Measurement(f"CPU per call, {of}", of_calls, "core", at_most(0.01))
        yield Measurement(f"CPU per call of the bare loop, {of}", bare / calls, "core")
        yield Measurement(f"CPU of the controller beside it, {of}", talked.cpu / bare, "times")
    growth_mb = (together.memory_mb - alone.memory_mb) / (together.calls - alone.calls)
    yield Measurement("memory for each further call", growth_mb, "MB", at_most(1))
    yield from _jitter(together)
    yield from _load(together)


def _delays(talked: Talked, pause_ms: int) -> Iterator[Measurement]:
    of = _calls(talked.calls)
    reply_ms = percentile(talked.replies_ms, 95) - pause_ms
    goal = at_most(_REPLY_GOALS_MS[talked.calls])
    yield Measurement(f"reply less endpointing, p95, {of}", reply_ms, "ms", goal)
    goal = at_most(_FIRST_FRAME_GOALS_MS[talked.calls])
    first_ms = percentile(talked.first_frames_ms, 95)
    yield Measurement(f"decision to first frame, p95, {of}", first_ms, "ms", goal)
    turns = len(talked.replies_ms) + talked.unanswered
    answered = 100 * len(talked.replies_ms) / turns if turns else 0.0
    yield Measurement(f"turns answered, {of}", answered, "%", at_least(100))
    yield Measurement(f"turns timed, {of}", turns, "turns")


def _jitter(talked: Talked) -> Iterator[Measurement]:
    of = _calls(talked.calls)
    share = talked.playout.in_time_percent
    yield Measurement(f"frames within 5 ms of their time, {of}", share, "%", at_least(99))
    yield Measurement(f"frames lost, {of}", talked.playout.lost, "frames", at_most(0))


def _load(talked: Talked) -> Iterator[Measurement]:
    """What the load and the rest of the machine did meanwhile, to judge the others by."""
    of = _calls(talked.calls)
    yield Measurement(f"load's own CPU, {of}", talked.generator_cpu, "cores")
    yield Measurement(f"load's latest frame, {of}", talked.generator_late_ms, "ms late")
    yield Measurement(f"CPU of everything else, {of}", talked.others_cpu, "cores")


def _barge_in(load: Rig, extent: Extent, tell: Tell) -> Iterator[Measurement]:
    tell(f"{extent.interruptions} callers interrupt")
    stopped = interrupt(load, extent.interruptions)
    latest_ms = max(stopped.last_frames_ms, default=float("nan"))
    yield Measurement("last frame after barge-in is decided", latest_ms, "ms", at_most(20))
    yield Measurement("interruptions ignored", stopped.ignored, "calls", at_most(0))


def _call_rate(load: Rig, work: Path, extent: Extent, tell: Tell) -> Iterator[Measurement]:
    tell(f"{extent.calls} calls are set up as fast as they can be")
    rate = call_rate(load, extent.calls, work)
    yield Measurement("calls set up and recorded", rate.per_s, "per s", at_least(100))
    yield Measurement("calls without a complete record", rate.unrecorded, "calls", at_most(0))
    yield Measurement("load alone, calls", rate.null_per_s, "per s")
    yield Measurement("CPU of the controller, call set-up", rate.controller_cpu, "cores")
    yield Measurement("CPU of the load, call set-up", rate.generator_cpu, "cores")


def _ingest(database: Store, extent: Extent, tell: Tell) -> Iterator[Measurement]:
    tell(f"{extent.events} events into PostgreSQL")
    rates = ingest(database, extent.events)
    yield Measurement("events stored", rates.stored_per_s, "per s")
    yield Measurement("rows copied plainly", rates.copied_per_s, "per s")
    share = rates.stored_per_s / rates.copied_per_s
    yield Measurement("event ingest beside a plain COPY", share, "times")


def _conversations(
    database: Store, work: Path, extent: Extent, tell: Tell
) -> Iterator[Measurement]:
    tell("a controller and the model server, with the models that are shipped")
    with conversations(database, work / "conversations") as load:
        for callers in CROWDS:
            tell(f"{callers} callers at once say a sentence and hear the answer")
            yield from _voice_to_voice(converse(load, callers, max(extent.sentences // callers, 3)))


def _voice_to_voice(found: Conversed) -> Iterator[Measurement]:
    of = "1 caller" if found.callers == 1 else f"{found.callers} callers"
    limit = _VOICE_TO_VOICE_GOALS_MS.get(found.callers)
    yield Measurement(f"voice to voice, p50, {of}", percentile(found.replies_ms, 50), "ms")
    goal = None if limit is None else at_most(limit)
    yield Measurement(f"voice to voice, p95, {of}", percentile(found.replies_ms, 95), "ms", goal)
    yield Measurement(f"sentences unanswered, {of}", found.unanswered, "turns", at_most(0))
    whole_ms = sum(found.stages_ms.values())
    for stage in STAGES:
        share = 100 * found.stages_ms[stage] / whole_ms
        yield Measurement(f"share of {stage}, {of}", share, "%")


def _calls(calls: int) -> str:
    return "1 call" if calls == 1 else f"{calls} calls"
