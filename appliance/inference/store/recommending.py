"""Which set of models suits this box, from what was measured on it.

A model that is here was measured itself. What one that is not would take is bounded by this box's
own figures. A recogniser: its arithmetic at the speed that plain matrices reach (it cannot be much
faster), and at the speed that the largest measured recogniser reached (it will hardly be slower:
small models waste most). A language model: its size at the memory's speed, since each token reads
every weight, and its arithmetic; it may take twice that. A voice is measured or not judged.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.inference.store.checks import Facts
from appliance.inference.store.hardware import Box
from appliance.inference.store.manifest import SETS, Manifest, ManifestModel, ModelSet

SENTENCE_GOAL_S = 1.0
DECISION_GOAL_S = 2.0
FIRST_AUDIO_GOAL_S = 0.5
_NEW_TOKENS = 60  # of a prompt whose beginning is cached: the caller's turn and the template
_ANSWER_TOKENS = 40
_MEMORY_SHARE = 0.8  # the rest is for calls, PostgreSQL and FreeSWITCH


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of one step with one model: between ``least`` and ``most``, the same where measured;
    None where nothing is known.
    """

    name: str
    least: float | None
    most: float | None
    goal_s: float

    @property
    def too_slow(self) -> bool:
        """Whether it is so even at its best."""
        return self.least is not None and self.least > self.goal_s

    @property
    def fast_enough(self) -> bool:
        """Whether it is so even at its worst."""
        return self.most is not None and self.most <= self.goal_s

    def __str__(self) -> str:
        if self.least is None or self.most is None:
            return f"{self.name}: not measured, pull it first"
        if self.least == self.most:
            return f"{self.name}: {self.least:.2f} s measured (goal {self.goal_s:.1f})"
        span = f"{self.least:.1f} to {self.most:.1f}"
        return f"{self.name}: {span} s worked out, not measured (goal {self.goal_s:.1f})"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One set against this box; ``against`` is empty when it fits."""

    title: str
    estimates: tuple[Estimate, ...]
    against: tuple[str, ...]

    @property
    def verdict(self) -> str:
        """``fits``, ``may fit`` or ``does not fit``."""
        if self.against:
            return "does not fit"
        return "fits" if all(one.fast_enough for one in self.estimates) else "may fit"


def judge(
    manifest: Manifest, box: Box, speed: Facts, measured: Mapping[str, Facts], device: str
) -> list[Judgement]:
    """Each set of the manifest, smallest first.

    Args:
        speed: what `measure_box` gave.
        measured: what models gave, by name.
        device: what the models were measured on and will run on.
    """
    return [
        _judged(title, manifest, box, speed, measured, device)
        for title in SETS
        if title in manifest.sets
    ]


def recommended(judgements: list[Judgement]) -> str | None:
    """The largest set that is known to fit; None when none is."""
    fitting = [judgement.title for judgement in judgements if judgement.verdict == "fits"]
    return fitting[-1] if fitting else None


def worth_trying(judgements: list[Judgement]) -> str | None:
    """The smallest set beyond the recommended one that may fit."""
    best = recommended(judgements)
    titles = [judgement.title for judgement in judgements]
    beyond = judgements[titles.index(best) + 1 :] if best else judgements
    return next((one.title for one in beyond if one.verdict == "may fit"), None)


def _judged(
    title: str, manifest: Manifest, box: Box, speed: Facts, measured: Mapping[str, Facts],
    device: str,
) -> Judgement:  # fmt: skip
    wanted = manifest.sets[title]  # type: ignore[index]  # the titles are the manifest's own
    models = manifest.by_name
    estimates = (
        _recognizer(models[wanted.recognizer], manifest, speed, measured),
        _language_model(models[wanted.language_model], speed, measured),
        _known(wanted.voice, "first_audio_s", FIRST_AUDIO_GOAL_S, measured),
    )
    against = _hardware(wanted, box, speed, device)
    if wanted.device == device:
        against += [f"too slow: {one.name}" for one in estimates if one.too_slow]
    return Judgement(title, estimates, tuple(against))


def _hardware(wanted: ModelSet, box: Box, speed: Facts, device: str) -> list[str]:
    against = []
    if box.cores < wanted.cores:
        against.append(f"wants {wanted.cores} cores, there are {box.cores}")
    if box.memory_mb * _MEMORY_SHARE < wanted.memory_mb:
        against.append(f"wants {wanted.memory_mb} MB of memory, there are {box.memory_mb}")
    if wanted.device == "cuda":
        without = [engine for engine, can in speed["cuda"].items() if not can]
        if not box.nvidia_gpus:
            against.append("wants an NVIDIA GPU, there is none")
        elif without:
            against.append(f"these engines are not built for the GPU: {', '.join(without)}")
        elif device != "cuda":
            against.append("the settings say cpu: set APPLIANCE_INFERENCE__DEVICE=cuda")
    return against


def _known(name: str, key: str, goal_s: float, measured: Mapping[str, Facts]) -> Estimate:
    seconds = measured.get(name, {}).get(key)
    return Estimate(name, seconds, seconds, goal_s)


def _recognizer(
    model: ManifestModel, manifest: Manifest, speed: Facts, measured: Mapping[str, Facts]
) -> Estimate:
    known = _known(model.name, "sentence_s", SENTENCE_GOAL_S, measured)
    work = model.cost.window_gflop
    reached = [
        (one.cost.window_gflop, one.cost.window_gflop / measured[one.name]["sentence_s"])
        for one in manifest.models
        if one.cost.window_gflop and "sentence_s" in measured.get(one.name, {})
    ]
    if known.least is not None or work is None or not reached:
        return known
    fastest, slowest = speed["gflops"], max(reached)[1]
    return Estimate(
        model.name, work / max(fastest, slowest), work / min(fastest, slowest), SENTENCE_GOAL_S
    )


def _language_model(model: ManifestModel, speed: Facts, measured: Mapping[str, Facts]) -> Estimate:
    known = _known(model.name, "decision_s", DECISION_GOAL_S, measured)
    parameters, disk_mb = model.cost.parameters_m, model.needs.disk_mb
    if known.least is not None or parameters is None or disk_mb is None:
        return known
    reading = _NEW_TOKENS * 2 * parameters * 1e6 / (speed["gflops"] * 1e9)
    writing = _ANSWER_TOKENS * disk_mb * 1e6 / (speed["memory_gb_per_s"] * 1e9)
    return Estimate(model.name, reading + writing, 2 * (reading + writing), DECISION_GOAL_S)
