"""Figures: goals, percentiles, what processes use, and how they are shown."""

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from appliance.lab.benchmarks.measurement import Measurement, at_least, at_most, percentile
from appliance.lab.benchmarks.report import print_report, write_json
from appliance.lab.benchmarks.usage import busy_s, cpu_s, memory_mb


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(1, 21)]
    assert percentile(values, 95) == 19
    assert percentile(values, 100) == 20
    assert percentile(values, 0) == 1
    assert percentile([7.0], 95) == 7
    assert math.isnan(percentile([], 95))


@pytest.mark.parametrize(
    ("goal", "kept", "missed", "text"),
    [(at_most(40), 40.0, 40.1, "<= 40"), (at_least(99), 99.0, 98.9, ">= 99")],
)
def test_goals_have_a_direction(goal: object, kept: float, missed: float, text: str) -> None:
    assert str(goal) == text
    assert Measurement("x", kept, "ms", goal).holds is True  # type: ignore[arg-type]
    assert Measurement("x", missed, "ms", goal).holds is False  # type: ignore[arg-type]
    assert Measurement("x", kept, "ms").holds is None


def test_a_goal_is_missed_when_there_is_nothing_to_hold_it_to() -> None:
    missing = Measurement("reply", math.nan, "ms", at_most(40))
    assert missing.as_dict() == {
        "name": "reply", "value": None, "unit": "ms", "goal": "<= 40", "holds": False,
    }  # fmt: skip


def test_figures_are_written_as_a_list(tmp_path: Path) -> None:
    path = tmp_path / "not" / "there" / "bench.json"
    write_json(
        path, [Measurement("reply", 12.34567, "ms", at_most(40)), Measurement("rows", 2, "")]
    )
    assert json.loads(path.read_text()) == [
        {"name": "reply", "value": 12.3457, "unit": "ms", "goal": "<= 40", "holds": True},
        {"name": "rows", "value": 2, "unit": "", "goal": None, "holds": None},
    ]


def test_the_table_shows_every_figure_with_its_verdict() -> None:
    console = Console(record=True, width=120, file=open(os.devnull, "w"))  # noqa: SIM115
    print_report(
        console,
        [Measurement("kept", 1, "ms", at_most(2)), Measurement("missed", 3, "ms", at_most(2))],
        pause_ms=320,
    )
    lines = console.export_text().splitlines()
    assert "yes" in next(line for line in lines if "kept" in line)
    assert "no" in next(line for line in lines if "missed" in line)
    assert any("320 ms" in line for line in lines)


def test_processor_time_is_this_process_s_own() -> None:
    before = time.process_time()
    mine = cpu_s(os.getpid())
    after = time.process_time()
    assert before <= mine <= after
    assert busy_s() > mine


def test_processor_time_and_memory_of_another_process() -> None:
    script = "sum(range(3_000_000)); data = b'x' * 50_000_000; print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert cpu_s(process.pid) > 0.01
        assert 50 < memory_mb(process.pid) < 200
        process.kill()
    with pytest.raises(OSError, match="Invalid argument"):
        cpu_s(process.pid)
    with pytest.raises(FileNotFoundError):
        memory_mb(process.pid)
