"""Measures the decider, alone and in the chain, on wording and names that training never saw."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from appliance.calls.directory import Directory
from models.training.decider.asking import Answer, Asker, as_json, directory_of
from models.training.decider.emergencies import measure_emergencies
from models.training.files import write_text
from models.training.progress import say
from models.training.sentences import (
    DECIDER_WEIGHTS,
    HELD_OUT_NAMES,
    NAMES,
    NameLists,
    generate,
    invent_directory,
    misheard,
    read_directory,
)

HANDWRITTEN = Path(__file__).parents[2] / "handwritten.yaml"
_SWITCHBOARD = "switchboard"
_TURNS_A_DIRECTORY = 6
# Kinds of turn that name nobody: which department deals with it, has to be known. Of departments
# whose names training never saw, nobody can know it, so these are counted by themselves.
_BY_TOPIC = frozenset(("topic", "situation"))


@dataclass(frozen=True)
class Turn:
    """A turn and what should be made of it."""

    text: str
    kind: str
    intent: str
    target: str | None
    priority: str
    absent: bool
    directory: Directory


@dataclass(frozen=True)
class TestSet:
    """Generated turns: which templates, which names, how badly heard, which kinds."""

    name: str
    split: str
    names: NameLists
    noise: float
    kinds: tuple[str, ...] = tuple(DECIDER_WEIGHTS)

    def turns(self, count: int) -> Iterator[Turn]:
        """``count`` turns; the same ones every time."""
        rng = random.Random(f"{self.name} {self.split}")
        weights = {kind: DECIDER_WEIGHTS[kind] for kind in self.kinds}
        for number in range(count):
            if number % _TURNS_A_DIRECTORY == 0:
                entries = invent_directory(rng, self.names)
                directory = directory_of(entries)
            one = generate(rng, self.split, self.names, entries, weights)
            text = misheard(rng, one.text, one.names, self.noise)
            yield Turn(text, one.kind, one.intent, one.target, one.priority, one.absent, directory)


_NAMED = ("transfer", "message_for", "appointment_with", "correction")
SETS = (
    TestSet("seen wording, seen names", "train", NAMES, 0.0),
    TestSet("unseen wording", "held-out", NAMES, 0.0),
    TestSet("wording left out by chance", "left-out", NAMES, 0.0),
    TestSet("unseen names, misheard", "train", HELD_OUT_NAMES, 1.0),
    TestSet("unseen wording and names, misheard", "held-out", HELD_OUT_NAMES, 1.0),
    TestSet("somebody named, unseen names, misheard", "train", HELD_OUT_NAMES, 1.0, _NAMED),
    TestSet("extensions, unseen wording", "held-out", HELD_OUT_NAMES, 0.0, ("extension",)),
    TestSet("absent, unseen wording and names", "held-out", HELD_OUT_NAMES, 0.0, ("absent",)),
)


@dataclass
class Score:
    """Counts over one set."""

    turns: int = 0
    intents: int = 0
    targets: int = 0
    targets_right: int = 0
    targets_asked: int = 0
    topics: int = 0
    topics_right: int = 0
    absent: int = 0
    absent_refused: int = 0
    took_ms: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, turn: Turn, answer: Answer) -> None:
        """Count one answer. The switchboard is nobody whom the caller asked for."""
        target = None if answer.target == _SWITCHBOARD else answer.target
        self.turns += 1
        self.took_ms.append(answer.took_ms)
        refused = turn.absent and target is None
        intent_right = answer.intent == turn.intent or (refused and answer.asked)
        self.intents += intent_right
        self.absent += turn.absent
        self.absent_refused += refused
        if turn.target and turn.kind in _BY_TOPIC:
            self.topics += 1
            self.topics_right += target == turn.target
        elif turn.target:
            self.targets += 1
            self.targets_right += target == turn.target
            self.targets_asked += answer.asked
        if not intent_right or target != turn.target:
            self.wrong.append(
                f"{turn.kind}: {turn.text!r} wants {turn.intent} {turn.target}, "
                f"got {answer.intent} {answer.target}{' (asks)' if answer.asked else ''}"
            )

    def figures(self) -> dict[str, Any]:
        """Percentages, with one decimal."""
        times = sorted(self.took_ms)
        found: dict[str, Any] = {
            "turns": self.turns,
            "intent_right_percent": _percent(self.intents, self.turns),
        }
        if self.targets:
            found |= {
                "targets": self.targets,
                "target_right_percent": _percent(self.targets_right, self.targets),
                "target_asked_percent": _percent(self.targets_asked, self.targets),
            }
        if self.topics:
            found |= {
                "topics": self.topics,
                "topic_right_percent": _percent(self.topics_right, self.topics),
            }
        if self.absent:
            found |= {
                "absent": self.absent,
                "absent_refused_percent": _percent(self.absent_refused, self.absent),
            }
        found["median_ms"] = round(times[len(times) // 2], 1)
        found["p95_ms"] = round(times[int(len(times) * 0.95)], 1)
        return found


def handwritten() -> list[Turn]:
    """The turns of ``models/handwritten.yaml``."""
    directory = directory_of(read_directory(HANDWRITTEN))
    return [
        Turn(
            one["say"],
            "handwritten",
            one["intent"],
            one["target"].lower() if one.get("target") else None,
            one.get("priority", "normal"),
            one.get("absent", False),
            directory,
        )
        for one in yaml.safe_load(HANDWRITTEN.read_text("utf-8"))["turns"]
    ]


def evaluate(
    model: Path, wishes: Path, turns: int, into: Path | None, show: int = 0
) -> dict[str, Any]:
    """Measure everything, print it, and write it to ``into``.

    Args:
        turns: of each generated set.
        show: wrong answers to print, of each set.
    """
    asker, without, rules = Asker(model, wishes), Asker(None, wishes), Asker(None)
    ways: dict[str, Callable[[Directory, str], Answer]] = {
        "model_alone": asker.alone,
        "chain": asker.chained,
        "chain_with_wishes_alone": without.chained,
        "chain_of_rules_alone": rules.chained,
    }
    figures: dict[str, Any] = {"model_bytes": model.stat().st_size, "sets": {}}
    sets = [(one.name, list(one.turns(turns))) for one in SETS]
    for name, asked in [*sets, ("handwritten", handwritten())]:
        scores = {way: _score(ask, asked) for way, ask in ways.items()}
        figures["sets"][name] = {way: score.figures() for way, score in scores.items()}
        for way, score in scores.items():
            say(f"{name} | {way} | {figures['sets'][name][way]}")
            for line in score.wrong[:show]:
                say(f"    {line}")
    figures["emergencies"] = measure_emergencies()
    say(figures["emergencies"])
    if into is not None:
        write_text(into, as_json(figures))
    return figures


def _score(ask: Callable[[Directory, str], Answer], turns: Sequence[Turn]) -> Score:
    score = Score()
    for turn in turns:
        score.add(turn, ask(turn.directory, turn.text))
    return score


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1)
