"""One figure with its goal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit that a value should keep; ``at_most`` False means at least."""

    limit: float
    at_most: bool = True

    def holds(self, value: float) -> bool:
        """Whether ``value`` keeps it."""
        return value <= self.limit if self.at_most else value >= self.limit

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.limit:g}"


def at_most(limit: float) -> Goal:
    """A goal that smaller values keep."""
    return Goal(limit)


def at_least(limit: float) -> Goal:
    """A goal that larger values keep."""
    return Goal(limit, at_most=False)


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure.

    Attributes:
        name: stays the same from run to run.
        goal: None for a figure that others are to be read beside.
    """

    name: str
    value: float
    unit: str
    goal: Goal | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the goal is kept; None without one."""
        return None if self.goal is None else self.goal.holds(self.value)

    def as_dict(self) -> dict[str, Any]:
        """``name``, ``value``, ``unit``, ``goal`` and ``holds``, ready for JSON."""
        value = round(self.value, 4) if math.isfinite(self.value) else None
        goal = None if self.goal is None else str(self.goal)
        return {
            "name": self.name, "value": value, "unit": self.unit, "goal": goal,
            "holds": self.holds,
        }  # fmt: skip


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that ``percent`` of all values do not exceed; NaN when there are none."""
    if not values:
        return math.nan
    ranked = sorted(values)
    return ranked[max(math.ceil(len(ranked) * percent / 100), 1) - 1]
