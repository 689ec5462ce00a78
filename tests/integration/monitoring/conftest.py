"""Bench calls through every process, and what these left in their logs and metrics."""

import json
import shutil
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from gevent import get_hub

from appliance.events.reader import CallRecord, call_record
from appliance.lab.scenario import load_scenarios
from appliance.lab.session import lab
from appliance.lab.stack import Stack

_SCENARIOS = Path(__file__).parents[2] / "scenarios"
_PLAYED = ("demo-1-department.yaml", "demo-4-message.yaml")
CORRELATION_ID = "asked-by-a-test"


@dataclass
class Observed:
    """What was seen of the calls.

    Attributes:
        logs: the lines of each process, by its name.
        pages: ``/metrics`` of the operators' page and of the model server.
        secrets: what must be in no log.
    """

    calls: list[CallRecord] = field(default_factory=list)
    logs: dict[str, list[str]] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()

    def lines(self, process: str) -> list[dict[str, Any]]:
        """The log of a process, parsed."""
        return [json.loads(line) for line in self.logs[process]]


@pytest.fixture(scope="session")
def observed() -> Iterator[Observed]:
    # Not in pytest's own folder, which PostgreSQL's user could not enter.
    work = Path(tempfile.mkdtemp(prefix="appliance-observed-"))
    work.chmod(0o755)
    found = Observed()
    # Everything is said that can be said.
    stack = Stack(work, environment={"APPLIANCE_LOG_LEVEL": "DEBUG"})
    try:
        with lab(stack, "bench", say=lambda line: None, started=lambda: None) as running:
            page = stack.start_admin()
            for scenario in load_scenarios([_SCENARIOS / name for name in _PLAYED]):
                for call in running.runner.run(scenario).calls:
                    record = call_record(running.database, stack.organisation_id, call.call_id)
                    assert record is not None
                    found.calls.append(record)
            # The bench lives in this thread and has questions of the page's to answer.
            read = partial(get_hub().threadpool.apply, _read)
            found.pages["admin"] = read((f"{page}/metrics",))
            found.pages["inference"] = read((f"{stack.inference_url}/metrics",))
            assert stack.cluster is not None
            found.secrets = (stack.password, stack.database_url.split(":")[2].split("@")[0])
        for log in (work / "logs").iterdir():
            found.logs[log.stem] = log.read_text().splitlines()
        yield found
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _read(url: str) -> str:
    request = urllib.request.Request(url, headers={"X-Correlation-Id": CORRELATION_ID})
    with urllib.request.urlopen(request, timeout=10) as answer:
        text: str = answer.read().decode()
        return text
